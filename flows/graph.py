"""A definition that may run: its vertices, its edges and who follows whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from flows.component import AnyComponent, Port
from flows.definition import Definition, Edge, Node, is_note, parse_definition
from flows.errors import FlowRefused, UnknownComponents
from flows.limits import Limits, check_depth
from flows.loops import ITEM, Loops, check_loops, find_loops
from flows.registry import Registry
from flows.tool_metadata import actions_of
from flows.tools import TOOL_PORT, Action, is_tool
from flows.values import Json, port_types

AS_TOOL = {TOOL_PORT: Port(("Tool",))}
"""The outputs of a vertex that is a tool."""
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
        if self.is_tool:
            return AS_TOOL
        if self.component.runs_flow:
            return {output.name: Port(output.types) for output in self.node.outputs}
        return self.component.ports({name: field.value for name, field in self.node.template.items()})

    @property
    def is_tool(self) -> bool:
        """Whether it is there for agents to call, and is not built by itself."""
        return is_tool(self.node)

    @property
    def is_loop(self) -> bool:
        """Whether it visits its body for each of its items."""
        return self.component.is_loop and not self.is_tool

    @cached_property
    def actions(self) -> list[Action]:
        """What it can do for an agent. Raises `FlowRefused`."""
        return actions_of(self.node, self.component)

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
    def awaited(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges that each vertex waits for: those into it that do not lead back to it as a loop."""
        return {
            id: tuple(edge for edge in edges if not edge.target_handle.loops) for id, edges in self.incoming.items()
        }

    @cached_property
    def onward(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges out of each vertex that lead back to no loop."""
        return {
            id: tuple(edge for edge in edges if not edge.target_handle.loops) for id, edges in self.outgoing.items()
        }

    @cached_property
    def returning(self) -> Mapping[str, tuple[Edge, ...]]:
        """The edges that lead back to each vertex that is a loop."""
        return {id: tuple(edge for edge in edges if edge.target_handle.loops) for id, edges in self.incoming.items()}

    @cached_property
    def loops(self) -> Loops:
        """Its loops, each with its body."""
        return find_loops([id for id, vertex in self.vertices.items() if vertex.is_loop], self.onward)

    @cached_property
    def first_layer(self) -> list[str]:
        """The vertices that wait for nothing."""
        return [id for id in self.vertices if not self.awaited[id]]

    def successors(self, vertex_id: str) -> list[str]:
        """The vertices right behind one, each once."""
        return list(dict.fromkeys(edge.target for edge in self.outgoing[vertex_id]))

    def is_terminal(self, vertex_id: str) -> bool:
        """Whether nothing follows the vertex, so that its result is an output of the flow (contract 1.8). What a loop
        gives to its body does not follow it."""
        gives = (ITEM,) if vertex_id in self.loops else ()
        return all(edge.source_handle.name in gives for edge in self.outgoing[vertex_id])

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
    for vertex in vertices.values():
        _check_actions(vertex)
    for edge in definition.edges:
        _check_edge(edge, vertices)
    graph = Graph(vertices, definition.edges)
    _check_names(graph)
    _check_cycles(graph)
    check_loops(graph.loops, graph.onward, (edge for edges in graph.returning.values() for edge in edges))
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


def _check_actions(vertex: Vertex) -> None:
    """Reads what a tool can do, so that a fault in it is found before anything runs."""
    if vertex.is_tool:
        actions_of(vertex.node, vertex.component)


def _check_edge(edge: Edge, vertices: Mapping[str, Vertex]) -> None:
    for end in (edge.source, edge.target):
        if end not in vertices:
            raise FlowRefused(f"The edge from {edge.source!r} to {edge.target!r} has no node {end!r}.")
    source, target = vertices[edge.source], vertices[edge.target]
    if edge.source_handle.name not in source.ports:
        raise FlowRefused(f"{source.id!r} has no output {edge.source_handle.name!r}.")
    handle = edge.target_handle
    if handle.loops:
        if not target.is_loop:
            raise FlowRefused(f"{target.id!r} is not a loop, so no edge can lead back to its {handle.name!r}.")
    elif handle.name not in target.node.template:
        raise FlowRefused(f"{target.id!r} has no field {handle.name!r}.")
    if not _types_meet(edge, source):
        raise FlowRefused(f"Edge between {source.display_name} and {target.display_name} has no matched type.")


def _types_meet(edge: Edge, source: Vertex) -> bool:
    offered = port_types(edge.source_handle.output_types or source.ports[edge.source_handle.name].types)
    wanted = port_types(edge.target_handle.input_types or (edge.target_handle.type,))
    return bool(offered & wanted)


def _check_names(graph: Graph) -> None:
    """Refuses ids that the vertices inside a vertex may have."""
    if any(vertex.component.runs_flow for vertex in graph.vertices.values()):
        for id in graph.vertices:
            if "/" in id:
                raise FlowRefused(f"The flow runs another one, so the node id {id!r} must have no '/' in it.")


def _check_cycles(graph: Graph) -> None:
    waiting = {id: len(edges) for id, edges in graph.awaited.items()}
    ready = list(graph.first_layer)
    while ready:
        id = ready.pop()
        del waiting[id]
        for edge in graph.onward[id]:
            waiting[edge.target] -= 1
            if waiting[edge.target] == 0:
                ready.append(edge.target)
    if waiting:
        raise FlowRefused(f"The flow has a cycle without a loop component: {', '.join(sorted(waiting))}.")
