"""What a pass writes stands in the log in the order it was written (rule 4), once, and only while the pass owns its
job."""

import pytest

from actors.journal import PassJournal
from flows.events import Event, EventType, build_start, token, warning
from storage.cursor import Cursor
from storage.errors import PassLost
from storage.log import EventLog
from storage.restoring import legacy_of
from storage.states import Order
from tests.actors.journals import WRITES, cursors, journal_of, read
from tests.actors.passes import HandClock, a_pass
from tests.storage.situations import FINISHED, JobMaker, at_once, claimed, contents, result, taken_over

LEASE = 40.0


def test_milestones_and_deltas_stand_in_order(log: EventLog, new_job: JobMaker) -> None:
    """A delta has the place behind the last milestone; a milestone begins anew."""
    job = new_job()
    journal = journal_of(log, job)
    journal.delta(token("a", "m"))
    journal.delta(token("b", "m"))
    journal.announce([warning("one"), warning("two")])
    journal.delta(token("c", "m"))
    journal.finish(result("v"), FINISHED, ())
    journal.delta(token("d", "m"))
    assert cursors(log, job.id) == ["1", "2", "2-1", "2-2", "3", "4", "4-1", "5", "6", "6-1"]


def test_a_delta_is_not_stored(log: EventLog, new_job: JobMaker) -> None:
    """It is for those who watch now."""
    job = new_job()
    journal_of(log, job).delta(token("a", "m"))
    assert [entry.cursor for entry in log.stored(job.id, 0)] == [Cursor(1), Cursor(2)]


def test_an_intent_takes_no_place_in_the_log(log: EventLog, new_job: JobMaker) -> None:
    """It is stored; what follows has the next number all the same."""
    job = new_job()
    journal = journal_of(log, job)
    journal.intend("v", 1)
    assert legacy_of(log.database, job.id).unclear == ["v"]
    journal.finish(result("v"), FINISHED, ())
    assert legacy_of(log.database, job.id).unclear == []
    assert cursors(log, job.id) == ["1", "2", "3", "4"]


def test_the_deltas_of_two_passes_never_collide(log: EventLog, new_job: JobMaker) -> None:
    """Each begins with a milestone. What a pass that was overtaken still says has no place in the log any more, and its
    milestones are refused."""
    old = claimed(log, new_job())
    old_journal = PassJournal(log, a_pass(old))
    old_journal.delta(token("old", "m"))
    new_journal = PassJournal(log, a_pass(taken_over(log, old)))
    new_journal.announce([build_start()])
    new_journal.delta(token("new", "m"))
    old_journal.delta(token("late", "m"))
    for write in WRITES.values():
        with pytest.raises(PassLost):
            write(old_journal)
    new_journal.delta(token("new", "m"))
    assert cursors(log, old.job_id) == ["1", "2", "2-1", "3", "3-1", "3-2"]


def test_threads_write_one_after_another(log: EventLog, new_job: JobMaker) -> None:
    """Components that are plain functions write at the same time; every event has its own place, none is lost."""
    job = new_job()
    journal = journal_of(log, job)

    def write() -> None:
        for number in range(10):
            journal.announce([Event(EventType.WARNING, {"message": str(number)})])
            journal.delta(token(str(number), "m"))

    for written in at_once([write] * 4):
        written.result()
    entries = read(log, job.id)
    assert [entry.type for entry in entries].count("token") == 40
    assert [entry.cursor.seq for entry in entries if entry.cursor.is_milestone] == list(range(1, 43))
    assert [entry.cursor for entry in entries] == sorted({entry.cursor for entry in entries})


@pytest.mark.parametrize("order", WRITES)
def test_nothing_is_written_when_the_lease_is_over(log: EventLog, new_job: JobMaker, order: Order) -> None:
    """Though the database would still take it: somebody else may have been promised the job (fault A16)."""
    clock = HandClock()
    journal = PassJournal(log, a_pass(claimed(log, new_job()), LEASE, clock))
    before = contents(log.database)
    clock.at = LEASE
    with pytest.raises(PassLost):
        WRITES[order](journal)
    assert contents(log.database) == before


def test_no_token_is_sent_when_the_lease_is_over(log: EventLog, new_job: JobMaker) -> None:
    job, clock = new_job(), HandClock()
    journal = PassJournal(log, a_pass(claimed(log, job), LEASE, clock))
    journal.delta(token("in time", "m"))
    clock.at = LEASE
    journal.delta(token("too late", "m"))
    assert cursors(log, job.id) == ["1", "2", "2-1"]


def test_what_an_abandoned_vertex_still_says_reaches_nobody(log: EventLog, new_job: JobMaker) -> None:
    """A plain function goes on when its pass has ended, the job's state whatever it is."""
    job = new_job()
    journal = journal_of(log, job)
    journal.delta(token("in time", "m"))
    journal.close()
    before = contents(log.database)
    journal.delta(token("too late", "m"))
    for write in WRITES.values():
        with pytest.raises(PassLost):
            write(journal)
    assert (cursors(log, job.id), contents(log.database)) == (["1", "2", "2-1"], before)
