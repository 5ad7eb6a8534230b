"""What a vertex is given: its stored fields, its tweaks, the variables it names, the values its edges brought, and what
it sees around it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError

from flows.component import Inputs
from flows.definition import Edge, TemplateField
from flows.errors import FlowError
from flows.graph import Graph, Vertex
from flows.surroundings import Neighbour, Surroundings
from flows.values import Json, Source, Value

_MESSAGE_KEYS = {"text_key", "text"}
"""The editor exports the value of a message field as a whole message, of which the text is meant."""

VariableLookup: TypeAlias = Callable[[str], str | None]


class InputsRefused(FlowError):
    """The fields of a vertex do not fit its component."""


def gather(
    vertex: Vertex,
    edges: Sequence[Edge],
    outputs: Mapping[str, Mapping[str, Value]],
    lookup: VariableLookup,
    args: Mapping[str, Json] | None = None,
) -> Inputs:
    """The inputs of a vertex, valid for its component: an edge stands before a tweak, a tweak before the template.

    `edges` are the live edges into it, `outputs` what their sources produced, `args` what an agent calls it with,
    which stands before all. Raises `InputsRefused`.
    """
    fields = _stored(vertex, lookup) | dict(vertex.overrides) | _brought(vertex, edges, outputs) | dict(args or {})
    try:
        return vertex.component.inputs.model_validate(fields)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise InputsRefused(f"field {name!r}: {fault['msg']}") from None


def variables_of(graph: Graph) -> set[str]:
    """The names of the variables that a run of the graph may look up, as far as its definition tells."""
    named = {name for vertex in graph.vertices.values() for name in vertex.component.variables}
    for vertex in graph.vertices.values():
        for name, field in vertex.node.template.items():
            if field.load_from_db and isinstance(field.value, str) and field.value and name not in vertex.overrides:
                named.add(field.value)
    return named


def look_around(graph: Graph, vertex_id: str, edges: Sequence[Edge], lookup: VariableLookup) -> Surroundings:
    """What a vertex sees of its graph; `edges` are the live ones into it."""
    behind: dict[str, list[Neighbour]] = {}
    for edge in graph.outgoing[vertex_id]:
        neighbour = Neighbour(edge.target, graph.vertices[edge.target].node.type)
        behind.setdefault(edge.source_handle.name, []).append(neighbour)
    return Surroundings(
        vertex_id=vertex_id,
        display_name=graph.vertices[vertex_id].display_name,
        leads_to=behind,
        fed_by={edge.target_handle.name: _source(graph.vertices[edge.source]) for edge in edges},
        field=lambda id, name: _field_text(graph.vertices[id], name, lookup),
    )


def _source(vertex: Vertex) -> Source:
    return Source(vertex.id, vertex.display_name, vertex.display_name)


def _field_text(vertex: Vertex, name: str, lookup: VariableLookup) -> str | None:
    override, field = vertex.overrides.get(name), vertex.node.template.get(name)
    if isinstance(override, str):
        return override or None
    if field is None or not isinstance(field.value, str) or not field.value:
        return None
    return lookup(field.value) if field.load_from_db else field.value


def _stored(vertex: Vertex, lookup: VariableLookup) -> dict[str, Any]:
    fields = {name: field for name, field in vertex.node.template.items() if field.reaches_component}
    values = {name: _value(name, field, lookup) for name, field in fields.items() if name not in vertex.overrides}
    return {name: value for name, value in values.items() if value is not None}


def _value(name: str, field: TemplateField, lookup: VariableLookup) -> Json:
    """The field's value. A variable that is not set is an error, except for a secret, which has other sources."""
    if isinstance(field.value, dict) and field.value.keys() >= _MESSAGE_KEYS:
        return field.value["text"]
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
