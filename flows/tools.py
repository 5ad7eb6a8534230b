"""What a vertex can do for an agent: its actions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flows.deciding import Ruling
from flows.definition import Node

TOOL_PORT = "component_as_tool"
"""The output of a vertex that is a tool; it has no other."""
MAX_NAME = 64
"""Characters of the name of an action, as the providers allow them."""


@dataclass(frozen=True)
class Action:
    """One thing that a vertex can do for an agent. `schema` is the JSON Schema of its arguments, which stand in the
    place of the fields of those names; the value of `output` answers it."""

    vertex_id: str
    name: str
    description: str
    schema: Mapping[str, Any]
    output: str
    rulings: tuple[Ruling, ...] = ()
    """How a person may decide on each call of it; none means that nobody is asked."""


def is_tool(node: Node) -> bool:
    """Whether a node is used as a tool, and so is not built by itself."""
    return any(output.name == TOOL_PORT for output in node.outputs)


def distinct(actions: Iterable[Action]) -> list[Action]:
    """The actions with a number behind each name that an earlier one has."""
    taken: set[str] = set()
    found = []
    for action in actions:
        name, number = action.name, 1
        while name in taken:
            number += 1
            name = f"{action.name[: MAX_NAME - 4]}_{number}"
        taken.add(name)
        found.append(replace(action, name=name))
    return found
