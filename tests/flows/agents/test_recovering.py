"""I6: whatever write an agent dies at, the next pass goes on from what is kept."""

from collections import Counter
from collections.abc import Iterator

import pytest

from flows.errors import VertexFailed
from flows.execution.engine import Progress
from flows.human import Decision, RequestKind
from tests.flows.agents.conversations import agent_of, asks, by_agent, by_turn, calls, turn_of
from tests.flows.agents.dying import Killed, MortalJournal, all_deaths
from tests.flows.agents.hiring import Employment, agent_flow, agent_tool, tool
from tests.flows.running import JOB_ID
from tests.model_stub import ModelRequest
from tests.model_wires import OPENAI
from tests.scripted_models import ScriptedModels
from tests.shapes import Exported

TWO_TURNS = by_turn(calls("a", "b"), calls("c"), OPENAI.says("All ", "done"))
TEAM = by_agent(
    agent=[asks(left="l", right="r"), OPENAI.says("All done")],
    left=[calls("a"), calls("b"), OPENAI.says("left done")],
    right=[calls("c"), OPENAI.says("right done")],
)
ONE = agent_flow(tool("deeds"))
TEAMED = agent_flow(agent_tool("left"), agent_tool("right"), under={"left": [tool("deeds")], "right": [tool("more")]})
APPROVED = agent_flow(tool("deeds", approval=["approve"]))
NESTED_APPROVED = agent_flow(
    agent_tool("left"),
    agent_tool("right"),
    under={"left": [tool("deeds", approval=["approve"])], "right": [tool("more")]},
)


def lives(exported: Exported, models: ScriptedModels) -> Iterator[Employment]:
    """A run for each death that it can die; each is dead, and its next process is there."""
    whole = Employment(exported, models, journal=MortalJournal())
    answered(whole, Decision("approve"))
    assert isinstance(whole.journal, MortalJournal)
    for journal in all_deaths(whole.journal.writes):
        models.requests.clear()
        run = Employment(exported, models, journal=journal)
        run.deeds.before = journal.check_alive
        with pytest.raises(Killed):
            answered(run, Decision("approve"))
        journal.revive()
        yield run


def answered(run: Employment, decision: Decision) -> None:
    """The rest of a run in which all that is asked is decided in one way."""
    while run.go_on() is Progress.WAITING:
        run.journal.answer("agent", decision)


def repeated_turns(requests: list[ModelRequest]) -> int:
    """How many turns of a model were asked for more than once."""
    return len(requests) - len(Counter((agent_of(one), turn_of(one)) for one in requests))


@pytest.mark.parametrize(
    ("exported", "script", "turns_in_flight"),
    [(ONE, TWO_TURNS, 1), (APPROVED, TWO_TURNS, 1), (TEAMED, TEAM, 2), (NESTED_APPROVED, TEAM, 2)],
    ids=["one", "approved", "teamed", "teamed-approved"],
)
def test_a_run_that_dies_at_any_write_ends_as_if_it_had_not(
    exported: Exported, script: object, turns_in_flight: int
) -> None:
    """At most the turns in flight are asked for again. A call in flight is made again under the same key, one that is
    kept is not."""
    with ScriptedModels(script) as models:  # type: ignore[arg-type]
        for run in lives(exported, models):
            kept = {f"{JOB_ID}:agent:1:{one.name}" for one in run.journal.kept}
            begun = set(run.deeds.keys) - kept
            answered(run, Decision("approve"))
            assert run.answer.text == "All done"
            assert set(run.deeds.done) == {"a", "b", "c"}
            made = Counter(run.deeds.keys)
            assert len(made) == 3
            assert all(times == 1 or (key in begun and times == 2) for key, times in made.items())
            assert repeated_turns(models.requests) <= turns_in_flight


def test_a_call_that_must_not_happen_twice_happens_again_only_when_somebody_says_so() -> None:
    """Whatever write its run dies at."""
    deeds = agent_flow(tool("deeds", "OnceDeed"))
    with ScriptedModels(TWO_TURNS) as models:
        for run in lives(deeds, models):
            answered(run, Decision("retry"))
            assert {one.kind for one in run.journal.asked} <= {RequestKind.UNCERTAIN_EFFECT}
            assert run.answer.text == "All done"
            assert set(run.deeds.done) == {"a", "b", "c"}
            assert len(run.deeds.done) <= 3 + len(run.journal.asked)


def death_in_a_call(models: ScriptedModels) -> Employment:
    """A run whose process died when a call that must not happen twice was made, and before that was stored."""
    journal = MortalJournal()
    run = Employment(agent_flow(tool("deeds", "OnceDeed")), models, journal=journal)

    def die_behind(what: str) -> None:
        journal.dies_at = journal.writes + 1

    run.deeds.before = die_behind
    with pytest.raises(Killed):
        run.go_on()
    journal.revive()
    run.deeds.before = lambda what: None
    return run


@pytest.mark.parametrize(
    ("decision", "deeds", "output"),
    [(Decision("retry"), ["a", "a"], "did a"), (Decision("done", {"value": "it was sent"}), ["a"], "it was sent")],
    ids=["retry", "done"],
)
def test_a_person_says_what_became_of_a_call_that_was_cut_off(
    decision: Decision, deeds: list[str], output: str
) -> None:
    """The agent goes on with what it is told, as the model and the message are."""
    with ScriptedModels(by_turn(calls("a"), OPENAI.says("All done"))) as models:
        run = death_in_a_call(models)
        assert run.go_through(decision) is Progress.DONE
    assert run.deeds.done == deeds
    assert run.answer.text == "All done"
    assert [one["output"] for one in run.tool_uses] == [output]


def test_a_run_fails_when_somebody_says_so_of_a_call_that_was_cut_off() -> None:
    """The error names the tool."""
    with ScriptedModels(by_turn(calls("a"), OPENAI.says("All done"))) as models:
        run = death_in_a_call(models)
        with pytest.raises(VertexFailed, match=r"Agent \(agent\): .*call of do \(deeds\).*somebody decided"):
            run.go_through(Decision("fail"))
    assert run.deeds.done == ["a"]


def test_what_somebody_says_of_one_try_does_not_stand_for_the_next() -> None:
    """A call that is cut off again is asked about again."""
    with ScriptedModels(by_turn(calls("a"), OPENAI.says("All done"))) as models:
        run = death_in_a_call(models)
        assert run.go_on() is Progress.WAITING
        run.journal.answer("agent", Decision("retry"))
        journal = run.journal
        assert isinstance(journal, MortalJournal)
        run.deeds.before = lambda what: setattr(journal, "dies_at", journal.writes + 1)
        with pytest.raises(Killed):
            run.go_on()
        journal.revive()
        run.deeds.before = lambda what: None
        assert run.go_on() is Progress.WAITING
        assert len(journal.asked) == 2
        journal.answer("agent", Decision("retry"))
        assert run.go_on() is Progress.DONE
    assert run.deeds.done == ["a", "a", "a"]


def test_calls_of_a_turn_that_are_finished_stay_finished_when_another_dies() -> None:
    """The next pass makes only the other one."""
    journal = MortalJournal()
    with ScriptedModels(by_turn(calls("quick", "slow"), OPENAI.says("All done"))) as models:
        run = Employment(ONE, models, journal=journal)

        def before(what: str) -> None:
            if what == "slow":
                raise Killed

        run.deeds.before = before
        with pytest.raises(Killed):
            run.go_on()
        run.deeds.before = lambda what: None
        run.go_on()
    assert sorted(run.deeds.done)[-1] == "slow"
    assert run.deeds.done.count("slow") == 1


def test_what_a_tool_remembers_is_stored_with_its_call() -> None:
    """Whatever write the agent dies at, the session knows what each call said, once, under an id of its own."""
    with ScriptedModels(TWO_TURNS) as models:
        for run in lives(agent_flow(tool("deeds", "RememberingDeed")), models):
            answered(run, Decision("approve"))
            said = [record for record in run.journal.messages if record.message.text.startswith("did ")]
            assert sorted(record.message.text for record in said) == ["did a", "did b", "did c"]
            assert len({record.id for record in said}) == 3
