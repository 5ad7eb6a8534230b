"""How a person makes a job stand still in any state, and lets it go on."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.events import warning
from storage.answering import answer
from storage.claiming import claim
from storage.clock import after
from storage.ending import time_out
from storage.errors import NotPaused, PassLost
from storage.log import EventLog
from storage.losing import requeue
from storage.passes import announce, finish_vertex
from storage.pausing import pause, resume
from storage.states import LIVE, TERMINAL, Order, Status
from storage.tables import ExecutionSignal
from tests.storage.asked import answering, check_log, suspended
from tests.storage.situations import (
    WRITES,
    JobMaker,
    asking,
    brought_to,
    change,
    claim_again,
    claimed,
    contents,
    let_lease_expire,
    lies_in_the_future,
    result,
    submitted,
    terms_of,
    value_of,
)


def test_a_queued_job_stands_still_at_once_and_nobody_claims_it(log: EventLog, new_job: JobMaker) -> None:
    job = new_job()
    submitted(log, job)
    assert pause(log, job.id, job.user_id) is Status.SUSPENDED
    assert claim(log, job.id, terms_of("a-worker"), []) is None
    check_log(log, job.id)


def test_a_job_that_runs_is_told_with_its_next_write_and_suspended_by_its_pass(
    log: EventLog, new_job: JobMaker
) -> None:
    """Design 6: controls ride on writes. It is suspended though it asks nobody."""
    owner = claimed(log, new_job())
    assert not announce(log, owner, [warning("before")]).is_paused
    assert pause(log, owner.job_id, owner.user_id) is Status.IN_PROGRESS
    assert finish_vertex(log, owner, result(), [], []).is_paused
    WRITES[Order.SUSPEND](log, owner)
    assert value_of(log.database, owner.job_id, "status") == Status.SUSPENDED


def test_a_job_that_was_let_go_on_before_its_pass_stood_still_is_not_suspended(
    log: EventLog, new_job: JobMaker
) -> None:
    owner = claimed(log, new_job())
    pause(log, owner.job_id, owner.user_id)
    woken = resume(log, owner.job_id, owner.user_id)
    assert (woken.is_queued, value_of(log.database, owner.job_id, "status")) == (False, Status.IN_PROGRESS)
    before = contents(log.database)
    with pytest.raises(PassLost):
        WRITES[Order.SUSPEND](log, owner)
    assert contents(log.database) == before


def test_no_answer_wakes_a_job_that_is_paused_and_none_is_lost(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job())
    assert pause(log, owner.job_id, owner.user_id) is Status.SUSPENDED
    assert not answer(log, answering(owner, asked)).is_queued
    assert value_of(log.database, owner.job_id, "status") == Status.SUSPENDED
    assert resume(log, owner.job_id, owner.user_id).is_queued
    assert claim_again(log, owner.job_id).fence == owner.fence + 1
    assert value_of(log.database, owner.job_id, "unapplied") == 1


def test_a_job_that_waits_for_a_person_and_is_let_go_on_may_wait_again(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job())
    pause(log, owner.job_id, owner.user_id)
    assert resume(log, owner.job_id, owner.user_id).is_queued
    owner = claim_again(log, owner.job_id)
    WRITES[Order.SUSPEND](log, owner)
    assert answer(log, answering(owner, asked)).is_queued
    check_log(log, owner.job_id)


def test_a_job_goes_on_from_wherever_it_was_paused(log: EventLog, new_job: JobMaker) -> None:
    for status in LIVE:
        owner = brought_to(log, new_job(), status)
        pause(log, owner.job_id, owner.user_id)
        resume(log, owner.job_id, owner.user_id)
        after_both = Status.IN_PROGRESS if status is Status.IN_PROGRESS else Status.QUEUED
        assert value_of(log.database, owner.job_id, "status") == after_both
        assert not value_of(log.database, owner.job_id, "is_paused")


@pytest.mark.parametrize("handed_on", ["released", "lost"])
def test_a_job_that_was_handed_on_before_it_stood_still_can_be_let_go_on(
    log: EventLog, new_job: JobMaker, handed_on: str
) -> None:
    """It is queued and still paused: its next pass would suspend it, though somebody has let it go on."""
    owner = claimed(log, new_job())
    pause(log, owner.job_id, owner.user_id)
    if handed_on == "released":
        WRITES[Order.RELEASE](log, owner)
    else:
        let_lease_expire(log.database, owner.job_id)
        assert requeue(log, owner.job_id)
    assert resume(log, owner.job_id, owner.user_id).is_queued
    assert not claim_again(log, owner.job_id).is_paused


def test_a_pass_knows_from_its_claim_that_its_job_is_paused(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    pause(log, owner.job_id, owner.user_id)
    WRITES[Order.RELEASE](log, owner)
    assert claim_again(log, owner.job_id).is_paused


def test_a_job_that_is_over_is_neither_paused_nor_resumed(log: EventLog, new_job: JobMaker) -> None:
    """I2, I7."""
    for status in TERMINAL:
        owner = brought_to(log, new_job(), status)
        before = contents(log.database)
        assert pause(log, owner.job_id, owner.user_id) is status
        with pytest.raises(NotPaused):
            resume(log, owner.job_id, owner.user_id)
        assert contents(log.database) == before


def test_a_job_that_nobody_paused_is_not_resumed(log: EventLog, new_job: JobMaker) -> None:
    """One that waits for a person goes on by an answer only."""
    for status in LIVE:
        owner = brought_to(log, new_job(), status)
        before = contents(log.database)
        with pytest.raises(NotPaused):
            resume(log, owner.job_id, owner.user_id)
        assert contents(log.database) == before


def test_a_job_that_does_not_exist_is_not_paused(log: EventLog) -> None:
    with pytest.raises(LookupError):
        pause(log, "nowhere", "nobody")
    with pytest.raises(NotPaused):
        resume(log, "nowhere", "nobody")


def test_the_time_limit_stands_still_while_a_job_is_paused(log: EventLog, new_job: JobMaker) -> None:
    job = new_job(seconds_allowed=600)
    submitted(log, job)
    change(log.database, job.id, deadline_at=after(100))
    pause(log, job.id, job.user_id)
    pause(log, job.id, job.user_id)
    assert value_of(log.database, job.id, "deadline_at") is None
    assert 70 < value_of(log.database, job.id, "seconds_left") <= 100.1
    assert not time_out(log, job.id)
    resume(log, job.id, job.user_id)
    assert lies_in_the_future(log.database, job.id, "deadline_at")
    assert value_of(log.database, job.id, "seconds_left") is None


def test_a_job_that_runs_on_to_its_next_vertex_still_has_its_time_limit(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job(seconds_allowed=600))
    pause(log, owner.job_id, owner.user_id)
    change(log.database, owner.job_id, deadline_at=after(-1))
    assert time_out(log, owner.job_id)


def test_who_paused_a_job_and_let_it_go_on_is_recorded(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    asking(log, owner)
    pause(log, owner.job_id, owner.user_id)
    resume(log, owner.job_id, owner.user_id)
    columns = (ExecutionSignal.job_id, ExecutionSignal.kind, ExecutionSignal.user_id)
    with log.database.read() as connection:
        rows = connection.execute(select(*(col(one) for one in columns)).order_by(col(ExecutionSignal.id))).all()
    assert [tuple(row) for row in rows] == [(owner.job_id, kind, owner.user_id) for kind in ("pause", "resume")]
