"""Nothing that should be moving stands still for long, with nobody's help (I1)."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from threading import Event

import orjson
import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import select, text, update
from sqlmodel import col
from structlog.testing import capture_logs

from actors.middleware.sweeper import JITTER, Sweeper
from storage.clock import after
from storage.control import MemoryControl, Word
from storage.database import Database
from storage.first_user import ensure_local_user
from storage.flow_store import store_version
from storage.lanes import Lane
from storage.log import EventLog
from storage.schema import migrate
from storage.secrets import Secrets, new_key
from storage.states import TERMINAL, Mode, Status
from storage.stream import EventStream
from storage.sweeping import begin_sweep
from storage.tables import Sweep
from tests.actors.queues import memory_broker, next_hint, waiting
from tests.actors.workplace import PATIENCE, eventually, no_thread_left
from tests.storage.situations import (
    JobMaker,
    brought_to,
    change,
    claimed,
    events_of,
    let_lease_expire,
    submitted,
    value_of,
)

MAX_ATTEMPTS = 3
LONG_AGO, NOT_YET = after(-600), after(600)


@contextmanager
def sweeping(
    log: EventLog, control: MemoryControl | None = None, worker: str = "a-worker", every: float = 0.1
) -> Iterator[StubBroker]:
    """A sweeper that sends its hints to a broker that nobody works on."""
    broker = memory_broker()
    sweeper = Sweeper(log, control or MemoryControl(), worker, MAX_ATTEMPTS, every)
    process = Worker(broker, worker_threads=1)
    with no_thread_left(lambda: sweeper.after_worker_boot(broker, process)):
        try:
            yield broker
        finally:
            sweeper.before_worker_shutdown(broker, process)


def hinted(log: EventLog, job_id: str, when: object) -> str:
    change(log.database, job_id, hinted_at=when)
    return job_id


def test_only_what_waits_unhinted_is_hinted(log: EventLog, new_job: JobMaker) -> None:
    """Jobs whose last hint is old; nothing that was hinted lately, that runs under a lease, that is suspended or
    over."""
    due = {hinted(log, submitted(log, new_job()), LONG_AGO) for _ in range(3)}
    hinted(log, submitted(log, new_job()), NOT_YET)
    for status in (Status.IN_PROGRESS, Status.SUSPENDED, *TERMINAL):
        hinted(log, brought_to(log, new_job(), status).job_id, LONG_AGO)
    with sweeping(log) as broker:
        hints = [next_hint(broker, Lane.BACKGROUND) for _ in range(3 * len(due))]
    assert set(hints) == due
    assert waiting(broker)[Lane.INTERACTIVE] == 0


def test_hints_do_not_pile_up(log: EventLog, new_job: JobMaker) -> None:
    """As many wait as there are jobs, however long nobody takes one (I10)."""
    for number in range(5):
        hinted(log, submitted(log, new_job(mode=Mode.SYNC if number % 2 else Mode.BACKGROUND)), LONG_AGO)
    with sweeping(log) as broker:
        swept(log.database, 4)
        assert waiting(broker) == {Lane.BACKGROUND: 3, Lane.INTERACTIVE: 2}
        next_hint(broker, Lane.BACKGROUND)
        swept(log.database, 8)
        assert waiting(broker) == {Lane.BACKGROUND: 3, Lane.INTERACTIVE: 2}


def test_a_lost_job_is_queued_again_and_hinted(log: EventLog, new_job: JobMaker) -> None:
    """Under a new fence, as soon as its lease is over and without waiting for an old hint; nothing is told yet."""
    owner = claimed(log, new_job())
    hinted(log, owner.job_id, NOT_YET)
    before = events_of(log, owner.job_id)
    let_lease_expire(log.database, owner.job_id)
    with sweeping(log) as broker:
        assert next_hint(broker, Lane.BACKGROUND) == owner.job_id
    assert value_of(log.database, owner.job_id, "status") == Status.QUEUED
    assert value_of(log.database, owner.job_id, "fence") == owner.fence + 1
    assert events_of(log, owner.job_id) == before


def test_a_job_that_holds_its_lease_is_left_alone(log: EventLog, new_job: JobMaker) -> None:
    """However long it takes (fault A13)."""
    owner, lost = claimed(log, new_job()), claimed(log, new_job())
    let_lease_expire(log.database, lost.job_id)
    with sweeping(log) as broker:
        assert next_hint(broker, Lane.BACKGROUND) == lost.job_id
    assert value_of(log.database, owner.job_id, "status") == Status.IN_PROGRESS


@pytest.mark.parametrize(("attempts", "status"), [(MAX_ATTEMPTS - 1, "queued"), (MAX_ATTEMPTS, "failed")])
def test_a_job_is_given_up_when_its_worker_was_lost_as_often_as_it_may_be(
    log: EventLog, new_job: JobMaker, attempts: int, status: str
) -> None:
    """Not before (fault A8)."""
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, attempts=attempts)
    let_lease_expire(log.database, owner.job_id)
    with sweeping(log):
        eventually(lambda: value_of(log.database, owner.job_id, "status") == status)


def test_a_job_that_is_given_up_says_how_often_it_was_tried(log: EventLog, new_job: JobMaker) -> None:
    """In its terminal event and in its error."""
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, attempts=MAX_ATTEMPTS)
    let_lease_expire(log.database, owner.job_id)
    with sweeping(log) as broker:
        eventually(lambda: value_of(log.database, owner.job_id, "status") == Status.FAILED)
        assert sum(waiting(broker).values()) == 0
    [told] = log.stored(owner.job_id, 2)
    error = orjson.loads(value_of(log.database, owner.job_id, "error"))
    assert (told.type, told.terminal, error["type"]) == ("worker_lost", True, "worker_lost")
    assert f"{MAX_ATTEMPTS} times" in error["message"] == orjson.loads(told.payload)["data"]["message"]


@pytest.mark.parametrize(("mode", "lane"), [("sync", Lane.INTERACTIVE), ("background", Lane.BACKGROUND)])
def test_a_hint_goes_to_the_job_s_lane(log: EventLog, new_job: JobMaker, mode: str, lane: Lane) -> None:
    """The sweeper's hints are like the first one."""
    job_id = hinted(log, submitted(log, new_job(mode=Mode(mode))), LONG_AGO)
    with sweeping(log) as broker:
        assert next_hint(broker, lane) == job_id


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
def test_a_job_that_is_overdue_times_out(log: EventLog, new_job: JobMaker, status: Status) -> None:
    """It ends with its terminal event, and the process that runs it is told."""
    owner = brought_to(log, new_job(), status)
    change(log.database, owner.job_id, deadline_at=after(-1))
    control, told, heard = MemoryControl(), Event(), []

    def listen(word: Word, job_id: str) -> None:
        heard.append((word, job_id))
        told.set()

    control.listen(listen)
    with sweeping(log, control):
        assert told.wait(PATIENCE)
    assert heard == [(Word.ENDED, owner.job_id)]
    assert value_of(log.database, owner.job_id, "status") == Status.TIMED_OUT
    assert events_of(log, owner.job_id)[-1] == (3, "timed_out", True)


def test_a_suspended_job_has_all_the_time(log: EventLog, new_job: JobMaker) -> None:
    """While it waits for a person the deadline of its run does not end it."""
    suspended = brought_to(log, new_job(), Status.SUSPENDED).job_id
    running = claimed(log, new_job(session_id="another")).job_id
    for job_id in (suspended, running):
        change(log.database, job_id, deadline_at=after(-1))
    with sweeping(log):
        eventually(lambda: value_of(log.database, running, "status") == Status.TIMED_OUT)
    assert value_of(log.database, suspended, "status") == Status.SUSPENDED


def test_a_sweep_that_fails_is_repeated(stream: EventStream, new_job: JobMaker, tmp_path: Path) -> None:
    """A database that cannot be asked costs a line in the log; when it can, what waits is hinted."""
    with closing(Database(f"sqlite:///{tmp_path / 'late.db'}")) as late:
        log = EventLog(late, stream)
        with capture_logs() as lines, sweeping(log) as broker:
            eventually(lambda: "sweep_failed" in [line["event"] for line in list(lines)])
            migrate(late)
            user = ensure_local_user(late, Secrets([new_key()]), None)
            job = new_job(user_id=user.user_id, version_id=store_version(late, {"nodes": []}))
            submitted(log, job)
            assert next_hint(broker, Lane.BACKGROUND) == job.id


def test_a_vertex_that_is_overdue_times_its_job_out(log: EventLog, new_job: JobMaker) -> None:
    """By the database's clock, whatever the pass does: it may block its loop, or be frozen."""
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, vertex_deadline_at=after(-1))
    with sweeping(log):
        eventually(lambda: value_of(log.database, owner.job_id, "status") == Status.TIMED_OUT)
    [told] = log.stored(owner.job_id, 2)
    assert (told.type, told.terminal) == ("timed_out", True)
    assert b"A vertex took longer" in told.payload


def swept(database: Database, count: int) -> None:
    """Waits until so many sweeps have come to their end."""
    for _ in range(count):
        with database.relaxed() as connection:
            connection.execute(update(Sweep).values(finished_at=None))
        eventually(lambda: _finished_at(database) is not None)


def _finished_at(database: Database) -> datetime | None:
    with database.read() as connection:
        return connection.execute(select(col(Sweep.finished_at))).scalar_one_or_none()


def test_one_of_many_sweeps_at_a_time(log: EventLog) -> None:
    """However many processes are ready to: two sweeps never begin closer to each other than the shortest pause, and
    who has not the turn looks for nothing."""
    every = 0.2
    with log.database.durable() as connection:
        connection.execute(text("CREATE TABLE history (what TEXT, at TEXT)"))
        for statement in _WRITE_HISTORY:
            connection.execute(text(statement))
    with ExitStack() as processes:
        for worker in ("a", "b", "c"):
            processes.enter_context(sweeping(log, worker=worker, every=every))
        eventually(lambda: len(_history(log.database, "begun")) >= 8)
    begun = _history(log.database, "begun")
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(begun)]
    assert min(pauses) >= every * (1 - JITTER)
    assert len(_history(log.database, "finished")) <= len(_history(log.database, "begun")) + 1


def test_nobody_waits_for_a_process_that_died_in_its_turn(log: EventLog, new_job: JobMaker) -> None:
    """The next turn is another's."""
    assert begin_sweep(log.database, "a-dead-worker", 0.1)
    lost = claimed(log, new_job())
    let_lease_expire(log.database, lost.job_id)
    with sweeping(log, worker="b") as broker:
        assert next_hint(broker, Lane.BACKGROUND) == lost.job_id


def test_a_process_that_starts_hints_for_whatever_has_none(log: EventLog, new_job: JobMaker) -> None:
    """At once, whoever's turn it is: hints of a moment ago may have been in a memory that is gone."""
    waits = {submitted(log, new_job()) for _ in range(2)}
    assert begin_sweep(log.database, "another-worker", 600)
    with sweeping(log, every=600) as broker:
        assert {next_hint(broker, Lane.BACKGROUND) for _ in range(2)} == waits


_WRITE_HISTORY = (
    "CREATE TRIGGER began AFTER UPDATE OF begun_at ON sweeps"
    " BEGIN INSERT INTO history VALUES ('begun', NEW.begun_at); END",
    "CREATE TRIGGER finished AFTER UPDATE OF finished_at ON sweeps"
    " BEGIN INSERT INTO history VALUES ('finished', NEW.finished_at); END",
)
"""Writes down every turn but the first, which is an insert, and every end."""


def _history(database: Database, what: str) -> list[datetime]:
    """When sweeps began, or came to their end."""
    with database.read() as connection:
        found = connection.execute(text("SELECT at FROM history WHERE what = :what ORDER BY at"), {"what": what})
        return [datetime.fromisoformat(at) for at in found.scalars()]
