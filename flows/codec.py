"""How the outputs of a vertex are stored and read back (rule 11): tagged JSON, never pickle, never a class by name."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from flows.errors import ValueTooLarge, ValueWithoutCodec
from flows.values import Data, Json, LanguageModel, Message, Source, Table, Tool, Usage, Value

KINDS: Mapping[str, type[Any]] = {
    "message": Message,
    "data": Data,
    "table": Table,
    "model": LanguageModel,
    "tool": Tool,
}
"""The tag of every structured value; anything else is plain JSON under the tag `json`."""

_TAGS = {kind: tag for tag, kind in KINDS.items()}
MAX_BYTES = 50_000_000
"""Bytes of the outputs of one vertex at most (I10); they are held by the worker, a row and an event."""
MAX_DEPTH = 100
"""Containers that a value may nest; the encoder's own limit, less what the events add around it."""
_LARGEST, _SMALLEST = 2**63 - 1, -(2**63)


def encode_outputs(outputs: Mapping[str, Value]) -> bytes:
    """The outputs of one vertex by port name, as JSON bytes.

    Raises `ValueWithoutCodec` with the path of the first value that would not come back equal, and `ValueTooLarge`.
    """
    encoded = orjson.dumps({name: encode(value, name) for name, value in outputs.items()})
    if len(encoded) > MAX_BYTES:
        raise ValueTooLarge(len(encoded), MAX_BYTES)
    return encoded


def decode_outputs(stored: bytes | str) -> dict[str, Value]:
    """The inverse of `encode_outputs`."""
    return {name: decode(tagged, name) for name, tagged in orjson.loads(stored).items()}


def encode(value: Value, path: str = "value") -> dict[str, Json]:
    """A value as tagged JSON. Price: a walk over what it holds, and a second one that reads it back."""
    tag = _TAGS.get(type(value))
    if tag is None:
        return {"json": plain(value, path)}
    tagged = {tag: plain(_fields(value), path)}
    decode(tagged, path)
    return tagged


def decode(tagged: Mapping[str, Json], path: str = "value") -> Value:
    """The inverse of `encode`; a tag or a shape that is not known here raises `ValueWithoutCodec`."""
    [(tag, stored)] = tagged.items()
    if tag == "json":
        return stored
    if tag not in KINDS:
        raise ValueWithoutCodec(f"{path}.{tag}", stored)
    try:
        value: Value = _adapter(tag).validate_python(stored)
    except ValidationError as error:
        raise ValueWithoutCodec(f"{path}.{tag}", stored) from error
    return value


def plain(value: object, path: str, depth: int = MAX_DEPTH) -> Json:
    """The value itself when it is JSON that comes back equal, tuples as lists.

    NaN, integers over 64 bits, lone surrogates, containers in more than `depth` others and all other types raise
    `ValueWithoutCodec` with their path.
    """
    match value:
        case None | bool():
            return value
        case str() if _is_text(value):
            return value
        case int() if _SMALLEST <= value <= _LARGEST:
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple() if depth:
            return [plain(item, f"{path}[{index}]", depth - 1) for index, item in enumerate(value)]
        case dict() if depth and all(isinstance(key, str) and _is_text(key) for key in value):
            return {key: plain(item, f"{path}.{key}", depth - 1) for key, item in value.items()}
    raise ValueWithoutCodec(path, value)


def _fields(value: Any) -> dict[str, Any]:
    """The fields of a structured value. Its own parts become plain, what it holds stays as it is."""
    held = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: asdict(part) if isinstance(part, Source | Usage) else part for name, part in held.items()}


def _is_text(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


@cache
def _adapter(tag: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[tag])
