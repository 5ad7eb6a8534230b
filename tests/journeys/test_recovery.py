"""A run goes on where a lost process left it (I1, I3, I6)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import psycopg
import pytest

from tests.deployments import Program
from tests.journeys.checking import check_log, check_messages, recoveries
from tests.journeys.conftest import Rough
from tests.journeys.gated import LOOK_SECONDS, Gate, row
from tests.making import model_flow, node
from tests.model_stub import ModelStub
from tests.reading import Client, until

MODEL = "LanguageModelComponent-m1"


@contextmanager
def frozen(program: Program) -> Iterator[None]:
    """Stops all processes of a program where they are, for as long as the block lasts."""
    program.freeze()
    try:
        yield
    finally:
        program.thaw()


@pytest.fixture
def silent(stub: ModelStub) -> Iterator[Event]:
    """A model that says one token to whoever asks first, and nothing more; it answers everybody after them. Set when
    that token was said."""
    said, over = Event(), Event()
    stub.tokens = ("one ", "two")

    def hold(index: int) -> None:
        if index == 1 and not said.is_set():
            said.set()
            over.wait(60)

    stub.before_token = hold
    yield said
    over.set()


@pytest.mark.real_services
def test_all_workers_die(rough: Rough, here: Client, stub: ModelStub, silent: Event) -> None:
    """After kill -9 of every worker the next one builds only what is missing."""
    job_id = here.submit(here.store(model_flow()), input_value="x")
    assert silent.wait(60)
    for worker in rough.deployment.workers:
        worker.kill()
    rough.deployment.start()
    seen = here.events(job_id)
    check_log(seen, "completed")
    check_messages(seen)
    assert recoveries(seen) == [[MODEL]]
    assert here.job(job_id)["result"]["output"]["text"] == stub.answer
    assert len(stub.requests) == 2


@pytest.mark.real_services
def test_one_worker_dies_and_another_goes_on(
    rough: Rough, here: Client, there: Client, stub: ModelStub, silent: Event, gate: Gate
) -> None:
    """A watcher of a web process sees one whole log: what stood, who starts over, and the half streamed message go.
    The model is asked again under the same key."""
    gate.open()
    asks = node("LanguageModelComponent", MODEL)
    job_id = here.submit(here.store(row([gate.step("step-1"), asks])), input_value="x")
    with there.attached(job_id) as found:
        before = until(found, "token")
        rough.worker_of(gate.begun()[0]).kill()
        seen = [*before, *found]
    check_log(seen, "completed")
    check_messages(seen)
    assert recoveries(seen) == [[MODEL]]
    opened = [frame.json["data"]["id"] for frame in before if frame.event == "add_message"][-1]
    assert [frame.json["data"]["id"] for frame in seen if frame.event == "remove_message"] == [opened]
    assert [request.headers["idempotency-key"] for request in stub.requests] == [f"{job_id}:{MODEL}:1"] * 2
    assert len(gate.begun()) == 1


@pytest.mark.real_services
def test_a_frozen_worker_comes_back_too_late(rough: Rough, here: Client, gate: Gate, tmp_path: Path) -> None:
    """A worker that was frozen for longer than its lease finds its run taken over, and nothing that it does counts
    while the run goes on elsewhere."""
    later = Gate(tmp_path)
    job_id = here.submit(here.store(row([gate.step("step-1"), later.step("step-2")])), input_value="x")
    [first] = gate.await_lines(1)
    zombie = rough.worker_of(first)
    with frozen(zombie):
        second = gate.await_lines(2)[1]
        gate.open()
        later.await_lines(1)
    zombie.await_said("pass_lost")
    later.open()
    seen = here.events(job_id)
    check_log(seen, "completed")
    assert recoveries(seen) == [["step-1"]]
    assert (first.key, first.group != second.group) == (second.key, True)
    assert [line.group for line in later.begun()] == [second.group]


@pytest.mark.real_services
def test_a_worker_that_freezes_in_the_middle_of_a_write_keeps_nobody_waiting(
    rough: Rough, here: Client, gate: Gate
) -> None:
    """The database takes its locks away, and another worker goes on."""
    url = rough.deployment.database_url
    job_id = here.submit(here.store(gate.flow("Gated")), input_value="x")
    [first] = gate.await_lines(1)
    with psycopg.connect(url) as holding:
        holding.execute("SELECT FROM jobs WHERE id = %s FOR UPDATE", [job_id])
        await_blocked(url)
        rough.worker_of(first).freeze()
    try:
        gate.await_lines(2)
    finally:
        rough.worker_of(first).thaw()
    gate.open()
    check_log(here.events(job_id), "completed")


def await_blocked(url: str) -> None:
    """Waits until somebody waits for a lock, in a transaction that it has begun."""
    with psycopg.connect(url, autocommit=True) as looking:
        while not looking.execute("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchall():
            time.sleep(LOOK_SECONDS)
