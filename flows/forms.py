"""The forms that people fill in: JSON Schemas that come with a flow, and so from anybody."""

from collections.abc import Iterator, Mapping
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from flows.errors import FlowError
from flows.values import Json

PATTERN_SECONDS = 0.25
"""How long one pattern of a form may take on one text."""
_NO_OTHERS: Registry[Any] = Registry()
"""What a form may refer to besides itself. Without it the validator would fetch whatever URL a form names."""


def check_form(form: Mapping[str, Any]) -> None:
    """Raises `FlowError` for a form that is no JSON Schema, that refers to anything but itself, or that takes fields by
    patterns of their names."""
    try:
        Draft202012Validator.check_schema(form)
    except SchemaError as error:
        raise FlowError(f"the form is no JSON Schema: {error.message}") from None
    resolver = _NO_OTHERS.resolver_with_root(DRAFT202012.create_resource(form))
    for keyword, value in _keywords(form):
        if keyword == "patternProperties":
            raise FlowError("the form takes fields by patternProperties; name each of them in properties")
        if keyword in ("$ref", "$dynamicRef"):
            try:
                resolver.lookup(value)
            except Unresolvable:
                raise FlowError(f"the form refers to {value!r}, which is not in it") from None


def faults_in_form(form: Mapping[str, Any], values: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """What is wrong with the values that were filled in, as pairs of a field and its fault."""
    try:
        for error in _Validator(form, registry=_NO_OTHERS).iter_errors(dict(values)):
            cause = best_match(error.context) or error if error.context else error
            yield _where(cause), cause.message
    except TimeoutError:
        yield "values", "a pattern of the form takes too long on this text"
    except (Unresolvable, RecursionError):
        yield "values", "the form refers to itself without end, or to what is not in it"


def _keywords(form: Any) -> Iterator[tuple[str, str]]:
    """The keywords in all parts of a form that name something, with what they name."""
    parts = list(form.values()) if isinstance(form, Mapping) else form if isinstance(form, list) else []
    if isinstance(form, Mapping):
        yield from ((name, part) for name, part in form.items() if isinstance(part, str) or name == "patternProperties")
    for part in parts:
        yield from _keywords(part)


def _pattern(validator: Any, pattern: str, text: Any, schema: Any) -> Iterator[ValidationError]:
    """As the validator's own, but it ends in time, and holds no lock meanwhile that other threads need."""
    if isinstance(text, str) and not regex.search(pattern, text, timeout=PATTERN_SECONDS, concurrent=True):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _where(error: ValidationError) -> str:
    return ".".join(["values", *(str(part) for part in error.absolute_path)])
