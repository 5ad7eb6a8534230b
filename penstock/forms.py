"""How the values of a form are typed: each field by itself, read as its JSON Schema says."""

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from flows.values import Json
from penstock.console import ask

_BOOLEANS: Mapping[str, bool] = {"y": True, "yes": True, "n": False, "no": False}


def read_values(form: Mapping[str, Any] | None, written: Mapping[str, str]) -> dict[str, Json]:
    """The values that somebody wrote as text, by field."""
    fields = _fields(form or {})
    return {name: read_value(fields.get(name, {}), text) for name, text in written.items()}


def read_value(field: Mapping[str, Any], text: str) -> Json:
    """A value from its text: JSON where the field may hold what that means, else the text itself. A field that is
    either true or false takes yes and no."""
    types = _types(field)
    if types == {"boolean"} and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    try:
        value: Json = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if types == {"string"} and not isinstance(value, str) else value


def ask_values(form: Mapping[str, Any], known: Mapping[str, Json]) -> dict[str, Json]:
    """Asks for each field of a form. An empty reply keeps the value that is `known`, else takes the field's default,
    else leaves the field out. Raises `EOFError`."""
    required = form.get("required") or ()
    values: dict[str, Json] = {}
    for name, field in _fields(form).items():
        standing = known.get(name, field.get("default"))
        typed = ask(_question(name, field, required, standing))
        if typed:
            values[name] = read_value(field, typed)
        elif standing is not None:
            values[name] = standing
    return values


def _fields(form: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The fields by name. A field may be described by `true` alone, which describes nothing."""
    return {name: field if isinstance(field, dict) else {} for name, field in (form.get("properties") or {}).items()}


def _question(name: str, field: Mapping[str, Any], required: Collection[str], standing: Json) -> str:
    title = field.get("title") or name
    told = [str(field["description"])] if field.get("description") else []
    if "enum" in field:
        told.append("one of " + ", ".join(_written(choice) for choice in field["enum"]))
    elif types := _types(field):
        told.append(" or ".join(sorted(types)))
    if name not in required:
        told.append("may be left out")
    default = "" if standing is None else f" [{_written(standing)}]"
    return f"{title} ({'; '.join(told)}){default}: " if told else f"{title}{default}: "


def _types(field: Mapping[str, Any]) -> set[str]:
    """The types that a field may have, as far as it says so."""
    if "enum" in field and all(isinstance(choice, str) for choice in field["enum"]):
        return {"string"}
    types = field.get("type") or []
    return {types} if isinstance(types, str) else set(types)


def _written(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
