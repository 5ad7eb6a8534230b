"""storage/asking.py: a job that waits holds nothing, and comes back when there is something to do."""

from collections.abc import Callable, Mapping

import pytest
from sqlalchemy import select
from sqlmodel import col

from storage.answering import answer
from storage.asking import suspend
from storage.claiming import Claimed
from storage.clock import after, now
from storage.ending import time_out
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import finish_vertex
from storage.restoring import legacy_of
from storage.states import Order, Status
from storage.tables import Job
from tests.storage.asked import (
    APPROVE,
    answering,
    seconds_between,
    suspended,
)
from tests.storage.situations import (
    WRITES,
    JobMaker,
    asking,
    change,
    claim_again,
    claimed,
    contents,
    lies_in_the_future,
    result,
    value_of,
)


def test_a_suspended_job_holds_nothing(log: EventLog, new_job: JobMaker) -> None:
    """Rule 7."""
    owner = claimed(log, new_job(), vertex_seconds=600)
    asking(log, owner)
    WRITES[Order.SUSPEND](log, owner)
    names = ("status", "worker", "lease_until", "vertex_deadline_at", "attempts")
    assert [value_of(log.database, owner.job_id, name) for name in names] == [Status.SUSPENDED, None, None, None, 0]


def _asks_nobody(log: EventLog, owner: Claimed) -> None:
    pass


def _is_answered(log: EventLog, owner: Claimed) -> None:
    answer(log, answering(owner, asking(log, owner)))


def _one_of_two_is_answered(log: EventLog, owner: Claimed) -> None:
    asking(log, owner, vertex_id="other")
    _is_answered(log, owner)


REFUSED: Mapping[str, Callable[[EventLog, Claimed], None]] = {
    "nobody is asked": _asks_nobody,
    "the answer came first": _is_answered,
    "one of two answers came first": _one_of_two_is_answered,
}


def test_a_job_that_waits_for_nobody_is_not_suspended(log: EventLog, new_job: JobMaker) -> None:
    """B11: an answer that comes while the pass makes up its mind is not slept over."""
    for why, prepare in REFUSED.items():
        owner = claimed(log, new_job())
        prepare(log, owner)
        before = contents(log.database)
        with pytest.raises(PassLost):
            suspend(log, owner)
        assert contents(log.database) == before, why


def test_a_job_goes_on_waiting_when_all_that_was_answered_is_used(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    first = asking(log, owner)
    asking(log, owner, vertex_id="other")
    answer(log, answering(owner, first))
    finish_vertex(log, owner, result("asks"), [], [], applies=[first])
    suspend(log, owner)
    assert value_of(log.database, owner.job_id, "status") == Status.SUSPENDED


def test_a_job_is_suspended_that_has_gone_on_from_all_it_knows(log: EventLog, new_job: JobMaker) -> None:
    """Its vertex waits for another inside it; what was decided is used, and no answer beside is slept over."""
    owner = claimed(log, new_job())
    first, second = asking(log, owner), asking(log, owner, vertex_id="other")
    asking(log, owner, vertex_id="third")
    for one in (first, second):
        answer(log, answering(owner, one))
    before = contents(log.database)
    with pytest.raises(PassLost):
        suspend(log, owner, applies=[first])
    assert contents(log.database) == before
    suspend(log, owner, applies=[first, second])
    names = ("status", "unapplied", "asking")
    assert [value_of(log.database, owner.job_id, name) for name in names] == [Status.SUSPENDED, 0, 1]
    kept = legacy_of(log.database, owner.job_id).asked
    assert [(one.is_applied, one.decision is not None) for one in kept] == [(True, True), (True, True), (False, False)]


def test_the_time_limit_of_a_job_stands_still_while_it_is_suspended(log: EventLog, new_job: JobMaker) -> None:
    """B17: what was left when it stopped is left when it goes on, however long that took."""
    owner = claimed(log, new_job(seconds_allowed=600))
    asked = asking(log, owner)
    change(log.database, owner.job_id, deadline_at=after(100))
    WRITES[Order.SUSPEND](log, owner)
    left = value_of(log.database, owner.job_id, "seconds_left")
    assert 70 < left <= 100.1
    assert value_of(log.database, owner.job_id, "deadline_at") is None
    assert not time_out(log, owner.job_id)
    change(log.database, owner.job_id, seconds_left=left - 50)
    answer(log, answering(owner, asked))
    with log.database.read() as connection:
        woken_at, deadline = connection.execute(
            select(now(), col(Job.deadline_at)).where(col(Job.id) == owner.job_id)
        ).one()
    assert left - 80 < seconds_between(woken_at, deadline) <= left - 49.9
    assert value_of(log.database, owner.job_id, "seconds_left") is None


def test_a_job_whose_time_was_over_when_it_was_suspended_is_not_given_more(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job(seconds_allowed=600))
    asked = asking(log, owner)
    change(log.database, owner.job_id, deadline_at=after(-5))
    WRITES[Order.SUSPEND](log, owner)
    answer(log, answering(owner, asked))
    assert not lies_in_the_future(log.database, owner.job_id, "deadline_at")
    assert time_out(log, owner.job_id)


def test_a_job_without_time_limit_has_none_when_it_goes_on(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job())
    answer(log, answering(owner, asked))
    assert value_of(log.database, owner.job_id, "deadline_at") is None
    assert value_of(log.database, owner.job_id, "seconds_left") is None


def test_a_job_that_is_woken_is_claimed_under_a_new_fence(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job())
    answer(log, answering(owner, asked))
    new = claim_again(log, owner.job_id)
    assert (new.fence, new.attempts, new.taken_from) == (owner.fence + 1, 1, None)
    assert legacy_of(log.database, owner.job_id).asked[0].decision == APPROVE
