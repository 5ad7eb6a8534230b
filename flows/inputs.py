"""What a vertex is given: its stored fields, its tweaks, the variables it names and the values its edges brought."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError

from flows.component import Inputs
from flows.definition import Edge, TemplateField
from flows.errors import FlowError
from flows.graph import Vertex
from flows.values import Json, Value

VariableLookup: TypeAlias = Callable[[str], str | None]


class InputsRefused(FlowError):
    """The fields of a vertex do not fit its component."""


def gather(
    vertex: Vertex,
    edges: Sequence[Edge],
    outputs: Mapping[str, Mapping[str, Value]],
    lookup: VariableLookup,
) -> Inputs:
    """The inputs of a vertex, valid for its component: an edge stands before a tweak, a tweak before the template.

    `edges` are the live edges into it, `outputs` what their sources produced. Raises `InputsRefused`.
    """
    fields = _stored(vertex, lookup) | dict(vertex.overrides) | _brought(vertex, edges, outputs)
    try:
        return vertex.component.inputs.model_validate(fields)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise InputsRefused(f"field {name!r}: {fault['msg']}") from None


def _stored(vertex: Vertex, lookup: VariableLookup) -> dict[str, Any]:
    fields = {name: field for name, field in vertex.node.template.items() if field.reaches_component}
    values = {name: _value(name, field, lookup) for name, field in fields.items() if name not in vertex.overrides}
    return {name: value for name, value in values.items() if value is not None}


def _value(name: str, field: TemplateField, lookup: VariableLookup) -> Json:
    """The field's value. A variable that is not set is an error, except for a secret, which has other sources."""
    if not (field.load_from_db and isinstance(field.value, str) and field.value):
        return field.value
    found = lookup(field.value)
    if found is None and not field.password:
        raise InputsRefused(f"field {name!r}: the variable {field.value!r} is not set. Send it in `globals`.")
    return found


def _brought(
    vertex: Vertex, edges: Sequence[Edge], outputs: Mapping[str, Mapping[str, Value]]
) -> dict[str, Value | list[Value]]:
    brought: dict[str, Any] = {}
    for edge in edges:
        name = edge.target_handle.name
        value = outputs[edge.source][edge.source_handle.name]
        if vertex.node.template[name].list:
            brought.setdefault(name, []).append(value)
        else:
            brought[name] = value
    return brought
