"""A write that a pass tries again because its answer was lost takes place once (fault E3)."""

from collections.abc import Callable, Mapping

import pytest

from flows.events import warning
from storage.advancing import Standing
from storage.asking import ask, suspend
from storage.claiming import Claimed
from storage.cursor import START
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import announce, complete, expire, fail, finish_vertex, reached
from storage.states import Order
from tests.storage.situations import (
    END,
    EXPIRY,
    FAILURE,
    FINISHED,
    JobMaker,
    a_request,
    asking,
    claimed,
    contents,
    result,
)

WRITES: Mapping[Order, Callable[[EventLog, Claimed, int], Standing]] = {
    Order.ANNOUNCE: lambda log, owner, written: announce(log, owner, [warning("told")], written),
    Order.ASK: lambda log, owner, written: ask(log, owner, a_request(owner), [], written),
    Order.FINISH_VERTEX: lambda log, owner, written: finish_vertex(log, owner, result(), FINISHED, [], written),
    Order.SUSPEND: lambda log, owner, written: suspend(log, owner, written=written),
    Order.COMPLETE: lambda log, owner, written: complete(log, owner, END, written),
    Order.FAIL: lambda log, owner, written: fail(log, owner, "{}", FAILURE, written),
    Order.EXPIRE: lambda log, owner, written: expire(log, owner, "{}", EXPIRY, written),
}
"""What a pass tries again, told how often it has written."""


def test_a_pass_that_counts_other_writes_than_its_row_writes_nothing(log: EventLog, new_job: JobMaker) -> None:
    """Behind, because a write took place whose answer was lost; ahead is no pass of this row."""
    for write in WRITES.values():
        owner = claimed(log, new_job())
        asking(log, owner)
        announce(log, owner, [warning("counted")])
        written, _ = reached(log.database, owner)
        assert written == 2
        before, shown = contents(log.database), log.stream.range(owner.job_id, START, 100)
        for other in (0, 1, 3):
            with pytest.raises(PassLost):
                write(log, owner, other)
            assert contents(log.database) == before
            assert log.stream.range(owner.job_id, START, 100) == shown
        write(log, owner, written)
        assert reached(log.database, owner)[0] == written + 1


def test_a_write_that_took_place_is_refused_when_it_is_tried_again(log: EventLog, new_job: JobMaker) -> None:
    """And the row tells the pass that it did, and where the log stands."""
    for write in WRITES.values():
        owner = claimed(log, new_job())
        asking(log, owner)
        standing = write(log, owner, 1)
        before = contents(log.database)
        with pytest.raises(PassLost):
            write(log, owner, 1)
        assert contents(log.database) == before
        writes, found = reached(log.database, owner)
        assert (writes, found.cursor) == (2, standing.cursor)
