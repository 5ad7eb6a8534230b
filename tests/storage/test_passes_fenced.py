"""Rule 2, I3: what a pass may not do any more."""

from collections.abc import Callable, Mapping

import pytest

from flows.events import warning
from storage.claiming import Claimed
from storage.clock import after
from storage.cursor import START
from storage.ending import stop, time_out
from storage.errors import PassLost
from storage.log import EventLog
from storage.losing import give_up, requeue
from storage.passes import announce, reached, release, renew
from storage.states import OUTCOMES, Order, Outcome, Status
from tests.storage.situations import (
    WRITES,
    JobMaker,
    change,
    claim_again,
    claimed,
    contents,
    let_lease_expire,
    lies_in_the_future,
    lost,
    taken_over,
    terms_of,
)

LATE: Mapping[str, Callable[[EventLog, Claimed], object]] = {
    **{str(order): write for order, write in WRITES.items()},
    "announce nothing": lambda log, owner: announce(log, owner, []),
    "release, cut off": lambda log, owner: release(log, owner, cut_off=True),
}
"""Everything that a pass can write."""


def _requeued(log: EventLog, owner: Claimed) -> None:
    assert requeue(log, lost(log, owner).job_id)


def _given_up(log: EventLog, owner: Claimed) -> None:
    assert give_up(log, lost(log, owner))


def _timed_out(log: EventLog, owner: Claimed) -> None:
    change(log.database, owner.job_id, deadline_at=after(-1))
    assert time_out(log, owner.job_id)


def _released_and_claimed(log: EventLog, owner: Claimed) -> None:
    release(log, owner, cut_off=False)
    claim_again(log, owner.job_id)


LOSSES: Mapping[str, Callable[[EventLog, Claimed], object]] = {
    "requeued": _requeued,
    "taken over": taken_over,
    "given up": _given_up,
    "stopped": lambda log, owner: stop(log, owner.job_id, owner.user_id),
    "timed out": _timed_out,
    "completed": WRITES[Order.COMPLETE],
    "failed": WRITES[Order.FAIL],
    "expired": WRITES[Order.EXPIRE],
    "released": WRITES[Order.RELEASE],
    "released and claimed": _released_and_claimed,
}


def test_every_order_that_only_a_pass_may_give_is_tried_here() -> None:
    assert set(WRITES) == {order for order in Order if OUTCOMES[Status.IN_PROGRESS, order] is Outcome.IF_FENCE_HOLDS}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_write_of_a_lost_pass_changes_no_row_and_ends_its_author(log: EventLog, new_job: JobMaker, loss: str) -> None:
    owner = claimed(log, new_job())
    LOSSES[loss](log, owner)
    before, shown = contents(log.database), log.stream.range(owner.job_id, START, 100)
    for name, write in LATE.items():
        with pytest.raises(PassLost):
            write(log, owner)
        assert contents(log.database) == before, name
        assert log.stream.range(owner.job_id, START, 100) == shown, name


def test_no_component_can_catch_a_lost_pass_as_an_error() -> None:
    assert not issubclass(PassLost, Exception)


def test_renewing_touches_only_passes_that_are_still_owned(log: EventLog, new_job: JobMaker) -> None:
    owned, old, stopped, stranger = (claimed(log, new_job()) for _ in range(4))
    taken_over(log, old)
    stop(log, stopped.job_id, stopped.user_id)
    passes = [owned, old, stopped, stranger]
    for owner in (owned, old, stranger):
        let_lease_expire(log.database, owner.job_id)
    assert renew(log.database, [owned, old, stopped], owned.terms) == {owned.job_id}
    leased = [owner.job_id for owner in passes if lies_in_the_future(log.database, owner.job_id, "lease_until")]
    assert leased == [owned.job_id]


def test_renewing_writes_nothing_but_the_lease(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    [before] = contents(log.database)["jobs"]
    renew(log.database, [owner], owner.terms)
    [renewed] = contents(log.database)["jobs"]
    assert sum(old != new for old, new in zip(before, renewed, strict=True)) == 1


def test_renewing_nothing_renews_nothing(log: EventLog) -> None:
    assert renew(log.database, [], terms_of("a-worker")) == set()


def test_how_far_a_log_has_come_is_told_to_its_pass_only(log: EventLog, new_job: JobMaker) -> None:
    old = claimed(log, new_job())
    last = announce(log, old, [warning("3"), warning("4")])
    assert reached(log.database, old) == (1, last)
    new = taken_over(log, old)
    writes, standing = reached(log.database, new)
    assert (writes, standing.cursor.seq) == (0, new.seq)
    with pytest.raises(PassLost):
        reached(log.database, old)
