"""What an agent is told before its first turn, and the tools that it has by itself."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.agents.own_tools import told_date
from flows.errors import VertexFailed
from flows.execution.engine import Progress
from flows.execution.inputs import InputsRefused
from flows.human import Decision
from tests.flows.agents.conversations import by_turn, calls, said, told, writes
from tests.flows.agents.hiring import AGENT, Employment, agent_flow, tool
from tests.flows.remembering import Session, says
from tests.flows.running import NOW, tools
from tests.making import edge, flow, node, template
from tests.model_wires import OPENAI
from tests.scripted_models import ScriptedModels

END = OPENAI.says("end")
EARLIER = [says("one"), says("two", "Machine", "AI"), says("three"), says("four", "Machine", "AI")]


def remembering(models: ScriptedModels, session: Session, **fields: Any) -> Employment:
    """A run in a session in which something was said before."""
    run = Employment(agent_flow(tool("deeds"), system_prompt="", **fields), models)
    return replace(run, borrowed=lambda defaults: replace(tools(defaults=defaults), memory=session))


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (100, [("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four")]),
        (2, [("user", "three"), ("assistant", "four")]),
        (0, []),
    ],
)
def test_an_agent_is_told_the_newest_messages_of_its_session(count: int, expected: list[tuple[str, str]]) -> None:
    """In the order in which they were said, before what it is asked now."""
    with ScriptedModels([END]) as models:
        remembering(models, Session(*EARLIER), n_messages=count).go_on()
    assert said(models.requests[0]) == [*expected, ("user", "hello")]


def test_what_an_agent_was_told_at_first_it_is_told_in_every_pass() -> None:
    """Though the session has gone on, and a new day has begun, since."""
    deeds = tool("deeds", approval=["approve"])
    with ScriptedModels(by_turn(calls("a"), END)) as models:
        run = Employment(agent_flow(deeds, system_prompt="It is {current_date}."), models)
        first = replace(run, borrowed=lambda it: replace(tools(defaults=it), memory=Session(says("one"))))
        assert first.go_on() is Progress.WAITING
        run.journal.answer("agent", Decision("approve"))
        later = replace(tools().clock, now=lambda: datetime(2031, 1, 1, tzinfo=UTC))
        grown = Session(says("one"), says("five"))
        replace(run, borrowed=lambda it: replace(tools(defaults=it), memory=grown, clock=later)).go_on()
    one, two = (request.body["messages"] for request in models.requests)
    assert two[: len(one)] == one


def test_the_instructions_are_filled_in() -> None:
    """With what Langflow fills in; other braces stay."""
    prompt = "On {current_date} you are {model_name}.{optional_user_context} Keep {this}."
    with ScriptedModels([END]) as models:
        Employment(agent_flow(system_prompt=prompt), models).go_on()
    [system] = [one["content"] for one in models.requests[0].body["messages"] if one["role"] in ("system", "developer")]
    assert system == f"On {NOW:%Y-%m-%d} you are stub-model. Keep {{this}}."


def test_a_variable_in_the_instructions_rests_in_no_step() -> None:
    """I8: steps are stored in clear."""
    exported = agent_flow(tool("deeds", approval=["approve"]), system_prompt="SECRET")
    [agent] = [one for one in exported["nodes"] if one["id"] == "agent"]
    template(agent)["system_prompt"]["load_from_db"] = True
    with ScriptedModels(by_turn(calls("a"), END)) as models:
        run = Employment(exported, models, borrowed=lambda it: tools({"SECRET": "open sesame"}, defaults=it))
        assert run.go_through(Decision("approve")) is Progress.DONE
    assert all("open sesame" in str(one.body["messages"][0]) for one in models.requests)
    assert run.journal.kept
    assert "open sesame" not in str(run.journal.kept)


def test_an_agent_that_nothing_is_connected_to_goes_on_with_its_session() -> None:
    """It is asked to continue the conversation, as in Langflow."""
    agent, shows = node("Agent", "agent", shape=AGENT), node("ChatOutput", "out")
    with ScriptedModels([END]) as models:
        run = Employment(flow([agent, shows], [edge(agent, "response", shows, "input_value")]), models)
        run.go_on()
    assert said(models.requests[0]) == [("user", "Continue the conversation.")]
    assert run.answer.text == "end"


def test_the_images_of_the_input_go_along() -> None:
    """Beside its text."""
    with ScriptedModels([END]) as models:
        Employment(agent_flow(), models, files=["https://example.com/cat.png"]).go_on()
    [(_, content)] = said(models.requests[0])
    assert content == [
        {"type": "text", "text": "hello"},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
    ]


def test_an_input_that_cannot_be_read_is_not_blamed_on_the_model() -> None:
    """The error names what is wrong, and nobody is asked."""
    with ScriptedModels([END]) as models:
        run = Employment(agent_flow(), models, files=["missing.png"])
        with pytest.raises(VertexFailed) as failed:
            run.go_on()
    assert "missing.png" in str(failed.value)
    assert "stub-model" not in str(failed.value)
    assert models.requests == []


def test_an_agent_calculates_and_knows_the_day() -> None:
    """Its own tools stand behind those of its edges, and can be left out."""
    script = by_turn(
        writes("evaluate_expression", '{"expression": "2 * (3 + 4)"}'),
        writes("get_current_date", "{}"),
        writes("get_current_date", '{"timezone": "Asia/Tokyo"}'),
        writes("get_current_date", '{"timezone": "Atlantis/Capital"}'),
        writes("evaluate_expression", '{"expression": "__import__(1)"}'),
        writes("evaluate_expression", "{}"),
        END,
    )
    flow = agent_flow(tool("deeds"), add_calculator_tool=True, add_current_date_tool=True)
    with ScriptedModels(script) as models:
        Employment(flow, models).go_on()
    offered = [one["function"]["name"] for one in models.requests[0].body["tools"]]
    assert offered == ["do", "evaluate_expression", "get_current_date"]
    results = told(models.requests[-1])
    assert results[:3] == [
        "14",
        "Sunday, 2026-11-22 17:49:11 UTC",
        "Monday, 2026-11-23 02:49:11 Asia/Tokyo",
    ]
    assert results[3] == "get_current_date failed: there is no timezone 'Atlantis/Capital'"
    assert results[4].startswith("evaluate_expression failed: ")
    assert results[5] == "evaluate_expression failed: expression must be a text"


@pytest.mark.parametrize("timezone", ["../../etc/passwd", "/etc/passwd", "a\x00b", "x" * 10_000, "..", "UTC/../x"])
def test_a_timezone_that_is_none_is_refused(timezone: str) -> None:
    """Whatever a model makes of it; it reaches no file of this machine."""
    with pytest.raises(InputsRefused, match="there is no timezone"):
        told_date(NOW, timezone)
