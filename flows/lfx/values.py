"""How values cross over to lfx and back: as its own Message, Data and DataFrame, and plain JSON as it is."""

from importlib import import_module
from typing import Any

import orjson

from flows.codec import plain
from flows.errors import ValueWithoutCodec
from flows.values import Data, Json, LanguageModel, Message, Source, Table, Tool, Value


def to_lfx(value: Any, path: str) -> Any:
    """A value as lfx has it. Raises `ValueError` with its path for one that lfx cannot be given."""
    match value:
        case Message(files=()):
            said = {name: getattr(value, name) or None for name in ("sender", "sender_name")}
            return _schema("message").Message(text=value.text, session_id=value.session_id, **said)
        case Message():
            raise ValueError(f"{path}: a message with files cannot be given to a component of lfx")
        case Data():
            return _schema("data").Data(data=dict(value.data), text_key=value.text_key)
        case Table():
            return _schema("dataframe").DataFrame(value.records(), columns=list(value.columns))
        case LanguageModel() | Tool():
            raise ValueError(f"{path}: a {type(value).__name__} cannot be given to a component of lfx")
        case list() | tuple():
            return [to_lfx(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return value


def from_lfx(value: Any, path: str) -> Value:
    """The inverse of `to_lfx`, a list of Data as a list of records. Raises `ValueWithoutCodec` with the path of what
    has none, as a model, a tool or a text that is still to come."""
    if isinstance(value, _schema("message").Message):
        return _message(value, path)
    if isinstance(value, _schema("data").Data):
        return Data(_record(value, path), value.text_key)
    if isinstance(value, _schema("dataframe").DataFrame):
        return _table(value)
    if isinstance(value, list):
        return [_item(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return plain(value, path)


def _message(value: Any, path: str) -> Message:
    if not isinstance(value.text, str):
        raise ValueWithoutCodec(f"{path}.text", value.text)
    source = value.properties.source
    return Message(
        value.text,
        sender=value.sender or "",
        sender_name=value.sender_name or "",
        session_id=str(value.session_id or ""),
        source=Source(source.id, source.display_name, source.source),
    )


def _record(value: Any, path: str) -> dict[str, Json]:
    return {name: plain(held, f"{path}.{name}") for name, held in value.data.items()}


def _item(value: Any, path: str) -> Json:
    return _record(value, path) if isinstance(value, _schema("data").Data) else plain(value, path)


def _table(value: Any) -> Table:
    """The frame without its index; what is not there is null, a moment is its ISO text."""
    split = orjson.loads(value.to_json(orient="split", date_format="iso"))
    return Table(tuple(map(str, split["columns"])), tuple(map(tuple, split["data"])))


def _schema(name: str) -> Any:
    return import_module(f"lfx.schema.{name}")
