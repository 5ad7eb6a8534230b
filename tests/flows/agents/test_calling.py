"""Calls of tools: what fails is told to the model, and a model that does not behave ends in a clear error."""

from dataclasses import replace
from typing import Any

import pytest

from flows.agents import ledger, recorded_model
from flows.agents.hearing import MAX_CALLS
from flows.errors import FlowError, VertexFailed
from flows.models.defaults import ModelDefaults
from flows.run import RunTools
from tests.flows.agents.conversations import by_turn, calls, told, writes, writes_all
from tests.flows.agents.hiring import Deeds, Employment, agent_flow, tool
from tests.flows.running import tools
from tests.making import edge, node, template
from tests.model_wires import OPENAI
from tests.scripted_models import Act, Exchange, ScriptedModels

END = OPENAI.says("end")
ONE = agent_flow(tool("deeds"))


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("nothing", '{"what": "a"}', "Unknown tool name: 'nothing'"),
        ("", "{}", "Unknown tool name"),
        ("\ud800", "{}", "Unknown tool name"),
        ("do", '{"what": "a", "more": 1}', "do failed: do takes no more"),
        ("do", "{}", "do failed: do needs what"),
        ("do", "", "do failed: do needs what"),
        ("do", '{"what": {"a": 1}}', "do failed: field 'what"),
        ("do", "{oops", "Invalid JSON"),
        ("do", "[1]", "Input should be an object"),
        ("do", '{"what": "\\ud800"}', "Invalid JSON"),
        ("do", '{"what": NaN}', "arguments.what is no JSON that can be stored"),
        ("do", '{"what": 1e999}', "arguments.what is no JSON that can be stored"),
        ("do", f'{{"what": 1{"0" * 40}}}', "arguments.what is no JSON that can be stored"),
        ("do", f'{{"what": {"[" * 60}1{"]" * 60}}}', "is no JSON that can be stored"),
        ("do", f'{{"what": {"[" * 5_000}1{"]" * 5_000}}}', "Invalid JSON"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_to_the_model(name: str, arguments: str, fault: str) -> None:
    """The run goes on, nothing is done, and the message shows what was wrong."""
    with ScriptedModels(by_turn(writes(name, arguments), END)) as models:
        run = Employment(ONE, models)
        run.go_on()
    assert run.deeds.done == []
    assert run.answer.text == "end"
    assert fault in told(models.requests[-1])[0]
    [shown] = run.tool_uses
    assert fault in shown["error"].replace("\\", "")
    assert shown["output"] is None


def test_a_secret_in_what_a_tool_raises_is_told_to_nobody() -> None:
    """Neither to the model nor in the chat, and it is not stored (I8)."""

    def before(what: str) -> None:
        raise ValueError("the key open-sesame is wrong")

    def borrowed(defaults: ModelDefaults) -> RunTools:
        return replace(tools(defaults=defaults), struck=lambda text: text.replace("open-sesame", "***"))

    with ScriptedModels(by_turn(calls("a"), END)) as models:
        run = Employment(ONE, models, Deeds(before=before), borrowed=borrowed)
        run.go_on()
    assert told(models.requests[-1]) == ["do failed: the key *** is wrong"]
    assert "open-sesame" not in str([run.journal.kept, run.journal.milestones, run.journal.deltas])


def test_a_conversation_grows_so_far_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """I10: what the model says and what tools answer is held whole, in every pass."""
    monkeypatch.setattr(recorded_model, "MAX_CONVERSATION", 300)
    with ScriptedModels(by_turn(calls("a" * 100), calls("b" * 100), END)) as models:
        run = Employment(ONE, models)
        with pytest.raises(VertexFailed, match="the conversation grows beyond 300 characters"):
            run.go_on()
    assert len(models.requests) == 2
    assert run.deeds.done == ["a" * 100]


class Mute(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (ValueError("no paper"), "do failed: no paper"),
        (KeyError(), "do failed: KeyError"),
        (FlowError("not here"), "do failed: not here"),
        (SystemExit(3), "do failed: 3"),
        (Mute(), "do failed: Mute"),
        (ValueError("half a \ud800 pair"), "do failed: half a \ufffd pair"),
    ],
    ids=repr,
)
def test_what_a_tool_raises_is_told_to_the_model(error: BaseException, fault: str) -> None:
    """The other calls of the turn are made."""

    def before(what: str) -> None:
        if what == "a":
            raise error

    with ScriptedModels(by_turn(calls("a", "b"), END)) as models:
        run = Employment(ONE, models)
        run.deeds.before = before
        run.go_on()
    assert told(models.requests[-1]) == [fault, "did b"]
    assert run.deeds.done == ["b"]
    assert run.tool_uses[0]["error"] == fault


def test_an_answer_of_a_tool_that_is_huge_is_told_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so (I10)."""
    monkeypatch.setattr(ledger, "MAX_RESULT", 8)
    with ScriptedModels(by_turn(calls("something long"), END)) as models:
        Employment(ONE, models).go_on()
    assert told(models.requests[-1]) == ["did some\n(The rest is left out.)"]


@pytest.mark.parametrize("text", ["a\x00b", "\u2028", "half a \ud800 pair", "🚰"])
def test_any_text_of_a_model_can_be_shown_and_stored(text: str) -> None:
    """Half of a pair that stands alone is replaced."""
    with ScriptedModels(by_turn(OPENAI.says("x", text))) as models:
        run = Employment(ONE, models)
        run.go_on()
    assert run.answer.text == "x" + text.replace("\ud800", "\ufffd")


@pytest.mark.parametrize(
    ("act", "fault", "requests"),
    [
        (writes("nothing", "{}"), "comes to no answer.*'nothing'", 4),
        (writes("do", "{oops"), "comes to no answer.*'do'", 6),
        (OPENAI.says(), "comes to no answer", 4),
        (calls("a"), "no answer after 7 turns.*max_iterations", 7),
        (writes_all(*[("do", '{"what": "a"}', "x")] * (MAX_CALLS + 1)), f"more than {MAX_CALLS} calls", 1),
    ],
    ids=["unknown tool", "no JSON", "nothing", "calls for ever", "too many calls"],
)
def test_a_model_that_never_answers_ends_in_a_clear_error(act: Act, fault: str, requests: int) -> None:
    """Within the turns that it has (I10)."""
    with ScriptedModels(by_turn(act)) as models:
        run = Employment(agent_flow(tool("deeds"), max_iterations=7), models)
        with pytest.raises(VertexFailed, match=fault):
            run.go_on()
    assert len(models.requests) == requests


def floods(exchange: Exchange) -> None:
    """Arguments that do not end."""
    exchange.begin()
    function = {"name": "do", "arguments": '{"what": "'}
    exchange.event(OPENAI.chunk({"tool_calls": [{"index": 0, "id": "x", "type": "function", "function": function}]}))
    for _ in range(200):
        call = {"index": 0, "function": {"arguments": "x" * 100_000}}
        exchange.event(OPENAI.chunk({"tool_calls": [call]}))
    exchange.end()


def test_a_call_whose_arguments_do_not_end_is_not_read_to_its_end() -> None:
    """I10."""
    with ScriptedModels(by_turn(floods)) as models:
        run = Employment(ONE, models)
        with pytest.raises(VertexFailed, match="grows beyond 10000000 characters"):
            run.go_on()
    assert run.deeds.done == []


def breaks_off(exchange: Exchange) -> None:
    exchange.begin()
    exchange.event(OPENAI.chunk({"content": "half"}))
    exchange.break_off()


@pytest.mark.parametrize(
    ("failure", "fault"),
    [
        (OPENAI.refuses(401, "Incorrect API key", "invalid_api_key"), "asks for a key"),
        (OPENAI.refuses(400, "too long", "context_length_exceeded"), "more than it can read"),
        (breaks_off, "its answer broke off"),
    ],
    ids=["key", "context", "broken off"],
)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_model_that_fails_ends_in_a_clear_error(failure: Act, fault: str, turn: int) -> None:
    """In any turn. Whoever goes on from there repeats no call that is kept."""
    with ScriptedModels(by_turn(*([failure] if turn == 1 else [calls("a"), failure]))) as models:
        run = Employment(ONE, models)
        with pytest.raises(VertexFailed, match=fault):
            run.go_on()
        models.script = by_turn(calls("a"), END)
        run.go_on()
    assert run.deeds.done == ["a"]
    assert run.answer.text == "end"


def test_the_fields_of_a_tool_may_be_fed_by_edges() -> None:
    """The arguments of the model stand beside them; what both say, the model says."""
    deeds = tool("deeds")
    [row] = template(deeds)["tools_metadata"]["value"]
    exported = agent_flow(deeds)
    feeds = node("Prompt", "feeds", template="from the prompt")
    exported["nodes"].append(feeds)
    exported["edges"].append(edge(feeds, "prompt", deeds, "what"))
    row["args"]["what"]["default"] = ""
    with ScriptedModels(by_turn(writes("do", "{}"), calls("a"), END)) as models:
        run = Employment(exported, models)
        run.go_on()
    assert run.deeds.done == ["from the prompt", "a"]


@pytest.mark.parametrize("tweak", [[{"vertex_id": "lone"}], {"vertex_id": "lone"}, ["lone"], "lone", None], ids=repr)
def test_nothing_that_a_caller_sends_makes_a_vertex_a_tool(tweak: Any) -> None:
    """A tweak of `tools` cannot reach what stands behind an approval elsewhere (F7)."""
    exported = agent_flow()
    exported["nodes"].append(tool("lone"))
    with ScriptedModels(by_turn(calls("a"), END)) as models:
        run = Employment(exported, models, tweaks={"agent": {"tools": tweak}})
        run.go_on()
    assert run.deeds.done == []
    assert "tools" not in models.requests[0].body


def test_tools_of_one_name_are_told_apart() -> None:
    """The model sees two, and each call reaches its own."""
    first, second = tool("first"), tool("second")
    script = by_turn(writes_all(("do", '{"what": "a"}', "x"), ("do_2", '{"what": "b"}', "y")), END)
    with ScriptedModels(script) as models:
        run = Employment(agent_flow(first, second), models)
        run.go_on()
    offered = [(one["function"]["name"], one["function"]["description"]) for one in models.requests[0].body["tools"]]
    assert offered == [("do", "Does what it is told (first)."), ("do_2", "Does what it is told (second).")]
    assert [(one["name"], one["output"]) for one in run.tool_uses] == [("do", "did a"), ("do_2", "did b")]
