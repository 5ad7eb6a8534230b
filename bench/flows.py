"""The flows that are measured, in Langflow's export form, cut down to what Penstock reads."""

from itertools import pairwise
from typing import Any, TypeAlias

Exported: TypeAlias = dict[str, Any]

PACE = 20
"""Events of the paced flow in a second, as slow as models speak. At the 50 or 60 of the fastest a server that shares
two cores with a thousand clients sends each of them several at once, and later."""

_PORTS = {
    "ChatInput": "message",
    "Pass": "output_message",
    "HumanInput": "branch_approve",
    "Agent": "response",
    "Paced": "text",
    "ChatOutput": "message",
}
_FIELDS = {
    "ChatInput": "input_value",
    "Pass": "input_message",
    "HumanInput": "prompt",
    "Agent": "input_value",
    "Paced": "input_value",
    "ChatOutput": "input_value",
}


def chain(passes: int) -> Exported:
    """ChatInput → as many Pass vertices → ChatOutput: answers with what it was asked. Nothing in it waits."""
    nodes = [
        _node("ChatInput", "ChatInput-a"),
        *(_node("Pass", f"Pass-{number}") for number in range(passes)),
        _node("ChatOutput", "ChatOutput-z"),
    ]
    return {"nodes": nodes, "edges": [_edge(source, target) for source, target in pairwise(nodes)]}


def approval() -> Exported:
    """ChatInput → HumanInput, approved → ChatOutput: stops for a person."""
    nodes = [
        _node("ChatInput", "ChatInput-a"),
        _node("HumanInput", "HumanInput-h"),
        _node("ChatOutput", "ChatOutput-z"),
    ]
    return {"nodes": nodes, "edges": [_edge(source, target) for source, target in pairwise(nodes)]}


def agent() -> Exported:
    """ChatInput → Agent → ChatOutput: an agent without a flow's tools, whose tokens are shown."""
    nodes = [_node("ChatInput", "ChatInput-a"), _node("Agent", "Agent-g"), _node("ChatOutput", "ChatOutput-z")]
    return {"nodes": nodes, "edges": [_edge(source, target) for source, target in pairwise(nodes)]}


def paced(events: int) -> Exported:
    """ChatInput → HumanInput, approved → Paced → ChatOutput: begins to tell when a person says so."""
    nodes = [
        _node("ChatInput", "ChatInput-a"),
        _node("HumanInput", "HumanInput-h"),
        _node("Paced", "Paced-p", events=events, pace=PACE),
        _node("ChatOutput", "ChatOutput-z"),
    ]
    return {"nodes": nodes, "edges": [_edge(source, target) for source, target in pairwise(nodes)]}


def _node(kind: str, id: str, **values: int) -> Exported:
    template = {_FIELDS[kind]: {"type": "str", "value": "", "show": True, "input_types": ["Message"]}}
    template |= {name: {"type": "int", "value": value, "show": True} for name, value in values.items()}
    outputs = [{"name": _PORTS[kind], "types": ["Message"]}]
    described = {"display_name": kind, "template": template, "outputs": outputs}
    return {"id": id, "type": "genericNode", "data": {"id": id, "type": kind, "node": described}}


def _edge(source: Exported, target: Exported) -> Exported:
    giving, taking = source["data"], target["data"]
    handles = {
        "sourceHandle": {
            "dataType": giving["type"],
            "id": giving["id"],
            "name": _PORTS[giving["type"]],
            "output_types": ["Message"],
        },
        "targetHandle": {
            "fieldName": _FIELDS[taking["type"]],
            "id": taking["id"],
            "inputTypes": ["Message"],
            "type": "str",
        },
    }
    return {"source": giving["id"], "target": taking["id"], "data": handles}
