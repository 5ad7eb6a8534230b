"""SaveToFile (Write File): what reached it becomes a file of whoever runs the flow."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import orjson

from flows.blocking import in_own_thread
from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.reading.tabular import csv_of, rows_of
from flows.text import to_text
from flows.values import Data, Json, Message, Table, Value


class SaveToFileFields(Inputs):
    input: Any
    file_name: Text = ""
    local_format: str = "json"
    file_format: Text = ""
    append_mode: bool = False
    storage_location: Any = None


class SaveToFile(Component[SaveToFileFields]):
    """Stores its input as a file, as if it had been uploaded, and tells its path. Built again after a crash, it finds
    the file that it has stored."""

    types = ("SaveToFile",)
    inputs = SaveToFileFields
    outputs: ClassVar = {"message": Port(("Message",))}
    effect = Effect.IDEMPOTENT

    async def build(self, inputs: SaveToFileFields, context: VertexContext) -> Outputs:
        return {"message": await save(inputs, context, context.idempotency_key)}


async def save(inputs: SaveToFileFields, context: VertexContext, key: str) -> Message:
    """Stores the file once under a key; the message has its path as its text and as its file."""
    _check(inputs, context)
    kind = inputs.file_format.strip().lower() or inputs.local_format
    if kind not in _FORMATS:
        raise ValueError(f"files are not written as {kind!r}; set `local_format` to one of {', '.join(_FORMATS)}")
    suffix, written = _FORMATS[kind]
    name = inputs.file_name.replace("\\", "/").rpartition("/")[2].strip().removesuffix(suffix)
    if not name:
        raise ValueError("the file has no name; set `file_name`")
    content = await in_own_thread(_encoded, written, inputs.input)
    path = await context.tools.files.save(f"{name}{suffix}", content, key)
    return Message(path, files=(path,))


def _check(inputs: SaveToFileFields, context: VertexContext) -> None:
    chosen = inputs.storage_location if isinstance(inputs.storage_location, list) else []
    if any(place.get("name") != "Local" for place in chosen if isinstance(place, dict)):
        raise ValueError("files are stored among the uploaded ones only; set `storage_location` to Local")
    if inputs.append_mode:
        raise ValueError("every run writes a file of its own; switch `append_mode` off")
    if not context.run.is_remembered:
        raise ValueError("this run is for nobody who is known, and stores no files")


def _encoded(written: Callable[[Value], str], value: Value) -> bytes:
    return written(value).encode("utf-8", "replace")


def _as_json(value: Value) -> str:
    """A table as its records, a message as Langflow writes it, any other value as it is."""
    match value:
        case Table():
            plain: Json = list(value.records())
        case Data():
            plain = dict(value.data)
        case Message():
            plain = {"message": value.text}
        case _:
            plain = value  # type: ignore[assignment]
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode()


def _as_markdown(value: Value) -> str:
    """A table as one, a text as it is, a record as a block of JSON."""
    return to_text(value) if isinstance(value, Table | Message | str) else f"```json\n{_as_json(value)}\n```"


_FORMATS: Mapping[str, tuple[str, Callable[[Value], str]]] = {
    "csv": (".csv", lambda value: csv_of(rows_of(value))),
    "json": (".json", _as_json),
    "markdown": (".md", _as_markdown),
    "txt": (".txt", to_text),
}
"""The end of the name and the way of writing, by format."""
