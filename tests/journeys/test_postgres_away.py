"""PostgreSQL away or locked: submits are accepted or refused, never anything else, and what was accepted ends (I1)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import httpx
import psycopg
import pytest

from tests.journeys.checking import check_log
from tests.journeys.conftest import Rough
from tests.journeys.gated import Gate
from tests.making import echo_flow
from tests.reading import PATIENCE, Client

pytestmark = pytest.mark.real_services

PAUSE = 0.05
LOCK_SECONDS = 3.0
"""Longer than a lease, shorter than a writer waits for its turn."""
AT_ONCE = 1.0


@dataclass
class Submits:
    """Submits that go on and on, and how they were answered."""

    accepted: list[str] = field(default_factory=list)
    refused: list[httpx.Response] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def go_on(self, client: Client, flow_id: str) -> None:
        while not self.over.wait(PAUSE):
            answer = client.run(flow_id, mode="background", input_value="x")
            if answer.status_code == 200:
                self.accepted.append(answer.json()["job_id"])
            else:
                self.refused.append(answer)

    def await_accepted(self, more: int) -> None:
        _await_growth(self.accepted, more)

    def await_refused(self, more: int) -> None:
        _await_growth(self.refused, more)


def _await_growth(answers: list[str] | list[httpx.Response], more: int) -> None:
    wanted, deadline = len(answers) + more, time.monotonic() + PATIENCE
    while len(answers) < wanted:
        assert time.monotonic() < deadline, f"only {len(answers)} of {wanted} answers came"
        time.sleep(PAUSE)


@contextmanager
def submitting(clients: list[Client]) -> Iterator[Submits]:
    """Lets every client submit for as long as the block lasts."""
    submits, flow_id = Submits(), clients[0].store(echo_flow())
    threads = [Thread(target=submits.go_on, args=(client, flow_id)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield submits
    finally:
        submits.over.set()
        for thread in threads:
            thread.join()


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Nobody reads or writes jobs for as long as the block lasts."""
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        yield


def check_submits(submits: Submits, client: Client) -> None:
    """Whatever was refused was told so, and whatever was accepted ends."""
    told = {(answer.status_code, answer.json()["detail"]["code"]) for answer in submits.refused}
    assert told <= {(503, "DATABASE_ERROR")}
    for job_id in submits.accepted:
        check_log(client.events(job_id), "completed")


def test_postgres_is_killed_and_comes_back(rough: Rough, here: Client, there: Client, gate: Gate) -> None:
    """Web and workers come back by themselves; runs that were accepted before, meanwhile and after all end."""
    job_id = here.submit(here.store(gate.flow("Gated")), input_value="x")
    gate.await_lines(1)
    with submitting([here, there]) as submits:
        submits.await_accepted(4)
        rough.postgres.kill()
        submits.await_refused(4)
        rough.postgres.start()
        submits.await_accepted(4)
    gate.open()
    check_log(here.events(job_id), "completed")
    check_submits(submits, there)
    assert rough.is_whole()


def test_the_jobs_are_locked_for_longer_than_a_lease(rough: Rough, here: Client, there: Client, gate: Gate) -> None:
    """Web processes keep answering what needs no job, and every run ends when the lock is gone."""
    job_id = here.submit(here.store(gate.flow("Gated")), input_value="x")
    gate.await_lines(1)
    with submitting([here, there]) as submits:
        submits.await_accepted(2)
        with locked(rough.deployment.database_url):
            time.sleep(LOCK_SECONDS)
            assert here.http.get("/health", timeout=AT_ONCE).status_code == 200
        submits.await_accepted(2)
    gate.open()
    check_log(here.events(job_id), "completed")
    check_submits(submits, there)
    assert rough.is_whole()
