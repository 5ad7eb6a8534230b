"""What tells a service that is alive from one that only answers."""

from dataclasses import replace

import pytest
from sqlalchemy import update
from sqlmodel import col

from storage.clock import Moment, after
from storage.database import Database
from storage.liveness import FORGOTTEN_SECONDS, Report, Standing, forget_the_silent, leave, report, standing
from storage.log import EventLog
from storage.states import Status
from storage.sweeping import begin_sweep, end_sweep
from storage.tables import Sweep, WorkerProcess
from tests.storage.situations import JobMaker, brought_to, change, claimed, contents, submitted

ALIVE = 600.0
PATIENCE = 600.0
ABOUT = 60.0
"""By how much a time may be off on a machine that is busy."""
BUSY = Report("busy", threads=8, running=3, stuck=1, seconds_since_claim=None)
FREE = Report("free", threads=4, running=0, stuck=0, seconds_since_claim=500.0)
NOTHING = Standing(
    workers=0,
    threads=0,
    free_threads=0,
    stuck_threads=0,
    longest_up=None,
    last_claim=None,
    queued=0,
    oldest_queued=None,
    running=0,
    lease_left=None,
    last_sweep=None,
)
WELL = replace(NOTHING, workers=1, threads=8, free_threads=8, longest_up=PATIENCE + 1, last_sweep=1.0)
"""A service in which everything moves."""


def alter(database: Database, worker: str, **columns: Moment) -> None:
    """Writes moments of a process past its own reports."""
    with database.durable() as connection:
        connection.execute(update(WorkerProcess).where(col(WorkerProcess.id) == worker).values(columns))


def test_where_nothing_has_ever_worked_nothing_stands(database: Database) -> None:
    assert standing(database, ALIVE) == NOTHING


def test_the_processes_that_work_are_counted_together(database: Database) -> None:
    for one in (BUSY, FREE):
        report(database, one)
    found = standing(database, ALIVE)
    assert (found.workers, found.threads, found.free_threads, found.stuck_threads) == (2, 12, 9, 1)
    assert found.last_claim == pytest.approx(500, abs=ABOUT)


def test_the_work_is_as_old_as_the_process_that_works_longest(database: Database) -> None:
    for one, seconds in ((BUSY, 30), (FREE, 5_000)):
        report(database, one)
        alter(database, one.worker, started_at=after(-seconds))
    assert standing(database, ALIVE).longest_up == pytest.approx(5_000, abs=ABOUT)


def test_a_process_that_reports_itself_again_is_counted_once(database: Database) -> None:
    report(database, FREE)
    [(_, *_, started, _, _)] = contents(database)["workers"]
    report(database, replace(FREE, running=4, seconds_since_claim=None))
    found = standing(database, ALIVE)
    assert (found.workers, found.free_threads, found.last_claim) == (1, 0, None)
    [(_, *_, still_started, _, _)] = contents(database)["workers"]
    assert still_started == started


def test_a_process_that_left_is_counted_no_more(database: Database) -> None:
    for one in (BUSY, FREE):
        report(database, one)
    leave(database, "busy")
    assert standing(database, ALIVE).threads == FREE.threads


def test_a_process_that_is_silent_does_not_count_as_alive(database: Database) -> None:
    """Whoever was killed could not say so."""
    for one in (BUSY, FREE):
        report(database, one)
    alter(database, "busy", seen_at=after(-ALIVE - 1))
    assert standing(database, ALIVE).threads == FREE.threads
    alter(database, "busy", seen_at=after(-ALIVE + ABOUT))
    assert standing(database, ALIVE).threads == FREE.threads + BUSY.threads


def test_a_process_is_forgotten_when_it_has_been_silent_for_long(database: Database) -> None:
    """I10."""
    for one in (BUSY, FREE):
        report(database, one)
    alter(database, "busy", seen_at=after(-FORGOTTEN_SECONDS - 1))
    alter(database, "free", seen_at=after(-FORGOTTEN_SECONDS + 60))
    forget_the_silent(database)
    assert [row[0] for row in contents(database)["workers"]] == ["free"]


def test_the_queue_is_as_old_as_its_oldest_job(log: EventLog, new_job: JobMaker) -> None:
    for seconds in (10, 5_000, 90):
        change(log.database, submitted(log, new_job()), created_at=after(-seconds))
    change(log.database, claimed(log, new_job()).job_id, created_at=after(-9_000))
    found = standing(log.database, ALIVE)
    assert (found.queued, found.running) == (3, 1)
    assert found.oldest_queued == pytest.approx(5_000, abs=ABOUT)


def test_the_oldest_lease_tells_of_a_worker_that_was_lost(log: EventLog, new_job: JobMaker) -> None:
    kept, lost = claimed(log, new_job()), claimed(log, new_job())
    change(log.database, kept.job_id, lease_until=after(3_000))
    change(log.database, lost.job_id, lease_until=after(1_000))
    assert standing(log.database, ALIVE).lease_left == pytest.approx(1_000, abs=ABOUT)
    change(log.database, lost.job_id, lease_until=after(-1_000))
    assert standing(log.database, ALIVE).lease_left == pytest.approx(-1_000, abs=ABOUT)


@pytest.mark.parametrize("status", [status for status in Status if status not in ("queued", "in_progress")])
def test_a_job_that_waits_for_nobody_here_is_not_counted(log: EventLog, new_job: JobMaker, status: Status) -> None:
    brought_to(log, new_job(), status)
    assert standing(log.database, ALIVE) == NOTHING


def test_a_sweep_counts_when_it_has_come_to_its_end(database: Database) -> None:
    begin_sweep(database, "a-worker", 60.0)
    assert standing(database, ALIVE).last_sweep is None
    end_sweep(database)
    with database.durable() as connection:
        connection.execute(update(Sweep).values(finished_at=after(-300)))
    assert standing(database, ALIVE).last_sweep == pytest.approx(300, abs=ABOUT)


FAULTY = {
    "nobody works": (NOTHING, "No worker process"),
    "every thread is held": (replace(WELL, free_threads=0, stuck_threads=8), "All 8 threads are held"),
    "jobs wait beside free threads": (replace(WELL, queued=1, oldest_queued=PATIENCE + 1), "nothing is claimed"),
    "no sweep has ever ended": (replace(WELL, last_sweep=None), "No sweep has come to its end"),
    "no sweep ended lately": (replace(WELL, last_sweep=PATIENCE + 1), "No sweep has come to its end"),
}


@pytest.mark.parametrize(("found", "fault"), FAULTY.values(), ids=FAULTY)
def test_what_keeps_jobs_from_moving_is_told(found: Standing, fault: str) -> None:
    """G3, G5."""
    [told] = found.faults(PATIENCE)
    assert fault in told


SOUND = {
    "everything moves": WELL,
    "all threads work": replace(WELL, free_threads=0, queued=500, oldest_queued=9_000.0),
    "some threads are held": replace(WELL, free_threads=1, stuck_threads=7),
    "jobs wait, not for long": replace(WELL, queued=500, oldest_queued=PATIENCE - 1),
    "the first sweep is still to come": replace(WELL, longest_up=PATIENCE - 1, last_sweep=None),
    "the service was away for long": replace(WELL, longest_up=PATIENCE - 1, last_sweep=9_000.0),
    "nothing was ever asked": replace(WELL, last_claim=None),
}


@pytest.mark.parametrize("found", SOUND.values(), ids=SOUND)
def test_a_service_in_which_jobs_move_has_no_fault(found: Standing) -> None:
    """A backlog is no fault: the threads have enough to do."""
    assert found.faults(PATIENCE) == []
