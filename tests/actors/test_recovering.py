"""The next pass goes on where a lost one was cut off: what is finished stands, what was interrupted follows the effect
class that it declares (rule 6, I6)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from threading import Event
from typing import Any

import orjson
import pytest

from flows.context import VertexContext
from flows.human import Decision, RequestKind
from flows.values import Message, Source
from storage.human_requests import requests_of
from storage.jobs import outputs_of
from storage.states import Status
from storage.store import Store
from storage.stream import Entry
from tests.actors.stage import Dies, Gate, Stage, forked_flow, scripted_flow, staged_flow
from tests.actors.workplace import PATIENCE, QUICK, Workplace, working
from tests.making import model_flow
from tests.model_stub import ModelStub
from tests.shapes import Exported
from tests.storage.situations import let_lease_expire

Opening = Callable[[], Store]


@contextmanager
def recovering(opening: Opening, flow: Exported, dies: Dies) -> Iterator[tuple[Workplace, str]]:
    """A job that one process was lost over, and the process that has it now."""
    with closing(opening()) as first, closing(opening()) as second:
        with working(first) as workplace:
            job_id = workplace.submit(flow)
            assert dies.died.acquire(timeout=PATIENCE)
        let_lease_expire(second.database, job_id)
        with working(second) as workplace:
            yield workplace, job_id


def told(entries: Sequence[Entry], *types: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The events of some types, in their order."""
    return [(entry.type, orjson.loads(entry.payload)["data"]) for entry in entries if entry.type in types]


def error_of(workplace: Workplace, job_id: str) -> Mapping[str, Any]:
    stored: Mapping[str, Any] = orjson.loads(workplace.job(job_id).error or "null")
    return stored


def test_what_is_finished_is_not_built_again(opening: Opening, stage: Stage) -> None:
    """In another process: the finished vertex is restored, the interrupted one starts over and is named, and the
    log has no hole."""
    dies = stage.acts["Scripted-2"] = Dies()
    with recovering(opening, scripted_flow(3), dies) as (workplace, job_id):
        entries = workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
        assert outputs_of(workplace.store.database, job_id)["ChatOutput-b1"]["content"] == "hello"
    assert stage.built == ["Scripted-1", "Scripted-2", "Scripted-2", "Scripted-3"]
    assert told(entries, "run_recovered") == [("run_recovered", {"vertices": ["Scripted-2"], "attempt": 2})]
    assert [entry.cursor.seq for entry in entries if entry.cursor.is_milestone] == list(
        range(1, entries[-1].cursor.seq + 1)
    )


def test_an_interrupted_vertex_runs_again_under_the_same_key(opening: Opening, stage: Stage) -> None:
    """So whoever it asks for something does that only once."""
    dies = stage.acts["Scripted-1"] = Dies()
    with recovering(opening, scripted_flow(1), dies) as (workplace, job_id):
        workplace.to_end(job_id)
    assert stage.keys == [f"{job_id}:Scripted-1:1"] * 2


def test_every_vertex_that_starts_over_is_named(opening: Opening, stage: Stage) -> None:
    """All that were being built at the same time."""
    waits, dies = Gate(), Dies()
    stage.acts |= {"Scripted-1": waits, "Scripted-2": dies}
    with recovering(opening, forked_flow(2), dies) as (workplace, job_id):
        waits.open()
        entries = workplace.to_end(job_id)
    [(_, recovered)] = told(entries, "run_recovered")
    assert sorted(recovered["vertices"]) == ["Scripted-1", "Scripted-2"]
    assert sorted(stage.built) == ["Scripted-1", "Scripted-1", "Scripted-2", "Scripted-2"]


def test_half_streamed_messages_are_removed_before_they_are_shown_again(opening: Opening, stage: Stage) -> None:
    """Those that nobody goes on filling. One whose vertex finished is whole, and is completed under its id."""
    dies = Dies()

    async def stream(context: VertexContext) -> None:
        shown_by = "ChatOutput-b1" if context.vertex_id == "Scripted-1" else context.vertex_id
        opened = context.open_message(Message("", source=Source(context.vertex_id)), shown_by)
        context.token("half", opened)
        if context.vertex_id == "Scripted-2":
            await dies(context)

    stage.acts |= {"Scripted-1": stream, "Scripted-2": stream}
    with recovering(opening, scripted_flow(2), dies) as (workplace, job_id):
        entries = workplace.to_end(job_id)
    seen = told(entries, "add_message", "remove_message", "run_recovered")
    states = [(kind, data.get("id"), data.get("properties", {}).get("state")) for kind, data in seen]
    whole = states[1][1]
    cut = next(id for kind, id, _ in states if kind == "remove_message")
    assert whole != cut
    assert [state for state in states if state[1] == whole] == [
        ("add_message", whole, "partial"),
        ("add_message", whole, "complete"),
    ]
    assert [state for state in states if state[1] in (cut, None)] == [
        ("add_message", cut, "partial"),
        ("remove_message", cut, None),
        ("run_recovered", None, None),
        ("add_message", cut, "partial"),
    ]


def test_an_interrupted_model_is_asked_again_under_the_same_key(workplace: Workplace) -> None:
    """While the lost pass still waits for its answer. The client's picture is right in the end: what was half said is
    taken back, then said in full."""
    waits, answer = Event(), Event()

    def hold_the_first(index: int) -> None:
        if index == 1 and len(stub.requests) == 1:
            waits.set()
            assert answer.wait(PATIENCE)

    with ModelStub(before_token=hold_the_first) as stub:
        job_id = workplace.submit(model_flow(stub.url))
        assert waits.wait(PATIENCE)
        let_lease_expire(workplace.store.database, job_id)
        entries = workplace.to_end(job_id)
        answer.set()
        keys = [asked.headers["idempotency-key"] for asked in stub.requests]
    assert keys == [f"{job_id}:LanguageModelComponent-m1:1"] * 2
    shown = told(entries, "add_message", "remove_message")[1:]
    assert [kind for kind, _ in shown] == ["add_message", "remove_message", "add_message", "add_message"]
    assert len({data["id"] for _, data in shown}) == 1
    assert (shown[-1][1]["text"], shown[-1][1]["properties"]["state"]) == (stub.answer, "complete")


def test_what_must_not_happen_twice_is_not_repeated(opening: Opening, stage: Stage) -> None:
    """When it was interrupted nobody knows whether it happened: somebody is asked what became of it."""
    dies = stage.acts["ScriptedOnce-2"] = Dies()
    with recovering(opening, staged_flow(["Scripted", "ScriptedOnce", "Scripted"]), dies) as (workplace, job_id):
        entries = workplace.to_suspension(job_id)
        [asked] = requests_of(workplace.store.database, job_id)
    assert stage.built == ["Scripted-1", "ScriptedOnce-2"]
    # The live word of the suspension comes behind it, now or a moment later.
    milestones = [entry for entry in entries if entry.cursor.is_milestone]
    assert milestones[-1].type == "human_input_required"
    assert (asked.kind, asked.vertex_id) == (RequestKind.UNCERTAIN_EFFECT, "ScriptedOnce-2")
    assert asked.payload["allowed_decisions"] == ["retry", "done", "fail"]


@pytest.mark.parametrize(
    ("told", "status", "built"),
    [
        (Decision("retry"), Status.COMPLETED, ["ScriptedOnce-2", "Scripted-3"]),
        (Decision("done", {"value": "it was sent"}), Status.COMPLETED, ["Scripted-3"]),
        (Decision("fail"), Status.FAILED, []),
    ],
)
def test_what_somebody_tells_about_an_interrupted_effect_is_done(
    opening: Opening, stage: Stage, told: Decision, status: Status, built: list[str]
) -> None:
    """It runs again, or counts as done with the value they give, or the run fails and names it."""
    dies = stage.acts["ScriptedOnce-2"] = Dies()
    with recovering(opening, staged_flow(["Scripted", "ScriptedOnce", "Scripted"]), dies) as (workplace, job_id):
        workplace.to_suspension(job_id)
        del stage.acts["ScriptedOnce-2"]
        [asked] = requests_of(workplace.store.database, job_id)
        workplace.answer(job_id, asked.id, told)
        workplace.to_end(job_id)
        assert workplace.job(job_id).status is status
        if status is Status.FAILED:
            assert error_of(workplace, job_id)["component_id"] == "ScriptedOnce-2"
    assert stage.built == ["Scripted-1", "ScriptedOnce-2", *built]


def test_what_must_not_happen_twice_and_is_finished_is_clear(opening: Opening, stage: Stage) -> None:
    """It is restored as any other."""
    dies = stage.acts["Scripted-2"] = Dies()
    with recovering(opening, staged_flow(["ScriptedOnce", "Scripted"]), dies) as (workplace, job_id):
        workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert stage.built == ["ScriptedOnce-1", "Scripted-2", "Scripted-2"]


def test_a_pass_that_nobody_renews_is_over_before_the_next_begins(store: Store, stage: Stage) -> None:
    """Its heart has stopped and nobody tells it: it ends by its own clock, which ends sooner (fault A16)."""
    gate = Gate()
    was_over: list[bool] = []

    async def act(context: VertexContext) -> Message | None:
        was_over.append(gate.cancelled.is_set())
        return await gate(context) if len(was_over) == 1 else None

    stage.acts["Scripted-1"] = act
    heartless = replace(QUICK, lease_seconds=1.5, heartbeat_seconds=600, max_attempts=100)
    with working(store, heartless) as workplace:
        job_id = workplace.submit(scripted_flow(1))
        workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert was_over[:2] == [False, True]


def lose(workplace: Workplace, job_id: str, dies: Dies) -> None:
    """Waits until the worker was lost once more, and lets its lease run out."""
    assert dies.died.acquire(timeout=PATIENCE)
    let_lease_expire(workplace.store.database, job_id)


def test_a_job_that_kills_every_worker_is_given_up(workplace: Workplace, stage: Stage) -> None:
    """After so many passes in a row as PENSTOCK_MAX_ATTEMPTS says; its end says how often it was tried (fault A8)."""
    dies = stage.acts["Scripted-2"] = Dies(times=100)
    job_id = workplace.submit(scripted_flow(2))
    for _ in range(QUICK.max_attempts):
        lose(workplace, job_id, dies)
    entries = workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.FAILED
    assert stage.built == ["Scripted-1", *["Scripted-2"] * QUICK.max_attempts]
    assert [data["attempt"] for _, data in told(entries, "run_recovered")] == [2, 3]
    [(_, end)] = told(entries[-1:], "worker_lost")
    assert f"{QUICK.max_attempts} times" in end["message"]
    assert error_of(workplace, job_id)["type"] == "worker_lost"


def test_a_job_that_gets_further_may_be_lost_as_often_again(workplace: Workplace, stage: Stage) -> None:
    """A long run on workers that come and go is no poison."""
    deaths = {f"Scripted-{number}": Dies(times=QUICK.max_attempts - 1) for number in (1, 2)}
    stage.acts |= deaths
    job_id = workplace.submit(scripted_flow(2))
    for dies in deaths.values():
        for _ in range(QUICK.max_attempts - 1):
            lose(workplace, job_id, dies)
    workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.COMPLETED
