"""How a pass ends that does not come to the end of its flow by itself: time limits and stops, whatever its vertices do
meanwhile."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from flows.context import VertexContext
from flows.values import Message
from storage.clock import after
from storage.control import Word
from storage.ending import stop
from storage.states import Status
from storage.store import Store
from storage.stream import Entry
from tests.actors.stage import Gate, Stage, scripted_flow, staged_flow
from tests.actors.workplace import PATIENCE, QUICK, Workplace, eventually, threads_called, working
from tests.making import echo_flow
from tests.storage.situations import change, contents

PLAIN = ["ScriptedPlain", "Scripted"]
LITTLE = 0.5
"""Seconds for a vertex, of which the quick ones need some thousandths."""


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is open when the test has ended, so that no thread waits behind it."""
    made = Gate(Message("late"))
    yield made
    made.open()


@pytest.fixture
def hurried(store: Store) -> Iterator[Workplace]:
    """A workplace whose vertices have little time."""
    with working(store, replace(QUICK, vertex_seconds=LITTLE)) as running:
        yield running


def ends_with(entries: list[Entry]) -> tuple[str, str]:
    """The type and the message of the last event."""
    return entries[-1].type, orjson.loads(entries[-1].payload)["data"]["message"]


def error_of(workplace: Workplace, job_id: str) -> dict[str, Any]:
    stored: dict[str, Any] = orjson.loads(workplace.job(job_id).error or "null")
    return stored


def test_a_vertex_that_takes_too_long_times_its_job_out(hurried: Workplace, stage: Stage, gate: Gate) -> None:
    """It is cancelled; the last event and the stored error name it, and nothing behind it starts."""
    stage.acts["Scripted-1"] = gate
    job_id = hurried.submit(scripted_flow(2))
    kind, message = ends_with(hurried.to_end(job_id))
    assert (kind, hurried.job(job_id).status) == ("timed_out", Status.TIMED_OUT)
    assert "Scripted-1" in message
    assert (error_of(hurried, job_id)["component_id"], error_of(hurried, job_id)["message"]) == ("Scripted-1", message)
    assert gate.cancelled.wait(PATIENCE)
    assert stage.built == ["Scripted-1"]


def test_a_plain_function_that_takes_too_long_is_left_behind(store: Store, stage: Stage, gate: Gate) -> None:
    """Its job times out and its thread of the worker is free, though it goes on; its result is refused."""
    stage.acts["ScriptedPlain-1"] = gate.plain
    with working(store, replace(QUICK, threads=1, vertex_seconds=LITTLE)) as workplace:
        job_id = workplace.submit(staged_flow(PLAIN))
        kind, message = ends_with(workplace.to_end(job_id))
        assert (kind, workplace.job(job_id).status) == ("timed_out", Status.TIMED_OUT)
        assert "ScriptedPlain-1" in message
        workplace.to_end(workplace.submit(echo_flow()))
        assert not gate.ended.is_set()
        before = contents(store.database)
        gate.open()
        join_vertices()
        assert contents(store.database)["job_events"] == before["job_events"]
    assert stage.built == ["ScriptedPlain-1"]


def test_a_coroutine_that_blocks_its_loop_is_timed_out_by_the_database(store: Store, stage: Stage, gate: Gate) -> None:
    """No clock of its own can reach it: a sweeper ends its job, and what it brings in the end is refused."""
    stage.acts["Scripted-1"] = gate.blocking
    with working(store) as workplace:
        job_id = workplace.submit(scripted_flow(2))
        assert gate.began.wait(PATIENCE)
        change(store.database, job_id, vertex_deadline_at=after(-1))
        entries = workplace.to_end(job_id)
        assert (entries[-1].type, workplace.job(job_id).status) == ("timed_out", Status.TIMED_OUT)
        before = contents(store.database)
        gate.open()
    assert gate.ended.is_set()
    assert contents(store.database) == {**before, "workers": [], "sweeps": contents(store.database)["sweeps"]}
    assert stage.built == ["Scripted-1"]


async def raises_when_cancelled(context: VertexContext) -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise ValueError("cut short") from None


async def returns_when_cancelled(context: VertexContext) -> Message:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return Message("all the same")
    raise AssertionError("nothing waits for ever")


@pytest.mark.parametrize("act", [raises_when_cancelled, returns_when_cancelled])
def test_a_run_past_its_deadline_times_out_whatever_its_vertices_make_of_it(
    workplace: Workplace, stage: Stage, act: Any
) -> None:
    """One that raises another error for its cancellation, or returns all the same, does not fail the job."""
    stage.acts["Scripted-1"] = act
    job_id = workplace.submit(scripted_flow(2), seconds_allowed=0.3)
    assert workplace.to_end(job_id)[-1].type == "timed_out"
    assert workplace.job(job_id).status is Status.TIMED_OUT
    assert stage.built == ["Scripted-1"]


def test_a_stop_leaves_a_plain_function_behind(store: Store, stage: Stage, gate: Gate) -> None:
    """Its thread of the worker takes the next job at once; what it still says reaches nobody (I7)."""

    def act(context: VertexContext) -> Message | None:
        output = gate.plain(context)
        context.log("still here")
        return output

    stage.acts["ScriptedPlain-1"] = act
    with working(store, replace(QUICK, threads=1)) as workplace:
        job_id = workplace.submit(staged_flow(PLAIN))
        assert gate.began.wait(PATIENCE)
        stop(store.log, job_id, workplace.user_id)
        store.control.tell(Word.ENDED, job_id)
        entries = workplace.to_end(job_id)
        workplace.to_end(workplace.submit(echo_flow()))
        gate.open()
        join_vertices()
        assert workplace.to_end(job_id) == entries
    assert entries[-1].type == "cancelled"
    assert stage.built == ["ScriptedPlain-1"]


def test_a_component_that_would_end_the_process_fails_its_job(workplace: Workplace, stage: Stage) -> None:
    """At once, and the worker goes on."""

    def leave(context: VertexContext) -> None:
        raise SystemExit("I am leaving.")

    stage.acts["ScriptedPlain-1"] = leave
    job_id = workplace.submit(staged_flow(PLAIN))
    workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.FAILED
    assert error_of(workplace, job_id)["component_id"] == "ScriptedPlain-1"
    assert "I am leaving." in error_of(workplace, job_id)["message"]


def join_vertices() -> None:
    """Waits until no plain function goes on any more."""
    eventually(lambda: not threads_called("vertex"))
