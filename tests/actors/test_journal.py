"""What a pass writes stands in the log in the order it was written (rule 4)."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from actors.journal import PassJournal
from flows.errors import PassInterrupted
from flows.events import Event, EventType, token, warning
from storage.cursor import START, Cursor
from storage.errors import PassLost
from storage.log import EventLog
from tests.storage.situations import FINISHED, JobMaker, at_once, claimed, result, taken_over


def cursors(log: EventLog, job_id: str) -> list[str]:
    return [str(entry.cursor) for entry in log.read(job_id, START).entries]


def test_milestones_and_deltas_stand_in_order(log: EventLog, new_job: JobMaker) -> None:
    """A delta has the place behind the last milestone; a milestone begins anew."""
    owner = claimed(log, new_job())
    journal = PassJournal(log, owner)
    journal.delta(token("a", "m"))
    journal.delta(token("b", "m"))
    journal.announce([warning("one"), warning("two")])
    journal.delta(token("c", "m"))
    journal.finish(result("v"), FINISHED, ())
    journal.delta(token("d", "m"))
    assert cursors(log, owner.job_id) == ["1", "2", "2-1", "2-2", "3", "4", "4-1", "5", "6", "6-1"]


def test_a_delta_is_not_stored(log: EventLog, new_job: JobMaker) -> None:
    """It is for those who watch now."""
    owner = claimed(log, new_job())
    PassJournal(log, owner).delta(token("a", "m"))
    assert [entry.cursor for entry in log.stored(owner.job_id, 0)] == [Cursor(1), Cursor(2)]


def test_the_deltas_of_two_passes_never_collide(log: EventLog, new_job: JobMaker) -> None:
    """What a pass that was overtaken still says has no place in the log any more, and its milestones are refused."""
    old = claimed(log, new_job())
    old_journal = PassJournal(log, old)
    old_journal.delta(token("old", "m"))
    new_journal = PassJournal(log, taken_over(log, old))
    new_journal.delta(token("new", "m"))
    old_journal.delta(token("late", "m"))
    with pytest.raises(PassLost):
        old_journal.announce([warning("late")])
    with pytest.raises(PassLost):
        old_journal.finish(result(), FINISHED, ())
    new_journal.delta(token("new", "m"))
    assert cursors(log, old.job_id) == ["1", "2", "2-1", "3", "3-1", "3-2"]


def test_threads_write_one_after_another(log: EventLog, new_job: JobMaker) -> None:
    """Components that are plain functions write at the same time; every event has its own place, none is lost."""
    owner = claimed(log, new_job())
    journal = PassJournal(log, owner)

    def write() -> None:
        for number in range(10):
            journal.announce([Event(EventType.WARNING, {"message": str(number)})])
            journal.delta(token(str(number), "m"))

    for written in at_once([write] * 4):
        written.result()
    entries = log.read(owner.job_id, START).entries
    assert [entry.type for entry in entries].count("token") == 40
    assert [entry.cursor.seq for entry in entries if entry.cursor.is_milestone] == list(range(1, 43))
    assert [entry.cursor for entry in entries] == sorted({entry.cursor for entry in entries})


def test_an_error_of_the_database_interrupts_the_pass(log: EventLog, new_job: JobMaker) -> None:
    """No component can take it for an error of its own, and the flow is not blamed for it."""
    journal = PassJournal(log, claimed(log, new_job()))
    with log.database.durable() as connection:
        connection.execute(text("ALTER TABLE job_events RENAME TO away"))
    with pytest.raises(PassInterrupted) as caught:
        journal.announce([warning("x")])
    assert isinstance(caught.value.__cause__, SQLAlchemyError)
