"""A write that the database fails is tried again, and lands once: what a vertex has done, and may have cost, is not
thrown away for a restart of the database."""

import time
from collections.abc import Callable
from contextlib import closing
from threading import Thread

import pytest
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from structlog.testing import capture_logs

from actors.journal import PassJournal
from actors.running import Pass
from flows.errors import PassInterrupted
from flows.events import token, warning
from storage.database import Database
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.restoring import legacy_of
from storage.schema import migrate
from storage.states import Order, Status
from storage.stream import EventStream, StreamBounds
from tests import services
from tests.actors.journals import REPEATED, cursors, journal_of
from tests.actors.passes import HandClock, a_pass, at_home_in
from tests.actors.workplace import PATIENCE, eventually
from tests.storage.situations import END, JobMaker, claimed, events_of, failing, value_of

LEASE = 40.0


@pytest.fixture
def stream() -> EventStream:
    """What is tested here does not depend on it."""
    return MemoryStream(StreamBounds(), time.monotonic)


@pytest.mark.parametrize("order", REPEATED)
def test_a_write_that_fails_for_a_while_lands_once(log: EventLog, new_job: JobMaker, order: Order) -> None:
    """What a vertex has done is not thrown away for a restart of the database."""
    job = new_job()
    journal = journal_of(log, job)
    writer = Thread(target=REPEATED[order], args=(journal,))
    with capture_logs() as lines:
        with failing(log.database):
            writer.start()
            eventually(lambda: len([line for line in list(lines) if line["event"] == "write_failed"]) >= 2)
        writer.join(PATIENCE)
    assert not writer.is_alive()
    added = {
        Order.ANNOUNCE: 2,
        Order.KEEP: 1,
        Order.FINISH_VERTEX: 2,
        Order.COMPLETE: 1,
        Order.FAIL: 2,
        Order.EXPIRE: 1,
    }[order]
    assert [seq for seq, _, _ in events_of(log, job.id)] == list(range(1, 3 + added))
    assert value_of(log.database, job.id, "seq") == 2 + added
    assert cursors(log, job.id)[-1] == str(2 + added)


class LostAnswers:
    """Lets a number of commits take place whose answers never come, as a connection does that breaks meanwhile."""

    def __init__(self, order: Order, count: int = 1) -> None:
        self._point = f"{order}.committed"
        self.left = count
        self.then: Callable[[], object] = lambda: None

    def __call__(self, point: str) -> None:
        if point == self._point and self.left:
            self.left -= 1
            self.then()
            raise OperationalError("COMMIT", {}, ConnectionResetError("the answer was lost"))


@pytest.mark.parametrize("order", REPEATED)
def test_a_write_whose_answer_was_lost_is_not_repeated(
    database: Database, stream: EventStream, new_job: JobMaker, order: Order
) -> None:
    """Its commit took place: the log is asked before anything is written again (fault E3)."""
    job = new_job()
    lost = LostAnswers(order)
    log = EventLog(database, stream, lost)
    journal = journal_of(log, job)
    REPEATED[order](journal)
    assert lost.left == 0
    stored = events_of(log, job.id)
    assert [seq for seq, _, _ in stored] == list(range(1, len(stored) + 1))
    assert value_of(database, job.id, "seq") == len(stored)
    assert len(legacy_of(database, job.id).finished) == (1 if order is Order.FINISH_VERTEX else 0)


def test_what_follows_a_lost_answer_has_the_next_number(
    database: Database, stream: EventStream, new_job: JobMaker
) -> None:
    job = new_job()
    log = EventLog(database, stream, LostAnswers(Order.ANNOUNCE, count=2))
    journal = journal_of(log, job)
    for _ in range(3):
        journal.announce([warning("x")])
        journal.delta(token("t", "m"))
    journal.complete(END)
    assert [seq for seq, _, _ in events_of(log, job.id)] == [1, 2, 3, 4, 5, 6]
    assert [cursor for cursor in cursors(log, job.id) if "-" not in cursor] == ["1", "2", "3", "4", "5", "6"]


def test_a_lost_answer_renews_nothing_here(database: Database, stream: EventStream, new_job: JobMaker) -> None:
    """When the database began to count is not known, so the pass relies on what it knew before."""
    clock, lost = HandClock(), LostAnswers(Order.ANNOUNCE)
    log = EventLog(database, stream, lost)
    running = a_pass(claimed(log, new_job()), LEASE, clock)

    def a_while() -> None:
        clock.at = 10.0

    lost.then = a_while
    PassJournal(log, running).announce([warning("x")])
    assert running.tenure.seconds_left == LEASE - 10.0


def test_a_write_renews_the_lease_here_as_there(log: EventLog, new_job: JobMaker) -> None:
    clock = HandClock()
    running = a_pass(claimed(log, new_job()), LEASE, clock)
    clock.at = 30.0
    PassJournal(log, running).announce([warning("x")])
    assert running.tenure.seconds_left == LEASE


def test_a_database_that_stays_away_interrupts_the_pass(log: EventLog, new_job: JobMaker) -> None:
    """When the lease is over: no component can take it for an error of its own, and the flow is not blamed for it."""
    owner = claimed(log, new_job())
    with failing(log.database), pytest.raises(PassInterrupted) as caught:
        PassJournal(log, a_pass(owner, lease_seconds=0.3)).announce([warning("x")])
    assert isinstance(caught.value.__cause__, SQLAlchemyError)


def test_a_write_that_alone_fails_is_not_tried_for_ever(
    database: Database, stream: EventStream, new_job: JobMaker
) -> None:
    """Though the heartbeat goes on renewing the lease."""
    passes: list[Pass] = []

    def fail(point: str) -> None:
        if point == "announce.written":
            passes[0].tenure.renewed(passes[0].tenure.now())
            raise OperationalError("INSERT", {}, OSError("only this one fails"))

    log = EventLog(database, stream, fail)
    passes.append(a_pass(claimed(log, new_job()), lease_seconds=0.5))
    with pytest.raises(PassInterrupted):
        PassJournal(log, passes[0]).announce([warning("x")])
    assert not passes[0].tenure.is_over


def test_an_intent_of_which_nobody_knows_whether_it_was_stored_is_not_tried_again(
    database: Database, stream: EventStream, new_job: JobMaker
) -> None:
    """The vertex does not begin; the next pass finds the intent, or finds none."""
    lost = LostAnswers(Order.INTEND, count=2)
    log = EventLog(database, stream, lost)
    with pytest.raises(PassInterrupted):
        journal_of(log, new_job()).intend("v", 1)
    assert lost.left == 1


@pytest.mark.real_services
def test_a_restart_of_postgresql_costs_a_pass_nothing(stream: EventStream, new_job: JobMaker) -> None:
    """It goes on where it was: what it was about to write lands once, when the database is back."""
    with services.running_postgres() as server, closing(Database(server.create("restarted"))) as database:
        migrate(database)
        job = at_home_in(database, new_job)
        log = EventLog(database, stream)
        journal = journal_of(log, job)
        journal.announce([warning("before")])
        server.kill()
        writer = Thread(target=REPEATED[Order.FINISH_VERTEX], args=(journal,))
        with capture_logs() as lines:
            writer.start()
            eventually(lambda: "write_failed" in [line["event"] for line in list(lines)])
            server.start()
            writer.join(PATIENCE)
        assert not writer.is_alive()
        journal.complete(END)
        assert [type for _, type, _ in events_of(log, job.id)][2:] == ["warning", "end_vertex", "output", "end"]
        assert value_of(database, job.id, "status") == Status.COMPLETED
