"""Rule 2, I3: what a pass may not do any more."""

from collections.abc import Callable, Mapping

import pytest

from flows.events import warning
from storage.cursor import START
from storage.ending import stop
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import Claimed, announce, complete, fail, finish_vertex, release, renew
from tests.storage.situations import (
    END,
    FAILURE,
    FINISHED,
    JobMaker,
    claim_again,
    claimed,
    contents,
    let_lease_expire,
    lies_in_the_future,
    result,
    taken_over,
)

WRITES: Mapping[str, Callable[[EventLog, Claimed], object]] = {
    "announce": lambda log, owner: announce(log, owner, [warning("late")]),
    "announce nothing": lambda log, owner: announce(log, owner, []),
    "finish_vertex": lambda log, owner: finish_vertex(log, owner, result("late"), FINISHED, []),
    "complete": lambda log, owner: complete(log, owner, END),
    "fail": lambda log, owner: fail(log, owner, "{}", FAILURE),
    "release": release,
}


def _released_and_claimed(log: EventLog, owner: Claimed) -> None:
    release(log, owner)
    claim_again(log, owner.job_id)


LOSSES: Mapping[str, Callable[[EventLog, Claimed], object]] = {
    "taken over": taken_over,
    "stopped": lambda log, owner: stop(log, owner.job_id, owner.user_id),
    "completed": lambda log, owner: complete(log, owner, END),
    "failed": lambda log, owner: fail(log, owner, "{}", FAILURE),
    "released": release,
    "released and claimed": _released_and_claimed,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_of_a_lost_pass_changes_no_row_and_ends_its_author(
    log: EventLog, new_job: JobMaker, write: str, loss: str
) -> None:
    owner = claimed(log, new_job())
    LOSSES[loss](log, owner)
    before, shown = contents(log.database), log.stream.range(owner.job_id, START, 100)
    with pytest.raises(PassLost):
        WRITES[write](log, owner)
    assert contents(log.database) == before
    assert log.stream.range(owner.job_id, START, 100) == shown


def test_no_component_can_catch_a_lost_pass_as_an_error() -> None:
    assert not issubclass(PassLost, Exception)


def test_renewing_touches_only_passes_that_are_still_owned(log: EventLog, new_job: JobMaker) -> None:
    owned, lost, stopped, stranger = (claimed(log, new_job()) for _ in range(4))
    taken_over(log, lost)
    stop(log, stopped.job_id, stopped.user_id)
    passes = [owned, lost, stopped, stranger]
    for owner in (owned, lost, stranger):
        let_lease_expire(log.database, owner.job_id)
    assert renew(log.database, [owned, lost, stopped], 60) == {owned.job_id}
    leased = [owner.job_id for owner in passes if lies_in_the_future(log.database, owner.job_id, "lease_until")]
    assert leased == [owned.job_id]


def test_renewing_writes_nothing_but_the_lease(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    [before] = contents(log.database)["jobs"]
    renew(log.database, [owner], 60)
    [renewed] = contents(log.database)["jobs"]
    assert sum(old != new for old, new in zip(before, renewed, strict=True)) == 1


def test_renewing_nothing_renews_nothing(log: EventLog) -> None:
    assert renew(log.database, [], 60) == set()
