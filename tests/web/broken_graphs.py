"""Every way in which a definition cannot become a graph, each by what is wrong with it."""

from collections.abc import Mapping
from typing import Any

from tests.making import echo_flow, edge, flow, loop_edge, node, note, template
from tests.shapes import Exported
from tests.web.conftest import MAX_VERTICES

STRAY: Any = "a"
"""What is neither a node nor an edge."""


def _nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


def _changed(part: str, *path: str, value: Any) -> Exported:
    """The echo flow with one entry of its first node or edge replaced."""
    exported = echo_flow()
    place = exported[part][0]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return exported


def _joined(source: Exported, output: str, target: Exported, field: str) -> Exported:
    return flow([source, target], [edge(source, output, target, field)])


def _without_handle(string: str | None) -> Exported:
    exported = echo_flow()
    exported["edges"][0] |= {"data": None, "sourceHandle": string}
    return exported


def _into_nowhere() -> Exported:
    exported = echo_flow()
    exported["edges"][0]["target"] = "nobody"
    return exported


def _unknown_field() -> Exported:
    exported = echo_flow()
    del template(exported["nodes"][0])["input_value"]
    return exported


def _back_to_no_loop() -> Exported:
    first, second = node("Pass", "a"), node("Pass", "b")
    back = loop_edge(second, "output_message", first, "output_message")
    return flow([first, second], [edge(first, "output_message", second, "input_message"), back])


def _cycle() -> Exported:
    first, second = node("Pass", "a"), node("Pass", "b")
    there = edge(first, "output_message", second, "input_message")
    return flow([first, second], [there, edge(second, "output_message", first, "input_message")])


def _of_unknown_type(*kinds: str) -> Exported:
    nodes = [node("Pass", f"n{number}") for number, _ in enumerate(kinds)]
    for exported, kind in zip(nodes, kinds, strict=True):
        exported["data"]["type"] = kind
    return flow(nodes)


BROKEN: Mapping[str, Any] = {
    "empty": {},
    "no nodes": flow([]),
    "nodes null": {"nodes": None},
    "nodes no list": {"nodes": {"a": 1}},
    "only notes": flow([note()]),
    "node no object": flow([STRAY]),
    "node without data": _changed("nodes", "data", value=None),
    "node data no object": _changed("nodes", "data", value=[]),
    "node without description": _changed("nodes", "data", "node", value=None),
    "template no object": _changed("nodes", "data", "node", "template", value=[]),
    "field no field": _changed("nodes", "data", "node", "template", "input_value", value={"show": "perhaps"}),
    "outputs no list": _changed("nodes", "data", "node", "outputs", value={"name": 1}),
    "node without id": _changed("nodes", "id", value=None),
    "node with a number for id": _changed("nodes", "id", value=7),
    "node without type": _changed("nodes", "data", "type", value=None),
    "id empty": _changed("nodes", "id", value=""),
    "id too long": _changed("nodes", "id", value="x" * 257),
    "id not printable": _changed("nodes", "id", value="a\nb"),
    "id with NUL": _changed("nodes", "id", value="a\0b"),
    "two nodes of one id": flow([node("Pass", "a"), node("Pass", "a")]),
    "unknown type": _of_unknown_type("Teleporter"),
    "too many nodes": flow([node("Pass", f"n{number}") for number in range(MAX_VERTICES + 1)]),
    "too many edges": flow([node("Pass", "a")], [{}] * 10_001),
    "too deep": {**echo_flow(), "viewport": _nested(64)},
    "edges no list": {**echo_flow(), "edges": {"a": 1}},
    "edge no object": flow([node("Pass", "a")], [STRAY]),
    "edge without source": _changed("edges", "source", value=None),
    "edge without handle": _without_handle(None),
    "edge with an unreadable handle": _without_handle("{œname"),
    "edge with a handle that is no object": _without_handle("5"),
    "edge to nowhere": _into_nowhere(),
    "no such output": _joined(node("ChatInput", "a"), "massage", node("ChatOutput", "b"), "input_value"),
    "no such field": _unknown_field(),
    "types do not meet": _joined(
        node("LanguageModelComponent", "a"), "model_output", node("Pass", "b"), "input_message"
    ),
    "back to what is no loop": _back_to_no_loop(),
    "cycle": _cycle(),
}
