"""The workers of a process, from a hint to the terminal event, on both set-ups."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from threading import Event
from typing import Any, NoReturn

import orjson
import pytest

from flows.context import VertexContext
from flows.values import Message
from storage.control import Word
from storage.ending import stop
from storage.errors import PassLost
from storage.jobs import outputs_of
from storage.states import Mode, Status
from storage.store import Store
from storage.stream import Entry
from tests.actors.stage import Stage, scripted_flow
from tests.actors.workplace import PATIENCE, QUICK, Workplace, working
from tests.making import echo_flow, failing_flow
from tests.storage.situations import let_lease_expire


def types(entries: list[Entry]) -> list[str]:
    return [entry.type for entry in entries]


def error_of(workplace: Workplace, job_id: str) -> dict[str, Any]:
    stored: dict[str, Any] = orjson.loads(workplace.job(job_id).error or "null")
    return stored


async def for_ever() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("mode", Mode)
def test_a_job_completes(workplace: Workplace, mode: Mode) -> None:
    """From its hint a job of any mode is built to its end; its log is dense and ends with the one terminal event."""
    job_id = workplace.submit(echo_flow(), mode=mode)
    entries = workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.COMPLETED
    assert outputs_of(workplace.store.database, job_id)["ChatOutput-b1"]["content"] == "hello"
    assert [entry.cursor.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.terminal for entry in entries] == [False] * (len(entries) - 1) + [True]
    assert (types(entries)[0], types(entries)[-1]) == ("build_start", "end")


def test_a_failing_flow_fails(workplace: Workplace) -> None:
    """The log ends with the error and the end; the job's row agrees with them."""
    job_id = workplace.submit(failing_flow())
    entries = workplace.to_end(job_id)
    assert types(entries)[-2:] == ["error", "end"]
    assert orjson.loads(entries[-1].payload)["data"]["status"] == "failed"
    assert workplace.job(job_id).status is Status.FAILED
    told = orjson.loads(entries[-2].payload)["data"]
    error = error_of(workplace, job_id)
    assert (error["type"], error["component_id"]) == ("VertexFailed", "ConditionalRouter-bad")
    assert (told["text"], told["properties"]["source"]["id"]) == (error["message"], "ConditionalRouter-bad")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("an error that cannot be told")


FAULTS: Mapping[str, Exception] = {
    "an ordinary error": ValueError("it is broken"),
    "a silent one": ValueError(),
    "a time-out of its own": TimeoutError("the other side did not answer"),
    "several at once": ExceptionGroup("two", [ValueError("a"), TypeError("b")]),
    "the end of something": StopAsyncIteration(),
    "too deep": RecursionError("too deep"),
    "too large": MemoryError(),
    "half a character": ValueError("half a character: \ud800"),
    "NUL": ValueError("a\0b"),
    "one that cannot be told": Unprintable(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_whatever_a_component_raises_fails_its_job(workplace: Workplace, stage: Stage, fault: Exception) -> None:
    """The job ends at once, as failed, naming the vertex; it is not tried again."""

    async def act(context: VertexContext) -> NoReturn:
        raise fault

    stage.acts["Scripted-1"] = act
    job_id = workplace.submit(scripted_flow(1))
    entries = workplace.to_end(job_id)
    assert types(entries)[-2:] == ["error", "end"]
    assert workplace.job(job_id).status is Status.FAILED
    assert error_of(workplace, job_id)["component_id"] == "Scripted-1"
    assert stage.built == ["Scripted-1"]


async def awaits_what_was_cancelled(context: VertexContext) -> None:
    task = asyncio.create_task(for_ever())
    task.cancel()
    await task


async def returns_an_object(context: VertexContext) -> object:
    return object()


async def returns_half_a_character(context: VertexContext) -> Message:
    return Message("\ud800")


async def shows_half_a_character(context: VertexContext) -> None:
    context.show(Message("\ud800"), stored=True)


async def says_half_a_character(context: VertexContext) -> None:
    context.token("\ud800", "a-message")


WITHOUT_RESULT = (
    awaits_what_was_cancelled,
    returns_an_object,
    returns_half_a_character,
    shows_half_a_character,
    says_half_a_character,
)


@pytest.mark.parametrize("act", WITHOUT_RESULT)
def test_a_vertex_without_a_result_fails_its_job(
    workplace: Workplace, stage: Stage, act: Callable[[VertexContext], Awaitable[Any]]
) -> None:
    """A build that ends without a value that can be stored never passes for a finished one."""
    stage.acts["Scripted-1"] = act
    job_id = workplace.submit(scripted_flow(1))
    assert types(workplace.to_end(job_id))[-2:] == ["error", "end"]
    assert error_of(workplace, job_id)["component_id"] == "Scripted-1"


def test_a_job_past_its_deadline(workplace: Workplace, stage: Stage) -> None:
    """It times out while a vertex awaits, which is cancelled."""
    cancelled = Event()

    async def act(context: VertexContext) -> None:
        try:
            await for_ever()
        finally:
            cancelled.set()

    stage.acts["Scripted-1"] = act
    job_id = workplace.submit(scripted_flow(1), seconds_allowed=0.5)
    assert types(workplace.to_end(job_id))[-1] == "timed_out"
    assert workplace.job(job_id).status is Status.TIMED_OUT
    assert cancelled.wait(PATIENCE)


def test_a_stop_ends_what_awaits(workplace: Workplace, stage: Stage) -> None:
    """The vertex is cancelled at once, the log ends with the stop, nothing is written behind it (I7)."""
    started, cancelled = Event(), Event()

    async def act(context: VertexContext) -> None:
        started.set()
        try:
            await for_ever()
        finally:
            cancelled.set()

    stage.acts["Scripted-1"] = act
    job_id = workplace.submit(scripted_flow(2))
    assert started.wait(PATIENCE)
    stop(workplace.store.log, job_id, workplace.user_id)
    workplace.store.control.tell(Word.ENDED, job_id)
    assert cancelled.wait(PATIENCE)
    assert types(workplace.to_end(job_id))[-1] == "cancelled"
    assert stage.built == ["Scripted-1"]


def test_a_job_without_a_hint(workplace: Workplace) -> None:
    """A hint that was lost is sent again by the sweeper (I1)."""
    job_id = workplace.submit(echo_flow(), hinted=False)
    assert types(workplace.to_end(job_id))[-1] == "end"


def test_a_job_whose_worker_died(workplace: Workplace, stage: Stage) -> None:
    """The next pass goes on from the finished vertices: each was built once, the interrupted one again (I6)."""
    passes = iter([False, True])
    lost = Event()

    async def act(context: VertexContext) -> None:
        if not next(passes):
            lost.set()
            raise PassLost("The worker was killed.")

    stage.acts["Scripted-2"] = act
    job_id = workplace.submit(scripted_flow(3))
    assert lost.wait(PATIENCE)
    let_lease_expire(workplace.store.database, job_id)
    entries = workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.COMPLETED
    assert stage.built == ["Scripted-1", "Scripted-2", "Scripted-2", "Scripted-3"]
    assert outputs_of(workplace.store.database, job_id)["ChatOutput-b1"]["content"] == "hello"
    assert types(entries).count("build_start") == 2
    assert [entry.cursor.seq for entry in entries] == list(range(1, len(entries) + 1))


def test_another_process_takes_over(opening: Callable[[], Store], stage: Stage) -> None:
    """A job that one process left when it was shut down hard goes on in another."""
    started = Event()

    async def act(context: VertexContext) -> None:
        if not started.is_set():
            started.set()
            raise PassLost("The process was killed.")

    stage.acts["Scripted-1"] = act
    first, second = opening(), opening()
    try:
        with working(first) as workplace:
            job_id = workplace.submit(scripted_flow(1))
            assert started.wait(PATIENCE)
        let_lease_expire(second.database, job_id)
        with working(second, QUICK) as workplace:
            assert types(workplace.to_end(job_id))[-1] == "end"
    finally:
        first.close()
        second.close()
