"""What of a flow is secret: the values of its password fields."""

from collections.abc import Iterator, Mapping
from typing import Any

from flows.graph import Graph, Vertex
from flows.values import Json


def hidden_secrets(graph: Graph) -> set[str]:
    """The texts that stand in the password fields of a flow or its tweaks; not those that a variable holds. A tweak of
    a field that the flow does not have counts as one: nothing tells whether it is."""
    return {text for vertex in graph.vertices.values() for value in _secrets(vertex).values() for text in _texts(value)}


def without_secrets(graph: Graph) -> Graph:
    """The graph with its password fields empty; the graph given stays as it is."""
    emptied = {id: {**vertex.overrides, **dict.fromkeys(_secrets(vertex), "")} for id, vertex in graph.vertices.items()}
    return graph.with_overrides({id: fields for id, fields in emptied.items() if fields})


def redacted(definition: Any) -> Any:
    """A definition, or a part of one, as it is shown to whoever may not change it: every password field in it is empty,
    those of nodes within nodes too."""
    if isinstance(definition, list):
        return [redacted(item) for item in definition]
    if not isinstance(definition, dict):
        return definition
    shown = {name: redacted(value) for name, value in definition.items()}
    return {**shown, "value": ""} if _is_secret(definition) else shown


def _is_secret(field: Mapping[str, Any]) -> bool:
    return bool(field.get("password") and "value" in field and not field.get("load_from_db"))


def _secrets(vertex: Vertex) -> dict[str, Json]:
    """The password fields of a vertex that hold anything."""
    fields = {name: field for name, field in vertex.node.template.items() if field.password}
    values = {name: None if field.load_from_db else field.value for name, field in fields.items()}
    unknown = {name: value for name, value in vertex.overrides.items() if name not in vertex.node.template}
    given = {**{name: vertex.overrides.get(name, value) for name, value in values.items()}, **unknown}
    return {name: value for name, value in given.items() if value}


def _texts(value: Json) -> Iterator[str]:
    """All texts in a value; the editor wraps that of a message field, too."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str) and value:
        yield value
