"""Budgets of tokens: over the limit, a person says what becomes of the run."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from flows.budget import Budget
from flows.deciding import check_decision
from flows.errors import DecisionRefused, VertexFailed
from flows.execution.engine import Progress
from flows.human import Decision, RequestKind
from flows.models.defaults import ModelDefaults
from flows.run import RunTools
from flows.values import Message
from tests.flows.agents.conversations import asks, by_agent, by_turn, calls
from tests.flows.agents.hiring import Employment, agent_flow, agent_tool, tool
from tests.flows.running import NOW, RecordingJournal, tools
from tests.model_wires import INPUT_TOKENS, OPENAI
from tests.scripted_models import Exchange, ScriptedModels

TURN = INPUT_TOKENS + 1
"""What a turn costs that says one piece or calls once."""
THREE_TURNS = by_turn(calls("a"), calls("b"), OPENAI.says("end"))
ONE = agent_flow(tool("deeds"))


def within(journal: RecordingJournal, limit: int) -> Callable[[ModelDefaults], RunTools]:
    """A process that knows what the passes before have spent."""
    return lambda defaults: replace(tools(defaults=defaults), budget=Budget(journal.spent, limit))


def limited(models: ScriptedModels, limit: int, exported: object = ONE) -> Employment:
    """A run with a budget."""
    run = Employment(exported, models)  # type: ignore[arg-type]
    return replace(run, borrowed=within(run.journal, limit))


def test_over_its_budget_a_run_asks_before_the_next_turn() -> None:
    """What was called is kept, and nobody is asked within the budget."""
    with ScriptedModels(THREE_TURNS) as models:
        run = limited(models, 2 * TURN)
        assert run.go_on() is Progress.WAITING
        assert len(models.requests) == 2
        assert limited(models, 3 * TURN + 1).go_on() is Progress.DONE
    [request] = run.journal.asked
    assert request.kind is RequestKind.BUDGET
    assert request.allowed_decisions == ["raise", "finish", "stop"]
    assert run.deeds.done == ["a", "b"]
    assert run.journal.spent == 2 * TURN


@pytest.mark.parametrize(
    ("decisions", "questions"),
    [
        ([Decision("raise", {"max_tokens": 1_000})], 1),
        ([Decision("raise"), Decision("raise")], 2),
        ([Decision("raise", {"max_tokens": TURN + 1}), Decision("raise", {"max_tokens": 1_000})], 2),
    ],
    ids=["to a number", "twice as many", "by one"],
)
def test_a_raised_budget_lets_the_run_go_on(decisions: list[Decision], questions: int) -> None:
    """To the number that somebody names, else to twice as many; and no turn is asked for twice."""
    with ScriptedModels(THREE_TURNS) as models:
        run = limited(models, TURN)
        assert run.go_through(*decisions) is Progress.DONE
        assert len(models.requests) == 3
    assert len(run.journal.asked) == questions
    assert run.answer.text == "end"
    assert run.deeds.done == ["a", "b"]


@pytest.mark.parametrize("number", [TURN, 0, -1, 2.5, "many"])
def test_a_budget_is_raised_above_its_limit_or_not_at_all(number: object) -> None:
    """The decision is refused, and the request stays open."""
    with ScriptedModels(THREE_TURNS) as models:
        run = limited(models, TURN)
        run.go_on()
    payload = run.journal.asked[0].payload("r", NOW)
    with pytest.raises(DecisionRefused, match="max_tokens"):
        check_decision(payload, Decision("raise", {"max_tokens": number}))  # type: ignore[dict-item]
    for decision in (Decision("raise"), Decision("finish"), Decision("stop")):
        check_decision(payload, decision)


def says_and_calls(exchange: Exchange) -> None:
    exchange.begin()
    function = {"name": "do", "arguments": '{"what": "a"}'}
    exchange.event(OPENAI.chunk({"content": "So far so good"}))
    exchange.event(OPENAI.chunk({"tool_calls": [{"index": 0, "id": "x", "type": "function", "function": function}]}))
    exchange.event(OPENAI.chunk({}, "tool_calls"))
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    exchange.event({**OPENAI.chunk({}), "choices": [], "usage": usage})
    exchange.event("[DONE]")
    exchange.end()


@pytest.mark.parametrize(
    ("act", "answer"), [(says_and_calls, "So far so good"), (calls("a"), "budget of tokens was used up")]
)
def test_a_run_may_finish_with_what_is_there(act: object, answer: str) -> None:
    """What the model said last, else that it came to nothing."""
    with ScriptedModels(by_turn(act, OPENAI.says("end"))) as models:  # type: ignore[arg-type]
        run = limited(models, TURN)
        assert run.go_through(Decision("finish")) is Progress.DONE
        assert len(models.requests) == 1
    assert answer in run.answer.text
    assert run.deeds.done == ["a"]


def test_a_stopped_run_fails_and_says_why() -> None:
    with ScriptedModels(THREE_TURNS) as models:
        run = limited(models, TURN)
        with pytest.raises(VertexFailed, match=f"the {TURN} tokens that this run may use are used up"):
            run.go_through(Decision("stop"))
        assert len(models.requests) == 1


def test_a_run_that_is_stopped_in_an_inner_agent_fails() -> None:
    """The outer one is not told of it as if a tool had failed."""
    script = by_agent(agent=[asks(inner="x"), OPENAI.says("end")], inner=[calls("a"), OPENAI.says("inner end")])
    with ScriptedModels(script) as models:
        run = limited(models, 2 * TURN, agent_flow(agent_tool("inner"), under={"inner": [tool("deeds")]}))
        with pytest.raises(VertexFailed, match="somebody stopped it"):
            run.go_through(Decision("stop"))


def test_what_somebody_decides_on_the_budget_stands_for_the_whole_run() -> None:
    """An agent that calls another one does not ask again what was answered for that one."""
    script = by_agent(
        agent=[asks(inner="x"), OPENAI.says("end")],
        inner=[calls("a"), OPENAI.says("inner end")],
    )
    team = agent_flow(agent_tool("inner"), under={"inner": [tool("deeds")]})
    with ScriptedModels(script) as models:
        run = limited(models, 2 * TURN, team)
        assert run.go_through(Decision("finish")) is Progress.DONE
        raised = limited(models, 2 * TURN, team)
        assert raised.go_through(Decision("raise", {"max_tokens": 1_000})) is Progress.DONE
    assert isinstance(run.answer, Message)
    assert run.deeds.done == ["a"]
    assert raised.answer.text == "end"
