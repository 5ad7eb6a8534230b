"""E3: a submit whose commit nobody answered is answered truthfully all the same. Only a server can lose an answer."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import TypeAlias

import pytest
from sqlalchemy.exc import OperationalError

from storage.database import Database
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.stream import StreamBounds
from storage.submitting import submit
from tests.chaos.proxy import SwallowingProxy
from tests.storage.misfortunes import PATIENCE, commits_held, cut, end_others, sockets_of, until, waits
from tests.storage.situations import FIRST, JobMaker, events_of, value_of

Misfortune: TypeAlias = Callable[[], object]
Troubled: TypeAlias = Callable[[Misfortune], EventLog]


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """The database as the test itself reaches it."""
    with closing(Database(postgres_url)) as opened:
        yield opened


@pytest.fixture
def reachable() -> Iterator[ExitStack]:
    """Closing it takes away the way to the database that a troubled submit goes."""
    with ExitStack() as way:
        yield way


@pytest.fixture
def proxy(postgres_url: str, reachable: ExitStack) -> SwallowingProxy:
    return reachable.enter_context(SwallowingProxy(postgres_url))


@pytest.fixture
def log(database: Database) -> EventLog:
    """The log as it is looked at afterwards."""
    return EventLog(database, MemoryStream(StreamBounds(), time.monotonic))


@pytest.fixture
def troubled(proxy: SwallowingProxy) -> Iterator[Troubled]:
    """A log behind the proxy, and what happens when a submit is about to commit for the first time."""
    with closing(Database(proxy.url)) as behind:

        def log_with(misfortune: Misfortune) -> EventLog:
            misfortunes = [misfortune]

            def reached(point: str) -> None:
                if point == "submit.written" and misfortunes:
                    misfortunes.pop()()

            return EventLog(behind, MemoryStream(StreamBounds(), time.monotonic), reached)

        yield log_with


def test_a_job_whose_commit_was_not_answered_is_found_to_be_stored(
    log: EventLog, proxy: SwallowingProxy, troubled: Troubled, new_job: JobMaker
) -> None:
    job = new_job(idempotency_key="k", fingerprint="f")
    answer = submit(troubled(proxy.arm), job, FIRST)
    assert (answer.job_id, answer.is_new) == (job.id, True)
    assert answer.created_at == value_of(log.database, job.id, "created_at")
    assert events_of(log, job.id) == [(1, "warning", False)]
    again = submit(log, new_job(idempotency_key="k", fingerprint="f"), FIRST)
    assert (again.job_id, again.is_new) == (job.id, False)


def test_a_job_whose_connection_broke_before_the_commit_is_stored_by_another_one(
    log: EventLog, troubled: Troubled, new_job: JobMaker
) -> None:
    """As after a restart of the database."""
    job = new_job()
    answer = submit(troubled(lambda: end_others(log.database)), job, FIRST)
    assert (answer.job_id, answer.is_new) == (job.id, True)
    assert events_of(log, job.id) == [(1, "warning", False)]


def test_a_job_whose_outcome_nobody_can_be_asked_for_is_no_success(
    log: EventLog, proxy: SwallowingProxy, reachable: ExitStack, troubled: Troubled, new_job: JobMaker
) -> None:
    """I12: whoever asks again under the same key is told the job that was stored after all."""
    job = new_job(idempotency_key="k", fingerprint="f")

    def swallow_and_go_away() -> None:
        proxy.arm()
        reachable.close()

    with pytest.raises(OperationalError):
        submit(troubled(swallow_and_go_away), job, FIRST)
    again = submit(log, new_job(idempotency_key="k", fingerprint="f"), FIRST)
    assert (again.job_id, again.is_new) == (job.id, False)


def test_a_job_whose_commit_is_still_under_way_is_waited_for(
    log: EventLog, proxy: SwallowingProxy, troubled: Troubled, new_job: JobMaker
) -> None:
    """A commit that waits, for a disk or a standby, may take place long after whoever asked for it was cut off."""
    job = new_job()
    with ThreadPoolExecutor() as threads, sockets_of(proxy.url) as sockets:
        with commits_held(log.database):
            answer = threads.submit(submit, troubled(bool), job, FIRST)
            until(lambda: waits(log.database, "advisory"))
            cut(sockets[-1])
            until(lambda: waits(log.database, "transactionid"))
        found = answer.result(PATIENCE)
    assert (found.job_id, found.is_new) == (job.id, True)
    assert events_of(log, job.id) == [(1, "warning", False)]
