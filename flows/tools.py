"""What a vertex can do for an agent: its actions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flows.deciding import Ruling
from flows.definition import Node

TOOL_PORT = "component_as_tool"
"""The output of a vertex that is a tool; it has no other."""
MAX_NAME = 64
"""Characters of the name of an action, as the providers allow them."""
MAX_NUMBER = 7
"""Characters of it that are kept free for a number."""
MAX_ACTIONS = 100
"""Actions of one vertex at most (I10)."""


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
    numbers: Counter[str] = Counter()
    found = []
    for action in actions:
        name, stem = action.name, action.name[: MAX_NAME - MAX_NUMBER]
        while name in taken:
            numbers[stem] += 1
            name = f"{stem}_{numbers[stem] + 1}"
        taken.add(name)
        found.append(replace(action, name=name))
    return found
