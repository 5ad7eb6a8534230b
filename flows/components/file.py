"""File (Read File): what stands in uploaded files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from flows.blocking import in_own_thread
from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.files import FileUnavailable
from flows.reading.documents import FileKindUnknown, FileUnreadable, text_of
from flows.reading.tabular import json_in, table_in
from flows.text import MAX_TEXT
from flows.values import Data, Json, Message, Table, Value

MAX_FILES = 32
"""Files of one vertex (I10)."""
MAX_BYTES = 50_000_000
"""Bytes of all of them together (I10)."""
RAW = "message"

T = TypeVar("T")


class FileFields(Inputs):
    path: tuple[str, ...] | str = ()
    file_path: Any = None
    file_path_str: Text = ""
    separator: Text = "\n\n"
    text_encoding: Text = ""
    silent_errors: bool = False
    ignore_unspecified_files: bool = False
    ignore_unsupported_extensions: bool = True
    advanced_mode: bool = False
    storage_location: Any = None


@dataclass(frozen=True)
class Document:
    """A file that was read."""

    path: str
    name: str
    media_type: str
    text: str


class File(Component[FileFields]):
    """Reads text, CSV, JSON, PDF and DOCX files: those that an edge brings, else those of its fields, else those that
    came with the run. Files are named by the path that their upload answered, and none is deleted.

    Only what something uses is made of them; with nothing behind it that is the text.
    """

    types = ("File",)
    inputs = FileFields
    outputs: ClassVar = {
        RAW: Port(("Message",)),
        "dataframe": Port(("Table",)),
        "json": Port(("JSON",)),
        "path": Port(("Message",)),
    }

    async def build(self, inputs: FileFields, context: VertexContext) -> Outputs:
        wanted = [name for name in self.outputs if name in (context.surroundings.leads_to or (RAW,))]
        documents = await read(inputs, context) if wanted else []
        return {name: await in_own_thread(_OUTPUTS[name], documents, inputs) for name in wanted}


async def read(inputs: FileFields, context: VertexContext) -> list[Document]:
    """The files that the fields name, one after the other. Raises `ValueError` when there is none that can be read, or
    too much in them, and what reading one raises, unless `silent_errors` leaves it out."""
    _check(inputs)
    documents: list[Document] = []
    size = length = 0
    for path in _paths(inputs, context):
        read_bytes, document = await _read_one(path, inputs, context)
        size += read_bytes
        if document is not None:
            documents.append(document)
            length += len(document.text)
        if size > MAX_BYTES or length > MAX_TEXT:
            raise ValueError(f"the files have more than {MAX_BYTES} bytes or {MAX_TEXT} characters together")
    if not documents and not inputs.silent_errors:
        raise ValueError("none of the files can be read; only text, CSV, JSON, PDF and DOCX files are")
    return documents


def joined(documents: Sequence[Document], inputs: FileFields) -> Message:
    """All texts as one, as a tool answers with it."""
    return Message(inputs.separator.join(document.text for document in documents))


async def _read_one(path: str, inputs: FileFields, context: VertexContext) -> tuple[int, Document | None]:
    """How many bytes a file has, and the file unless it is left out."""
    size = 0
    try:
        file = await context.tools.files.read(path)
        size = len(file.content)
        text = await in_own_thread(text_of, file, inputs.text_encoding, context.tools.clock.monotonic)
    except (FileUnavailable, FileUnreadable) as error:
        is_left_out = isinstance(error, FileKindUnknown) and inputs.ignore_unsupported_extensions
        if not (is_left_out or inputs.silent_errors):
            raise
        context.log(str(error))
        return size, None
    return size, Document(path, file.name, file.media_type, text)


def _check(inputs: FileFields) -> None:
    if inputs.advanced_mode:
        raise ValueError("the advanced parser (Docling) is not here; switch `advanced_mode` off")
    chosen = inputs.storage_location if isinstance(inputs.storage_location, list) else []
    places = [place.get("name") for place in chosen if isinstance(place, dict)]
    if any(place != "Local" for place in places):
        raise ValueError("files are read from the uploaded ones only; set `storage_location` to Local")


def _paths(inputs: FileFields, context: VertexContext) -> list[str]:
    brought = inputs.file_path if isinstance(inputs.file_path, list) else [inputs.file_path]
    named = [inputs.path] if isinstance(inputs.path, str) else inputs.path
    sources: Sequence[Sequence[str]] = (
        [inputs.file_path_str],
        [path for value in brought if value for path in _paths_in(value, inputs)],
        named,
        context.run.files,
    )
    for source in sources:
        if paths := list(dict.fromkeys(path for path in source if path)):
            if len(paths) > MAX_FILES:
                raise ValueError(f"{len(paths)} files are named; at most {MAX_FILES} are read")
            return paths
    raise ValueError("no file is named. Set `path`, or send `files` with the run")


def _paths_in(value: Value, inputs: FileFields) -> Sequence[str]:
    """What an edge brings names files: a message by its files or its text, a record by its entry `file_path`."""
    if isinstance(value, Message):
        return value.files or (value.text.strip(),)
    record = value.data if isinstance(value, Data) else value
    path = record.get("file_path") if isinstance(record, dict) else record
    if isinstance(path, str) and path:
        return (path,)
    if inputs.ignore_unspecified_files:
        return ()
    raise ValueError("a record that names a file needs an entry `file_path`; or set `ignore_unspecified_files`")


def _table(documents: Sequence[Document], inputs: FileFields) -> Table:
    """The rows of a single file that has any; else a row for each file."""
    table = _held(documents[0], table_in) if len(documents) == 1 else None
    return table or Table(("file_path", "text"), tuple((document.path, document.text) for document in documents))


def _json(documents: Sequence[Document], inputs: FileFields) -> Value:
    """What a single file holds; of several a list."""
    found = [_held(document, json_in) for document in documents]
    value: Json = found[0] if len(found) == 1 else found
    return Data(value) if isinstance(value, dict) else value


def _path(documents: Sequence[Document], inputs: FileFields) -> Message:
    paths = tuple(document.path for document in documents)
    return Message("\n".join(paths), files=paths)


def _held(document: Document, parse: Callable[[str, str], T]) -> T:
    try:
        return parse(document.text, document.media_type)
    except ValueError as error:
        raise FileUnreadable(document.name, str(error)) from error


_OUTPUTS: Mapping[str, Callable[[Sequence[Document], FileFields], Value]] = {
    RAW: joined,
    "dataframe": _table,
    "json": _json,
    "path": _path,
}
