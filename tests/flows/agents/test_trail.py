"""What is shown of an agent while it works: the message that its answer fills, and the steps in it."""

from collections.abc import Mapping
from typing import Any

import pytest

from flows.errors import VertexFailed
from flows.events import EventType
from flows.values import Usage
from tests.flows.agents.conversations import by_turn, calls
from tests.flows.agents.hiring import AGENT, Employment, agent_flow, tool
from tests.making import edge, flow, node
from tests.model_wires import INPUT_TOKENS, OPENAI
from tests.scripted_models import Exchange, ScriptedModels


def thinks_aloud(exchange: Exchange) -> None:
    """Says something, then calls a tool."""
    exchange.begin()
    exchange.event(OPENAI.chunk({"content": "Let me "}))
    exchange.event(OPENAI.chunk({"content": "look"}))
    function = {"name": "do", "arguments": '{"what": "a"}'}
    exchange.event(OPENAI.chunk({"tool_calls": [{"index": 0, "id": "x", "type": "function", "function": function}]}))
    exchange.event(OPENAI.chunk({}, "tool_calls"))
    exchange.event("[DONE]")
    exchange.end()


def messages_of_agent(run: Employment) -> list[Mapping[str, Any]]:
    """The message of the chat output, each time that it was shown."""
    shown = [one.data for one in run.journal.milestones if one.type is EventType.ADD_MESSAGE]
    return [one for one in shown if one["data"]["sender"] == "Machine"]


def steps(message: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The kinds of the steps in a message, and what each says or has led to."""
    [block] = message["data"]["content_blocks"]
    assert block["title"] == "Agent Steps"
    return [(one["type"], one.get("text", one.get("output"))) for one in block["contents"]]


def test_the_message_opens_with_the_first_token_and_has_all_steps_in_the_end() -> None:
    """It has one id all the while; text before a call is a step, and not the answer."""
    with ScriptedModels(by_turn(thinks_aloud, OPENAI.says("All ", "done"))) as models:
        run = Employment(agent_flow(tool("deeds")), models)
        run.go_on()
    shown = messages_of_agent(run)
    assert [one["data"]["properties"]["state"] for one in shown] == ["partial", "partial", "partial", "complete"]
    assert [one["data"]["text"] for one in shown] == ["", "", "", "All done"]
    tokens = [one.data for one in run.journal.deltas if one.type is EventType.TOKEN]
    assert [one["chunk"] for one in tokens] == ["Let me ", "look", "All ", "done"]
    assert {one["data"]["id"] for one in shown} == {one["id"] for one in tokens}
    asked, thought, answered = ("text", "hello"), ("text", "Let me look"), ("text", "All done")
    assert [steps(one) for one in shown] == [
        [asked],
        [asked, thought, ("tool_use", None)],
        [asked, thought, ("tool_use", "did a")],
        [asked, thought, ("tool_use", "did a"), answered],
    ]


def test_a_call_is_shown_with_all_that_the_page_draws() -> None:
    """The key set of Langflow's tool content, its duration in milliseconds."""
    with ScriptedModels(by_turn(calls("a"), OPENAI.says("end"))) as models:
        run = Employment(agent_flow(tool("deeds")), models)
        run.go_on()
    [shown] = run.tool_uses
    assert isinstance(shown["duration"], int)
    assert {**shown, "duration": 0} == {
        "type": "tool_use",
        "id": "call_1_0",
        "name": "do",
        "tool_input": {"what": "a"},
        "output": "did a",
        "error": None,
        "header": {"title": "Executed **do**", "icon": "Hammer"},
        "duration": 0,
    }


def test_a_call_keeps_its_duration_when_a_later_pass_finishes_the_message() -> None:
    """It was not made again, so it took what it took."""
    with ScriptedModels(by_turn(calls("a"), OPENAI.refuses(500, "away"))) as models:
        run = Employment(agent_flow(tool("deeds")), models)
        with pytest.raises(VertexFailed):
            run.go_on()
        models.script = by_turn(calls("a"), OPENAI.says("end"))
        run.go_on()
    assert run.deeds.done == ["a"]
    assert isinstance(run.tool_uses[0]["duration"], int)


def test_an_agent_whose_answer_no_chat_shows_opens_no_message() -> None:
    """Its calls are lines of the log."""
    asks, agent, passes = node("ChatInput", "in"), node("Agent", "agent", shape=AGENT), node("Pass", "out")
    deeds = tool("deeds")
    edges = [edge(asks, "message", agent, "input_value"), edge(agent, "response", passes, "input_message")]
    exported = flow([asks, agent, passes, deeds], [*edges, edge(deeds, "component_as_tool", agent, "tools")])
    with ScriptedModels(by_turn(calls("a"), OPENAI.says("end"))) as models:
        run = Employment(exported, models)
        run.go_on()
    assert messages_of_agent(run) == []
    assert run.journal.of_type(EventType.TOKEN) == []
    logged = [one.data["message"] for one in run.journal.of_type(EventType.LOG)]
    assert logged == ["calls do", "do: did a"]


def test_the_answer_costs_what_all_turns_have_cost() -> None:
    """The sum stands on the answer, and is stored once."""
    with ScriptedModels(by_turn(calls("a", "b"), calls("c"), OPENAI.says("All ", "done"))) as models:
        run = Employment(agent_flow(tool("deeds")), models)
        run.go_on()
    answer = run.journal.outputs("agent")["response"]
    assert answer.usage == Usage(3 * INPUT_TOKENS, 2 + 1 + 2)  # type: ignore[union-attr]
    assert run.journal.spent == 3 * INPUT_TOKENS + 5


def test_steps_that_are_large_are_shown_in_part_and_told_whole() -> None:
    """Each event shows all steps again: together they stay small, whatever the model and its tools say (I10)."""
    large = "x" * 30_000
    with ScriptedModels(by_turn(calls(*[large] * 40), OPENAI.says("end"))) as models:
        run = Employment(agent_flow(tool("deeds")), models)
        run.go_on()
    assert run.deeds.done == [large] * 40
    assert all(len(one["output"]) < len(large) for one in run.tool_uses)
    assert len(str(messages_of_agent(run)[-1])) < 1_000_000
    told = [m["content"] for m in models.requests[-1].body["messages"] if m["role"] == "tool"]
    assert told == [f"did {large}"] * 40
