"""Overrides of field values for one run (contract 7.4)."""

from collections.abc import Mapping

from flows.errors import TweaksRefused
from flows.graph import Graph, Vertex
from flows.values import Json

REFUSED_TYPES = frozenset({"code"})
"""Field types that nobody may override: what they hold would be run or would reach a privileged place."""


def apply_tweaks(graph: Graph, tweaks: Mapping[str, Json]) -> Graph:
    """The graph with the tweaks in place; the graph given stays as it is.

    A key is a vertex id or a display name with a mapping of fields, or a field that is set wherever it exists.
    A field is one of the vertex's template or one that its component reads; an unknown vertex or field is ignored.
    Raises `TweaksRefused` with every field that may not be overridden.
    """
    if not tweaks:
        return graph
    overrides = {id: _for_vertex(vertex, tweaks) for id, vertex in graph.vertices.items()}
    refused = [f"{id}.{name}" for id, fields in overrides.items() for name in fields if _is_refused(graph, id, name)]
    if refused:
        raise TweaksRefused(refused, f"These fields may not be overridden: {', '.join(refused)}.")
    return graph.with_overrides({id: fields for id, fields in overrides.items() if fields})


def _for_vertex(vertex: Vertex, tweaks: Mapping[str, Json]) -> dict[str, Json]:
    fields: dict[str, Json] = {name: value for name, value in tweaks.items() if not isinstance(value, dict)}
    for key in (vertex.display_name, vertex.id):
        named = tweaks.get(key)
        if isinstance(named, dict):
            fields |= {name: _unwrapped(value) for name, value in named.items()}
    known = vertex.node.template.keys() | vertex.component.inputs.model_fields.keys()
    return {name: value for name, value in fields.items() if name in known}


def _unwrapped(value: Json) -> Json:
    """A field given as `{"value": x}`, the form that the editor copies out, means `x`."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _is_refused(graph: Graph, vertex_id: str, name: str) -> bool:
    field = graph.vertices[vertex_id].node.template.get(name)
    return field is not None and field.type in REFUSED_TYPES
