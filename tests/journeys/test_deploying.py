"""A deploy interrupts no run for longer than it must, and no process works on a schema that it does not know."""

import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.database import Database
from tests.deployments import unstarted
from tests.journeys.checking import check_log, recoveries
from tests.journeys.conftest import Rough
from tests.journeys.gated import Gate, row
from tests.making import echo_flow
from tests.reading import Client
from tests.storage.situations import value_of

PLATFORM_SECONDS = 30
"""When a platform kills what has not ended."""


def attempts(rough: Rough, job_id: str) -> int:
    """How many passes of a job are counted since it got any further."""
    with closing(Database(rough.deployment.database_url)) as database:
        return int(value_of(database, job_id, "attempts"))


@pytest.mark.real_services
def test_a_worker_that_is_asked_to_end_hands_its_run_on(rough: Rough, here: Client, gate: Gate, tmp_path: Path) -> None:
    """Its vertex comes to its end, the next one is built by another worker, and nothing was interrupted."""
    later = Gate(tmp_path)
    job_id = here.submit(here.store(row([gate.step("step-1"), later.step("step-2")])), input_value="x")
    [first] = gate.await_lines(1)
    worker = rough.worker_of(first)
    worker.ask_to_end()
    worker.await_said("Shutting down")
    gate.open()
    [second] = later.await_lines(1)
    assert attempts(rough, job_id) == 1
    assert worker.ended() == 0
    later.open()
    seen = here.events(job_id)
    check_log(seen, "completed")
    assert recoveries(seen) == []
    assert second.group != first.group


@pytest.mark.real_services
@pytest.mark.parametrize("kind", ["Gated", "GatedBlocking"])
def test_a_vertex_that_outlasts_the_grace_is_cut(rough: Rough, here: Client, gate: Gate, kind: str) -> None:
    """The worker ends long before its platform kills it, and another one starts the vertex over, uncounted."""
    job_id = here.submit(here.store(gate.flow(kind)), input_value="x")
    [first] = gate.await_lines(1)
    worker, began = rough.worker_of(first), time.monotonic()
    worker.ask_to_end()
    [_, second] = gate.await_lines(2)
    assert attempts(rough, job_id) == 1
    assert worker.ended() == 0
    assert time.monotonic() - began < PLATFORM_SECONDS / 2
    gate.open()
    seen = here.events(job_id)
    check_log(seen, "completed")
    assert recoveries(seen) == [["step-1"]]
    assert second.group != first.group


@pytest.mark.real_services
def test_a_run_waits_for_the_first_worker(rough: Rough, here: Client) -> None:
    """Web processes that are there first accept runs, and these run when a worker comes."""
    for worker in rough.deployment.workers:
        worker.ask_to_end()
    for worker in rough.deployment.workers:
        assert worker.ended() == 0
    job_id = here.submit(here.store(echo_flow()), input_value="x")
    assert here.job(job_id)["status"] == "queued"
    rough.deployment.start()
    check_log(here.events(job_id), "completed")


@pytest.mark.parametrize(
    ("revision", "remedy"),
    [(None, "Run `penstock migrate`."), ("9999", "start the release that migrated it")],
    ids=["not migrated", "ahead"],
)
def test_nothing_starts_on_a_schema_it_does_not_know(tmp_path: Path, revision: str | None, remedy: str) -> None:
    """Web and worker end at once, as failed, and say what to do."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    with closing(Database(url)) as database, database.durable() as connection:
        if revision:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    deployment = unstarted(tmp_path, {}, "redis://127.0.0.1:1/0", url)
    programs = (deployment.webs[0], deployment.workers[0])
    for program in programs:
        program.start()
    for program in programs:
        assert program.ended() > 0
        assert remedy in program.said()
