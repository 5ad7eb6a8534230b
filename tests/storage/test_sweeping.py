"""What the sweeper finds, and whose turn it is to look. `test_losing.py` says what becomes of lost jobs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, update

from storage.clock import after
from storage.database import Database
from storage.lanes import Lane
from storage.log import EventLog
from storage.losing import lost_jobs, requeue
from storage.passes import renew
from storage.states import LIVE, Mode, Status
from storage.sweeping import BATCH, Due, begin_sweep, count_queued, end_sweep, overdue, take_due
from storage.tables import Job, Sweep
from tests.storage.situations import (
    JobMaker,
    at_once,
    brought_to,
    change,
    claimed,
    let_lease_expire,
    submitted,
    terms_of,
)

HINT_AGE = 30.0
PAST = -1.0
"""A lease that has run out when it is given, an age that every hint has."""


@pytest.mark.parametrize("status", Status)
def test_a_job_is_due_when_it_waits_and_its_hint_is_old(log: EventLog, new_job: JobMaker, status: Status) -> None:
    owner = brought_to(log, new_job(mode=Mode.SYNC), status)
    change(log.database, owner.job_id, hinted_at=after(-HINT_AGE - 1))
    due = [Due(owner.job_id, Mode.SYNC)] if status is Status.QUEUED else []
    assert take_due(log.database, Lane.INTERACTIVE, HINT_AGE) == due


def test_a_lost_job_is_not_due_before_it_is_queued_again(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, hinted_at=after(-HINT_AGE - 1))
    let_lease_expire(log.database, owner.job_id)
    assert take_due(log.database, Lane.BACKGROUND, HINT_AGE) == []


@pytest.mark.parametrize("lane", Lane)
def test_the_jobs_of_a_lane_are_counted_and_hinted_without_those_of_the_other(
    log: EventLog, new_job: JobMaker, lane: Lane
) -> None:
    waiting = [submitted(log, new_job(mode=mode)) for mode in Mode for _ in range(2) if mode in lane.modes]
    for mode in Mode:
        claimed(log, new_job(mode=mode))
        if mode not in lane.modes:
            submitted(log, new_job(mode=mode))
    assert count_queued(log.database, lane) == len(waiting)
    assert {due.job_id for due in take_due(log.database, lane, PAST)} == set(waiting)


def test_no_more_jobs_are_taken_than_there_is_room_for(log: EventLog, new_job: JobMaker) -> None:
    """I10: the oldest hints first; the others are due at the next look."""
    jobs = [submitted(log, new_job()) for _ in range(5)]
    for age, job_id in enumerate(jobs):
        change(log.database, job_id, hinted_at=after(-HINT_AGE - 10 * (5 - age)))
    taken = [{due.job_id for due in take_due(log.database, Lane.BACKGROUND, HINT_AGE, most)} for most in (0, 2, 9)]
    assert taken == [set(), set(jobs[:2]), set(jobs[2:])]


def test_a_job_that_was_hinted_lately_is_not_due(log: EventLog, new_job: JobMaker) -> None:
    submitted(log, new_job())
    assert take_due(log.database, Lane.BACKGROUND, HINT_AGE) == []


def test_a_job_that_was_taken_is_due_again_when_that_hint_is_old(log: EventLog, new_job: JobMaker) -> None:
    job_id = submitted(log, new_job())
    change(log.database, job_id, hinted_at=after(-HINT_AGE - 1))
    assert len(take_due(log.database, Lane.BACKGROUND, HINT_AGE)) == 1
    assert take_due(log.database, Lane.BACKGROUND, HINT_AGE) == []
    change(log.database, job_id, hinted_at=after(-HINT_AGE - 1))
    assert len(take_due(log.database, Lane.BACKGROUND, HINT_AGE)) == 1


def test_of_eight_sweepers_at_once_one_takes_each_job(log: EventLog, new_job: JobMaker) -> None:
    jobs = [submitted(log, new_job()) for _ in range(20)]
    for number, job_id in enumerate(jobs):
        change(log.database, job_id, hinted_at=after(-HINT_AGE - 1 - number % 3))
    races = at_once([partial(take_due, log.database, Lane.BACKGROUND, HINT_AGE)] * 8)
    taken = [due.job_id for race in races for due in race.result()]
    assert sorted(taken) == sorted(jobs)


def test_sweepers_and_heartbeats_never_block_each_other(log: EventLog, new_job: JobMaker) -> None:
    """After an outage all leases have run out at once: every process takes jobs back that others still renew."""
    owned = [claimed(log, new_job()) for _ in range(60)]
    for owner in owned:
        let_lease_expire(log.database, owner.job_id)
    found = lost_jobs(log.database)
    work: list[Callable[[], object]] = [
        lambda: [requeue(log, one.job_id) for one in found],
        lambda: [requeue(log, one.job_id) for one in reversed(found)],
        lambda: [take_due(log.database, Lane.BACKGROUND, PAST) for _ in range(20)],
        lambda: [take_due(log.database, Lane.BACKGROUND, PAST) for _ in range(20)],
        lambda: [renew(log.database, owned[:30][::-1], terms_of("a")) for _ in range(20)],
        lambda: [renew(log.database, owned[30:], terms_of("b")) for _ in range(20)],
    ]
    assert [race.exception() for race in at_once(work)] == [None] * len(work)
    assert count_queued(log.database, Lane.BACKGROUND) + len(renew(log.database, owned, terms_of("a"))) == len(owned)


def test_the_oldest_hints_come_first_so_that_no_job_waits_for_ever(log: EventLog, new_job: JobMaker) -> None:
    old = [submitted(log, new_job()) for _ in range(BATCH)]
    with log.database.durable() as connection:
        connection.execute(update(Job).values(hinted_at=after(-HINT_AGE - 60)))
    late = submitted(log, new_job())
    change(log.database, late, hinted_at=after(-HINT_AGE - 1))
    assert {due.job_id for due in take_due(log.database, Lane.BACKGROUND, HINT_AGE)} == set(old)
    assert [due.job_id for due in take_due(log.database, Lane.BACKGROUND, HINT_AGE)] == [late]


@pytest.mark.parametrize("status", Status)
def test_a_job_is_overdue_when_it_is_to_move_and_a_deadline_of_it_is_past(
    log: EventLog, new_job: JobMaker, status: Status
) -> None:
    owner = brought_to(log, new_job(), status)
    moves = status in LIVE and status is not Status.SUSPENDED
    for deadline in ("deadline_at", "vertex_deadline_at"):
        change(log.database, owner.job_id, deadline_at=None, vertex_deadline_at=None)
        change(log.database, owner.job_id, **{deadline: after(60)})
        assert overdue(log.database) == []
        change(log.database, owner.job_id, **{deadline: after(-1)})
        assert overdue(log.database) == [owner.job_id] * moves


EVERY = 60.0
"""Seconds between sweeps; longer than any test."""


def begin_long_ago(database: Database) -> None:
    """Makes the last sweep one that began before the time between two."""
    with database.durable() as connection:
        connection.execute(update(Sweep).values(begun_at=after(-EVERY - 1)))


def column(database: Database, name: str) -> Any:
    """A column of the one row there is."""
    with database.read() as connection:
        return connection.execute(select(getattr(Sweep, name))).scalar_one()


@pytest.mark.parametrize("is_first", [True, False])
def test_of_sixteen_that_would_sweep_at_once_one_does(database: Database, is_first: bool) -> None:
    """A17: single flight, without a lock that a dead process could hold."""
    if not is_first:
        begin_sweep(database, "before", EVERY)
        begin_long_ago(database)
    workers = [f"w{number}" for number in range(16)]
    races = at_once([partial(begin_sweep, database, worker, EVERY) for worker in workers])
    [won] = [worker for worker, race in zip(workers, races, strict=True) if race.result()]
    assert column(database, "worker") == won


def test_the_next_sweep_begins_when_its_time_has_come_and_not_before(database: Database) -> None:
    """Whether or not the one before came to its end."""
    assert begin_sweep(database, "first", EVERY)
    assert not begin_sweep(database, "second", EVERY)
    end_sweep(database)
    assert not begin_sweep(database, "second", EVERY)
    begin_long_ago(database)
    assert begin_sweep(database, "second", EVERY)
    begin_long_ago(database)
    assert begin_sweep(database, "third", EVERY)
    assert column(database, "worker") == "third"


def test_the_end_of_a_sweep_is_written_down(database: Database) -> None:
    begin_sweep(database, "a-worker", EVERY)
    assert column(database, "finished_at") is None
    end_sweep(database)
    assert column(database, "finished_at") >= column(database, "begun_at")
