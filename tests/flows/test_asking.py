"""Which graphs tell that they ask people."""

import pytest

from flows.asking import asking
from tests.flows.agents.hiring import Deeds, agent_flow, tool
from tests.flows.shelf import graph_of
from tests.making import approval_flow, echo_flow, edge, flow, node
from tests.shapes import Exported


def unwired() -> Exported:
    asked, person = node("ChatInput", "ChatInput-a1"), node("HumanInput", "HumanInput-h1")
    return flow([asked, person], [edge(asked, "message", person, "prompt")])


@pytest.mark.parametrize(
    ("exported", "found"),
    [
        (echo_flow(), []),
        (approval_flow(), ["HumanInput-h1"]),
        (unwired(), []),
        (agent_flow(tool("free")), []),
        (agent_flow(tool("free"), tool("watched", approval=["approve"])), ["watched"]),
    ],
    ids=["nobody", "a person", "a person with nothing behind", "a free tool", "a tool that waits"],
)
def test_what_asks(exported: Exported, found: list[str]) -> None:
    """A person with something behind, and a tool whose calls wait for one."""
    assert asking(graph_of(exported, Deeds().components)) == found
