"""What of a flow is secret: the values of its password fields."""

from collections.abc import Mapping
from typing import Any

from flows.graph import Graph, Vertex


def hidden_secrets(graph: Graph) -> set[str]:
    """The values that stand in the password fields of a flow or its tweaks; not those that a variable holds. A tweak of
    a field that the flow does not have counts as one: nothing tells whether it is."""
    return {value for vertex in graph.vertices.values() for value in _secrets(vertex).values()}


def without_secrets(graph: Graph) -> Graph:
    """The graph with its password fields empty; the graph given stays as it is."""
    emptied = {id: {**vertex.overrides, **dict.fromkeys(_secrets(vertex), "")} for id, vertex in graph.vertices.items()}
    return graph.with_overrides({id: fields for id, fields in emptied.items() if fields})


def redacted(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A definition as it is shown to whoever may not change it: its password fields empty."""
    return {name: [_blank(item) for item in value] if name == "nodes" else value for name, value in definition.items()}


def _secrets(vertex: Vertex) -> dict[str, str]:
    fields = {name: field for name, field in vertex.node.template.items() if field.password}
    values = {name: None if field.load_from_db else field.value for name, field in fields.items()}
    unknown = {name: value for name, value in vertex.overrides.items() if name not in vertex.node.template}
    given = {**{name: vertex.overrides.get(name, value) for name, value in values.items()}, **unknown}
    return {name: value for name, value in given.items() if isinstance(value, str) and value}


def _blank(node: Any) -> Any:
    """A node of a definition that was read before, so that it has the shape of one, or a note."""
    try:
        template = node["data"]["node"]["template"]
    except (KeyError, TypeError):
        return node
    shown = {name: _shown(field) for name, field in template.items()}
    return {**node, "data": {**node["data"], "node": {**node["data"]["node"], "template": shown}}}


def _shown(field: Any) -> Any:
    if not isinstance(field, dict) or not field.get("password") or field.get("load_from_db"):
        return field
    return {**field, "value": ""}
