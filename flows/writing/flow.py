"""A flow that is written step by step, checked at every one, and put out as an export."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from flows.errors import FlowRefused
from flows.graph import load_graph
from flows.limits import Limits
from flows.nearest import meant
from flows.registry import Registry
from flows.values import port_types
from flows.writing.export import Wire, export_edge, export_node
from flows.writing.layout import positions
from flows.writing.node import AsTool, FieldValue, Node, Place
from flows.writing.words import in_words

Given: TypeAlias = FieldValue | Place | Sequence[Any] | Mapping[str, Any]
"""What a field may be given: a value, a variable, or the outputs that edges bring to it."""


class Flow:
    """A flow that is being written. Whatever cannot be is refused where it is written, with `FlowRefused`.

    The same calls in the same order put out the same export. An `id` keeps it the same flow when it is pushed again.
    """

    def __init__(
        self,
        name: str,
        registry: Registry,
        *,
        id: str | None = None,
        description: str = "",
        endpoint_name: str | None = None,
        tags: Sequence[str] = (),
    ) -> None:
        self._head = {
            **({"id": id} if id else {}),
            "name": name,
            "description": description,
            "endpoint_name": endpoint_name,
            "tags": list(tags),
            "is_component": False,
            "last_tested_version": None,
        }
        self._registry = registry
        self._nodes: dict[str, Node] = {}
        self._wires: list[Wire] = []

    def add(
        self,
        type: str,
        /,
        id: str | None = None,
        *,
        display_name: str | None = None,
        tool_mode: bool = False,
        arguments: Sequence[str] | None = None,
        tools_metadata: Sequence[Mapping[str, Any]] = (),
        **fields: Given,
    ) -> Node:
        """Adds a node, and an edge from each output that a field is given. Without an `id` it is `<type>-<number>`.

        In `tool_mode` it serves agents by its one output `component_as_tool`: they fill in the fields that `arguments`
        names, without it the first that takes text. Each of `tools_metadata` names and describes an action
        (`name`, `description`, `args`, `status`, `tags`, `approval_actions`).
        """
        node = self._new(type, id, display_name)
        if tool_mode:
            node = self._as_tool(node, arguments, tools_metadata)
        brought = {name: _places(value) for name, value in fields.items()}
        node.give({name: cast("FieldValue", value) for name, value in fields.items() if not brought[name]})
        ends = [(place, Place(node, node.field(name).name)) for name, places in brought.items() for place in places]
        self._join(node, ends)
        return node

    def connect(self, source: Place, target: Place) -> None:
        """Adds an edge from an output to a field. One that leads back into a loop ends at an output of it."""
        for place in (source, target):
            if self._nodes.get(place.node.id) is not place.node:
                raise FlowRefused(f"{place} belongs to another flow.")
        offered = source.node.ports.get(source.name)
        if offered is None:
            raise FlowRefused(f"{source.node} has no output {source.name!r}. It has: {', '.join(source.node.ports)}.")
        wire = Wire(source, target, offered)
        if not wire.leads_back:
            self._check(wire)
        self._wires.append(wire)

    def export(self) -> dict[str, Any]:
        """The whole export. Raises `FlowRefused` when the flow cannot run: it has no node, a cycle without a loop, or a
        field without what it needs."""
        self._check_filled()
        drawn = self.drawn()
        load_graph(drawn, self._registry, Limits())
        return {**self._head, "data": drawn}

    def drawn(self) -> dict[str, Any]:
        """The nodes and edges of the export as they stand, whether they can run or not."""
        placed = positions(list(self._nodes), [(wire.source.node.id, wire.target.node.id) for wire in self._forward])
        return {
            "nodes": [export_node(node, placed[id]) for id, node in self._nodes.items()],
            "edges": [export_edge(wire) for wire in self._wires],
            "viewport": {"x": 0, "y": 0, "zoom": 1},
        }

    @property
    def _forward(self) -> list[Wire]:
        return [wire for wire in self._wires if not wire.leads_back]

    def _new(self, type: str, id: str | None, display_name: str | None) -> Node:
        if self._registry.unknown([type]):
            raise FlowRefused(f"There is no component type {type!r}.{meant(type, self._registry.types())}")
        chosen = id or self._next_id(type)
        if chosen in self._nodes:
            raise FlowRefused(f"Two nodes have the id {chosen!r}.")
        return Node(chosen, type, self._registry.component(type), display_name or in_words(type))

    def _next_id(self, type: str) -> str:
        stem, number = type.replace(" ", ""), 1
        while f"{stem}-{number}" in self._nodes:
            number += 1
        return f"{stem}-{number}"

    def _join(self, node: Node, ends: Sequence[tuple[Place, Place]]) -> None:
        """Takes in a node with its edges, or nothing when one of them is refused."""
        before = list(self._wires)
        self._nodes[node.id] = node
        try:
            for source, target in ends:
                self.connect(source, target)
        except FlowRefused:
            del self._nodes[node.id]
            self._wires = before
            raise

    def _as_tool(self, node: Node, arguments: Sequence[str] | None, actions: Sequence[Mapping[str, Any]]) -> Node:
        texts = [name for name, shape in node.fields.items() if "Message" in shape.accepts]
        chosen = texts[:1] if arguments is None else [node.field(name).name for name in arguments]
        return Node(node.id, node.type, node.component, node.display_name, AsTool(tuple(chosen), tuple(actions)))

    def _check(self, wire: Wire) -> None:
        source, target = wire.source, wire.target
        shape = target.node.field(target.name)
        if not shape.accepts:
            raise FlowRefused(f"{target} takes no edge, only a value.")
        if not port_types(wire.offered) & port_types(shape.accepts):
            raise FlowRefused(
                f"{source} gives {' or '.join(wire.offered)}, and {target} takes {', '.join(shape.accepts)}."
            )
        if wire in self._wires:
            raise FlowRefused(f"There is an edge from {source} to {target} already.")
        target.node.note(shape)

    def _check_filled(self) -> None:
        fed = {(wire.target.node.id, wire.target.name) for wire in self._wires}
        for node in self._nodes.values():
            called_with = node.as_tool.arguments if node.as_tool else ()
            for name, shape in node.fields.items():
                is_filled = node.values.get(name) is not None or (node.id, name) in fed or name in called_with
                if shape.is_required and not is_filled:
                    raise FlowRefused(f"{node} needs {name!r}: give it a value or an edge.")


def _places(value: Given) -> Sequence[Place]:
    """The outputs among what a field is given; a field has edges or a value."""
    if isinstance(value, Place):
        return [value]
    if not isinstance(value, list | tuple):
        return []
    places = [item for item in value if isinstance(item, Place)]
    if places and len(places) < len(value):
        raise FlowRefused("A field is given outputs or values, not both.")
    return places
