"""A process that is asked to end hands its work on: at the end of a vertex if it can, and in any case before the
platform's patience is over (fault A18)."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import orjson
import pytest

from flows.context import VertexContext
from flows.values import Message
from storage.jobs import outputs_of
from storage.secrets import new_key
from storage.states import Status
from storage.store import Store, StoreConfig
from storage.stream import Entry
from tests.actors.stage import SHAPES, Gate, Stage, forked_flow, open_staged, scripted_flow
from tests.actors.workplace import BEGUN_AT_THE_END, PATIENCE, QUICK, eventually, threads_called, working
from tests.making import flow, node
from tests.storage.situations import contents, value_of

Opening = Callable[[], Store]
PATIENT = replace(QUICK, grace_seconds=20.0)
HASTY = replace(QUICK, grace_seconds=0.2)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is open when the test has ended, so that no thread waits behind it."""
    made = Gate(Message("late"))
    yield made
    made.open()


@pytest.fixture
def stores(opening: Opening) -> Iterator[tuple[Store, Store]]:
    """Those of two processes: one that ends, one that goes on."""
    with closing(opening()) as first, closing(opening()) as second:
        yield first, second


@contextmanager
def ending(process: ExitStack) -> Iterator[None]:
    """A process that was asked to end and has heard it, as by SIGTERM; it has ended behind the block."""
    thread = Thread(target=process.close)
    thread.start()
    eventually(lambda: threads_called(BEGUN_AT_THE_END))
    yield
    thread.join(PATIENCE)
    assert not thread.is_alive()


def types(entries: Sequence[Entry]) -> list[str]:
    return [entry.type for entry in entries]


def recovered(entries: Sequence[Entry]) -> list[Any]:
    return [orjson.loads(entry.payload)["data"] for entry in entries if entry.type == "run_recovered"]


def state_of(store: Store, job_id: str) -> tuple[Any, ...]:
    """What a row says that was handed on."""
    return tuple(value_of(store.database, job_id, column) for column in ("status", "lease_until", "worker", "attempts"))


def test_a_run_is_handed_on_at_the_end_of_its_vertex(stores: tuple[Store, Store], stage: Stage) -> None:
    """What runs comes to its end and is stored, nothing new starts, and the job is released at once. The next process
    goes on behind it; nothing was cut off, and it was no attempt."""
    first, second = stores
    gate = stage.acts["Scripted-1"] = Gate()
    with ExitStack() as process:
        job_id = process.enter_context(working(first, PATIENT)).submit(scripted_flow(2))
        assert gate.began.wait(PATIENCE)
        with ending(process):
            began = time.monotonic()
            gate.open()
    assert time.monotonic() - began < PATIENT.grace_seconds / 2
    assert (stage.built, gate.cancelled.is_set()) == (["Scripted-1"], False)
    assert state_of(second, job_id) == (Status.QUEUED, None, None, 0)
    with working(second) as workplace:
        entries = workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert stage.built == ["Scripted-1", "Scripted-2"]
    assert (recovered(entries), types(entries).count("build_start")) == ([], 2)


def test_all_that_runs_at_the_same_time_may_end(stores: tuple[Store, Store], stage: Stage) -> None:
    """The job is released when the last of its running vertices is stored."""
    first, second = stores
    gates = {f"Scripted-{number}": Gate() for number in (1, 2)}
    stage.acts |= gates
    with ExitStack() as process:
        job_id = process.enter_context(working(first, PATIENT)).submit(forked_flow(2))
        assert all(gate.began.wait(PATIENCE) for gate in gates.values())
        with ending(process):
            gates["Scripted-1"].open()
            eventually(lambda: "Scripted-1" in str(contents(second.database)["vertex_results"]))
            assert value_of(second.database, job_id, "status") == Status.IN_PROGRESS
            gates["Scripted-2"].open()
    with working(second) as workplace:
        assert recovered(workplace.to_end(job_id)) == []
        assert workplace.job(job_id).status is Status.COMPLETED
    assert sorted(stage.built) == ["Scripted-1", "Scripted-2"]


def test_a_run_at_its_last_vertex_completes(stores: tuple[Store, Store], stage: Stage) -> None:
    """When nothing is left to hand on, nothing is."""
    first, _ = stores
    gate = stage.acts["Scripted-1"] = Gate()
    with ExitStack() as process:
        workplace = process.enter_context(working(first, PATIENT))
        job_id = workplace.submit(flow([node("Scripted", "Scripted-1", shape=SHAPES["Scripted"])]))
        assert gate.began.wait(PATIENCE)
        with ending(process):
            gate.open()
    assert workplace.job(job_id).status is Status.COMPLETED


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_a_vertex_that_outlasts_the_grace_is_cut(stores: tuple[Store, Store], stage: Stage, is_stubborn: bool) -> None:
    """It starts over in the next process, which tells so; whatever it raises for its cancellation, its job has not
    failed. That was no attempt either."""
    first, second = stores
    began, cancelled = Event(), Event()

    async def act(context: VertexContext) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            if is_stubborn:
                raise ValueError("cut short") from None
            raise

    stage.acts["Scripted-2"] = act
    with ExitStack() as process:
        job_id = process.enter_context(working(first, HASTY)).submit(scripted_flow(2))
        assert began.wait(PATIENCE)
    assert cancelled.is_set()
    status, lease_until, worker, attempts = state_of(second, job_id)
    assert (status, lease_until, attempts) == (Status.QUEUED, None, 0)
    assert worker is not None
    del stage.acts["Scripted-2"]
    with working(second) as workplace:
        entries = workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert stage.built == ["Scripted-1", "Scripted-2", "Scripted-2"]
    assert recovered(entries) == [{"vertices": ["Scripted-2"], "attempt": 1}]


def test_a_run_that_blocks_its_thread_is_handed_on_without_it(
    stores: tuple[Store, Store], stage: Stage, gate: Gate
) -> None:
    """Nothing can end it: the job goes on in the next process while it still blocks, and what it brings is refused."""
    first, second = stores
    stage.acts["Scripted-1"] = gate.blocking
    with ExitStack() as process:
        job_id = process.enter_context(working(first, HASTY)).submit(scripted_flow(1))
        assert gate.began.wait(PATIENCE)
        del stage.acts["Scripted-1"]
        with ending(process), working(second) as workplace:
            entries = workplace.to_end(job_id)
            assert not gate.ended.is_set()
            gate.open()
    assert gate.ended.is_set()
    assert types(entries)[-1] == "end"
    assert recovered(entries) == [{"vertices": ["Scripted-1"], "attempt": 1}]
    assert outputs_of(second.database, job_id)["ChatOutput-b1"]["content"] == "hello"
    assert [entry.cursor for entry in second.log.stored(job_id, 0)] == [
        entry.cursor for entry in entries if entry.cursor.is_milestone
    ]
    assert len(contents(second.database)["vertex_results"]) == 3


def test_a_process_without_work_ends_at_once(store: Store) -> None:
    """The grace is for what runs."""
    with ExitStack() as process:
        process.enter_context(working(store, PATIENT))
        began = time.monotonic()
    assert time.monotonic() - began < PATIENT.grace_seconds / 2


def test_what_waits_is_left_to_those_who_stay(stores: tuple[Store, Store], stage: Stage) -> None:
    """A process that ends claims nothing more, though it has the hint and a free thread."""
    first, second = stores
    gate = stage.acts["Scripted-1"] = Gate()
    with ExitStack() as process:
        ends = process.enter_context(working(first, PATIENT))
        runs = ends.submit(scripted_flow(1))
        assert gate.began.wait(PATIENCE)
        with ending(process):
            waits = ends.submit(scripted_flow(1))
            gate.open()
    assert [value_of(second.database, job_id, "status") for job_id in (runs, waits)] == [Status.QUEUED] * 2
    with working(second) as stays:
        for job_id in (runs, waits):
            stays.to_end(job_id)
            assert stays.job(job_id).status is Status.COMPLETED
    assert stage.built == ["Scripted-1"] * 2


def test_what_is_handed_on_reaches_a_process_that_works_at_once(sqlite_url: str, redis_url: str, stage: Stage) -> None:
    """By a hint, which the process that ends does not take itself: nobody waits for a sweep."""
    config, unswept = StoreConfig(sqlite_url, redis_url, [new_key()]), replace(PATIENT, sweep_seconds=600)
    gate = stage.acts["Scripted-1"] = Gate()
    with (
        closing(open_staged(config, stage)) as first,
        closing(open_staged(config, stage)) as second,
        ExitStack() as process,
    ):
        job_id = process.enter_context(working(first, unswept)).submit(scripted_flow(2))
        assert gate.began.wait(PATIENCE)
        with working(second, unswept) as stays:
            with ending(process):
                gate.open()
            stays.to_end(job_id)
            assert stays.job(job_id).status is Status.COMPLETED
