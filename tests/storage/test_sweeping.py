from collections.abc import Callable
from functools import partial

import pytest

from storage.clock import after
from storage.log import EventLog
from storage.passes import renew
from storage.states import LIVE, Mode, Status
from storage.sweeping import BATCH, Due, overdue, take_due
from tests.storage.situations import (
    JobMaker,
    at_once,
    brought_to,
    change,
    claimed,
    let_lease_expire,
    submitted,
)

HINT_AGE = 30.0
PAST = -1.0
"""A lease that has run out when it is given, an age that every hint has."""


@pytest.mark.parametrize("status", Status)
def test_a_job_is_due_when_it_waits_and_its_hint_is_old(log: EventLog, new_job: JobMaker, status: Status) -> None:
    owner = brought_to(log, new_job(mode=Mode.SYNC), status)
    change(log.database, owner.job_id, hinted_at=after(-HINT_AGE - 1))
    due = [Due(owner.job_id, Mode.SYNC)] if status is Status.QUEUED else []
    assert take_due(log.database, list(Mode), HINT_AGE) == due


def test_a_job_is_due_when_its_pass_let_the_lease_run_out(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, hinted_at=after(-HINT_AGE - 1))
    let_lease_expire(log.database, owner.job_id)
    assert take_due(log.database, list(Mode), HINT_AGE) == [Due(owner.job_id, Mode.BACKGROUND)]


def test_a_job_that_was_hinted_lately_is_not_due(log: EventLog, new_job: JobMaker) -> None:
    submitted(log, new_job())
    assert take_due(log.database, list(Mode), HINT_AGE) == []


def test_a_job_that_was_taken_is_due_again_when_that_hint_is_old(log: EventLog, new_job: JobMaker) -> None:
    job_id = submitted(log, new_job())
    change(log.database, job_id, hinted_at=after(-HINT_AGE - 1))
    assert len(take_due(log.database, list(Mode), HINT_AGE)) == 1
    assert take_due(log.database, list(Mode), HINT_AGE) == []
    change(log.database, job_id, hinted_at=after(-HINT_AGE - 1))
    assert len(take_due(log.database, list(Mode), HINT_AGE)) == 1


def test_of_eight_sweepers_at_once_one_takes_each_job(log: EventLog, new_job: JobMaker) -> None:
    jobs = [submitted(log, new_job()) for _ in range(20)]
    for number, job_id in enumerate(jobs):
        change(log.database, job_id, hinted_at=after(-HINT_AGE - 1 - number % 3))
    races = at_once([partial(take_due, log.database, list(Mode), HINT_AGE)] * 8)
    taken = [due.job_id for race in races for due in race.result()]
    assert sorted(taken) == sorted(jobs)


def test_sweepers_and_heartbeats_never_block_each_other(log: EventLog, new_job: JobMaker) -> None:
    """After an outage all leases have run out at once: every process sweeps the jobs that others still renew."""
    owned = [claimed(log, new_job()) for _ in range(60)]
    work: list[Callable[[], object]] = [
        lambda: [take_due(log.database, list(Mode), PAST) for _ in range(20)],
        lambda: [take_due(log.database, list(Mode), PAST) for _ in range(20)],
        lambda: [renew(log.database, owned[:30][::-1], PAST) for _ in range(20)],
        lambda: [renew(log.database, owned[30:], PAST) for _ in range(20)],
    ]
    assert len(renew(log.database, owned, PAST)) == 60
    assert [race.exception() for race in at_once(work)] == [None] * 4


def test_the_oldest_hints_come_first_so_that_no_job_waits_for_ever(log: EventLog, new_job: JobMaker) -> None:
    late = submitted(log, new_job())
    change(log.database, late, hinted_at=after(-HINT_AGE - 1))
    old = [submitted(log, new_job()) for _ in range(BATCH)]
    for job_id in old:
        change(log.database, job_id, hinted_at=after(-HINT_AGE - 60))
    assert {due.job_id for due in take_due(log.database, list(Mode), HINT_AGE)} == set(old)
    assert [due.job_id for due in take_due(log.database, list(Mode), HINT_AGE)] == [late]


@pytest.mark.parametrize("status", Status)
def test_a_job_is_overdue_when_it_is_to_move_and_its_deadline_is_past(
    log: EventLog, new_job: JobMaker, status: Status
) -> None:
    owner = brought_to(log, new_job(), status)
    change(log.database, owner.job_id, deadline_at=after(60))
    assert overdue(log.database) == []
    change(log.database, owner.job_id, deadline_at=after(-1))
    moves = status in LIVE and status is not Status.SUSPENDED
    assert overdue(log.database) == ([owner.job_id] if moves else [])
