"""The fields of a component as the editor has them: types, defaults, and what may lead into them (contract 7.3)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, reduce
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import BeforeValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from flows.component import Inputs, Takes
from flows.values import Data, Json, LanguageModel, Message, Table, Tool

TEXT = ("Message",)
RECORD = ("Data", "JSON")
ROWS = ("DataFrame", "Table")
MODEL = ("LanguageModel",)
TOOL = ("Tool",)
ANYTHING = (*TEXT, *RECORD, *ROWS, *MODEL, *TOOL)

OTHER = "other"
"""The type of a field that only an edge can fill."""
_VALUES: Mapping[Any, tuple[str, ...]] = {
    Message: TEXT,
    Data: RECORD,
    Table: ROWS,
    LanguageModel: MODEL,
    Tool: TOOL,
}
_PLAIN: Mapping[Any, str] = {str: "str", bool: "bool", int: "int", float: "float", SecretStr: "str"}


@dataclass(frozen=True)
class FieldShape:
    """One field of a component."""

    name: str
    type: str
    """Langflow's name of its type; `other` when only an edge can fill it."""
    accepts: tuple[str, ...]
    """The port types that may lead into it."""
    is_list: bool
    options: tuple[str, ...]
    """What it may hold, when it is one of few."""
    is_secret: bool
    is_required: bool
    default: Json
    """None when there is none."""
    info: str


@dataclass(frozen=True)
class _Kind:
    """What an annotation says."""

    type: str
    accepts: tuple[str, ...] = ()
    is_list: bool = False
    options: tuple[str, ...] = ()


_ANY = _Kind(OTHER, ANYTHING)
_Metadata: TypeAlias = tuple[Any, ...]


@cache
def shapes_of(inputs: type[Inputs]) -> Mapping[str, FieldShape]:
    """The fields of a component by name, in the order in which they are written.

    A `Secret` and a `SecretStr` are password fields. A field that is converted before it is checked, as `Text` is,
    takes messages.
    """
    return {name: _shape(name, field) for name, field in inputs.model_fields.items()}


def _shape(name: str, field: FieldInfo) -> FieldShape:
    kind = _kind(field.annotation, tuple(field.metadata))
    is_secret = SecretStr in _parts(field.annotation) or _is_password(field)
    return FieldShape(
        name=name,
        type=kind.type,
        accepts=kind.accepts,
        is_list=kind.is_list,
        options=kind.options,
        is_secret=is_secret,
        is_required=field.is_required(),
        default=None if is_secret else _default(field),
        info=field.description or "",
    )


def _is_password(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("format") == "password"


def _default(field: FieldInfo) -> Json:
    default = field.get_default(call_default_factory=True, validated_data={})
    return None if default is PydanticUndefined else to_jsonable_python(default)


def _kind(annotation: Any, metadata: _Metadata = ()) -> _Kind:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0], (*inner[1:], *metadata))
    if origin in (Union, UnionType):
        return reduce(_either, (_kind(part, metadata) for part in inner if part is not NoneType))
    if origin is Literal:
        return _Kind("str", options=tuple(str(option) for option in inner))
    if origin is not None and issubclass(origin, Mapping):
        return _Kind("dict", RECORD)
    if origin is not None and issubclass(origin, Iterable):
        item = _kind(inner[0], metadata) if inner else _ANY
        return _Kind(item.type, item.accepts, is_list=True, options=item.options)
    return _simple(annotation, metadata)


def _simple(annotation: Any, metadata: _Metadata) -> _Kind:
    if annotation in (Any, object):
        return next((_Kind(OTHER, part.types) for part in metadata if isinstance(part, Takes)), _ANY)
    if annotation in _VALUES:
        return _Kind(OTHER, _VALUES[annotation])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _Kind("str", options=tuple(str(option.value) for option in annotation))
    if annotation in _PLAIN:
        is_converted = any(isinstance(part, BeforeValidator) for part in metadata)
        return _Kind(_PLAIN[annotation], TEXT if is_converted and _PLAIN[annotation] == "str" else ())
    return _Kind("dict", RECORD) if isinstance(annotation, type) else _ANY


def _either(one: _Kind, other: _Kind) -> _Kind:
    """What a union of two says: what can hold a value by itself gives it its type."""
    first, second = (other, one) if one.type == OTHER else (one, other)
    return _Kind(
        first.type,
        tuple(dict.fromkeys((*one.accepts, *other.accepts))),
        one.is_list or other.is_list,
        first.options or second.options,
    )


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
