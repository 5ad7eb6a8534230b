"""What a model is to fill in: a record whose entries the rows of the editor's schema table name."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from flows.errors import FlowError
from flows.values import Json, Table

MAX_FIELDS = 500
"""Entries of one record (I10)."""
TYPES: Mapping[str, str] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "number": "number",
    "bool": "boolean",
    "boolean": "boolean",
    "dict": "object",
    "list": "array",
}
"""The types of the editor, and what JSON Schema calls them."""
_TRUE = {"true", "1", "yes", "on"}

Schema: TypeAlias = dict[str, Any]


class SchemaRefused(FlowError):
    """The rows of a schema table describe no record."""


def json_schema(rows: Any) -> Schema:
    """The JSON Schema of one record. Each row has a `name`, a `type`, a `description` and whether there are `multiple`;
    rows come from the editor, or as a table over an edge. What is not known is null.

    Raises `SchemaRefused`.
    """
    properties: dict[str, Any] = {}
    for number, row in enumerate(_records(rows), 1):
        name = str(row.get("name") or "").strip()
        if not name:
            raise SchemaRefused(f"row {number} of the schema has no name.")
        if name in properties:
            raise SchemaRefused(f"two rows of the schema are called {name!r}.")
        properties[name] = _property(name, row)
    if not properties:
        raise SchemaRefused("the schema has no rows. Add one for each entry of the answer.")
    if len(properties) > MAX_FIELDS:
        raise SchemaRefused(f"the schema has more than {MAX_FIELDS} rows.")
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def fitted(record: Mapping[str, Json], schema: Schema) -> dict[str, Json]:
    """A record that a model filled in, with exactly the entries of its schema: one that it left out is null, one that
    it made up is left out. Raises `ValueError` for an entry of another type, naming it."""
    found = {name: record.get(name) for name in schema["properties"]}
    error = best_match(Draft202012Validator(schema).iter_errors(found))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "the record"
        raise ValueError(f"{where}: {(best_match(error.context or ()) or error).message}")
    return found


def _records(rows: Any) -> Iterable[Mapping[str, Any]]:
    given = rows.records() if isinstance(rows, Table) else rows or []
    if not isinstance(given, list) or not all(isinstance(row, Mapping) for row in given):
        raise SchemaRefused("the schema must be a table with the columns name, description, type and multiple.")
    return given


def _property(name: str, row: Mapping[str, Any]) -> Schema:
    type_name = str(row.get("type") or "str").strip().lower()
    if type_name not in TYPES:
        raise SchemaRefused(f"the type {type_name!r} of {name!r} is none of {', '.join(TYPES)}.")
    kind: Schema = {"type": TYPES[type_name]}
    if str(row.get("multiple", False)).strip().lower() in _TRUE:
        kind = {"type": "array", "items": kind}
    return {"anyOf": [kind, {"type": "null"}], "description": str(row.get("description") or "")}
