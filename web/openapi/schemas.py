"""JSON Schemas of the types that routes take and give, all in one place of the document."""

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter

PLACE = "#/components/schemas/{model}"
Mode: TypeAlias = Literal["validation", "serialization"]
"""Whether a type is taken or given: a field with a default may lack in what is taken only."""
Schema: TypeAlias = dict[str, Any]


class Schemas:
    """The schemas of given types. What a type refers to is in `components`, once."""

    def __init__(self, wanted: Iterable[tuple[Any, Mode]]) -> None:
        by_key = {(_key(kind), mode): kind for kind, mode in wanted}
        adapters = [(key, mode, TypeAdapter(kind)) for (key, mode), kind in by_key.items()]
        found, definitions = TypeAdapter.json_schemas(adapters, ref_template=PLACE)
        self._found = found
        self.components: Schema = dict(sorted(definitions.get("$defs", {}).items()))

    def of(self, kind: Any, mode: Mode) -> Schema:
        """The schema of one of the types."""
        return self._found[_key(kind), mode]


def _key(kind: Any) -> str:
    return repr(kind)


def referred(document: Any, components: Schema) -> Schema:
    """Those components that a document refers to, and those that they refer to."""
    wanted, found = _references(document), dict[str, Any]()
    while wanted:
        name = wanted.pop()
        found[name] = components[name]
        wanted |= _references(components[name]) - found.keys()
    return dict(sorted(found.items()))


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()


def parameters(schema: Schema, place: Literal["query", "path"]) -> list[Schema]:
    """The fields of a model as parameters of a request. What is absent is not sent: null is no value of a parameter."""
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path" or name in required,
            "schema": _without_null(field),
        }
        for name, field in schema["properties"].items()
    ]


def _without_null(field: Schema) -> Schema:
    kinds = [one for one in field.get("anyOf", ()) if one != {"type": "null"}]
    rest = {name: value for name, value in field.items() if name not in ("anyOf", "default") or value not in (None,)}
    if len(kinds) != 1:
        return rest
    del rest["anyOf"]
    return {**rest, **kinds[0]}
