"""A definition that may run: its vertices, its edges and who follows whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from flows.component import AnyComponent, Port
from flows.definition import Definition, Edge, Node, is_note, parse_definition
from flows.errors import FlowRefused, UnknownComponents
from flows.limits import Limits, check_depth
from flows.registry import Registry
from flows.values import Json, port_types

MAX_ID = 256
"""Characters of a node id at most; it stands in keys and rows."""


@dataclass(frozen=True)
class Vertex:
    """One node with the component that builds it."""

    node: Node
    component: AnyComponent
    overrides: Mapping[str, Json] = field(default_factory=dict)
    """Field values of a tweak, which stand before the stored ones."""

    @property
    def id(self) -> str:
        return self.node.id

    @property
    def ports(self) -> Mapping[str, Port]:
        """What it may put out, by output name."""
        return self.component.ports({name: field.value for name, field in self.node.template.items()})

    @property
    def display_name(self) -> str:
        return self.node.display_name

    @property
    def port(self) -> tuple[str, ...]:
        """The port types of the first output."""
        return self.node.outputs[0].types if self.node.outputs else ()


@dataclass(frozen=True)
class Graph:
    """Vertices by id in the order of the definition, and the edges between them. Immutable: shared by runs."""

    vertices: Mapping[str, Vertex]
    edges: tuple[Edge, ...]

    @cached_property
    def incoming(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges into each vertex, in the order of the definition."""
        return self._edges_by("target")

    @cached_property
    def outgoing(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges out of each vertex, in the order of the definition."""
        return self._edges_by("source")

    @cached_property
    def first_layer(self) -> list[str]:
        """The vertices that wait for nothing."""
        return [id for id in self.vertices if not self.incoming[id]]

    def successors(self, vertex_id: str) -> list[str]:
        """The vertices right behind one, each once."""
        return list(dict.fromkeys(edge.target for edge in self.outgoing[vertex_id]))

    def is_terminal(self, vertex_id: str) -> bool:
        """Whether nothing follows the vertex, so that its result is an output of the flow (contract 1.8)."""
        return not self.outgoing[vertex_id]

    @property
    def terminals(self) -> list[str]:
        return [id for id in self.vertices if self.is_terminal(id)]

    def restricted_to(self, kept: Iterable[str]) -> "Graph":
        """The part of the graph that has only the `kept` vertices."""
        ids = set(kept)
        return Graph(
            {id: vertex for id, vertex in self.vertices.items() if id in ids},
            tuple(edge for edge in self.edges if edge.source in ids and edge.target in ids),
        )

    def with_overrides(self, overrides: Mapping[str, Mapping[str, Json]]) -> "Graph":
        """The same graph with other field values, by vertex id."""
        changed = {id: replace(self.vertices[id], overrides=fields) for id, fields in overrides.items()}
        return Graph({**self.vertices, **changed}, self.edges)

    def _edges_by(self, end: str) -> Mapping[str, tuple[Edge, ...]]:
        found: dict[str, list[Edge]] = {id: [] for id in self.vertices}
        for edge in self.edges:
            found[getattr(edge, end)].append(edge)
        return {id: tuple(edges) for id, edges in found.items()}


def load_graph(exported: object, registry: Registry, limits: Limits) -> Graph:
    """The graph of an exported `{nodes, edges}`; raises `FlowRefused` with a precise message when it cannot run."""
    check_depth(exported, limits.max_depth)
    _check_size(exported, limits)
    definition = parse_definition(exported)
    _check_nodes(definition, registry)
    vertices = {node.id: Vertex(node, registry.component(node.type)) for node in definition.nodes}
    for edge in definition.edges:
        _check_edge(edge, vertices)
    graph = Graph(vertices, definition.edges)
    _check_cycles(graph)
    return graph


def _check_size(exported: Any, limits: Limits) -> None:
    if not isinstance(exported, dict):
        return
    for name, bound in (("nodes", limits.max_vertices), ("edges", limits.max_edges)):
        items = exported.get(name)
        count = sum(not is_note(item) for item in items) if isinstance(items, list) else 0
        if count > bound:
            raise FlowRefused(f"The flow has {count} {name}; at most {bound} are allowed.")


def _check_nodes(definition: Definition, registry: Registry) -> None:
    if not definition.nodes:
        raise FlowRefused("The flow has no nodes besides notes.")
    seen: set[str] = set()
    for node in definition.nodes:
        if not (node.id.isprintable() and 0 < len(node.id) <= MAX_ID):
            raise FlowRefused(f"The node id {node.id!r} must have 1 to {MAX_ID} printable characters.")
        if node.id in seen:
            raise FlowRefused(f"Two nodes have the id {node.id!r}.")
        seen.add(node.id)
    unknown = registry.unknown(node.type for node in definition.nodes)
    if unknown:
        raise UnknownComponents(unknown)


def _check_edge(edge: Edge, vertices: Mapping[str, Vertex]) -> None:
    for end in (edge.source, edge.target):
        if end not in vertices:
            raise FlowRefused(f"The edge from {edge.source!r} to {edge.target!r} has no node {end!r}.")
    source, target = vertices[edge.source], vertices[edge.target]
    if edge.source_handle.name not in source.ports:
        raise FlowRefused(f"{source.id!r} has no output {edge.source_handle.name!r}.")
    handle = edge.target_handle
    if handle.loops:
        if not target.component.is_loop:
            raise FlowRefused(f"{target.id!r} is not a loop, so no edge can lead back to its {handle.name!r}.")
    elif handle.name not in target.node.template:
        raise FlowRefused(f"{target.id!r} has no field {handle.name!r}.")
    if not _types_meet(edge, source):
        raise FlowRefused(f"Edge between {source.display_name} and {target.display_name} has no matched type.")


def _types_meet(edge: Edge, source: Vertex) -> bool:
    offered = port_types(edge.source_handle.output_types or source.ports[edge.source_handle.name].types)
    wanted = port_types(edge.target_handle.input_types or (edge.target_handle.type,))
    return bool(offered & wanted)


def _check_cycles(graph: Graph) -> None:
    waiting = {id: sum(not edge.target_handle.loops for edge in graph.incoming[id]) for id in graph.vertices}
    ready = [id for id, count in waiting.items() if count == 0]
    while ready:
        id = ready.pop()
        del waiting[id]
        for edge in graph.outgoing[id]:
            if not edge.target_handle.loops:
                waiting[edge.target] -= 1
                if waiting[edge.target] == 0:
                    ready.append(edge.target)
    if waiting:
        raise FlowRefused(f"The flow has a cycle without a loop component: {', '.join(sorted(waiting))}.")
