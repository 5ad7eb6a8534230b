"""How each order of the table is given."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from flows.events import build_start
from storage.claiming import Claimed, claim
from storage.clock import after
from storage.ending import stop, time_out
from storage.log import EventLog
from storage.losing import Lost, give_up, requeue
from storage.states import Mode, Order, Status, states_moved_by
from tests.storage.situations import WRITES, JobMaker, brought_to, change, terms_of, value_of

GiveOrder: TypeAlias = Callable[[EventLog, Claimed], bool]


def _giving(write: Callable[[EventLog, Claimed], object]) -> GiveOrder:
    """A write of a pass takes effect whenever it does not raise."""

    def give(log: EventLog, owner: Claimed) -> bool:
        write(log, owner)
        return True

    return give


def _claim(log: EventLog, owner: Claimed) -> bool:
    return claim(log, owner.job_id, terms_of("somebody"), [build_start()]) is not None


def _give_up(log: EventLog, owner: Claimed) -> bool:
    return give_up(log, Lost(owner.job_id, Mode.BACKGROUND, value_of(log.database, owner.job_id, "attempts")))


GIVE: Mapping[Order, GiveOrder] = {
    **{order: _giving(write) for order, write in WRITES.items()},
    Order.CLAIM: _claim,
    Order.REQUEUE: lambda log, owner: requeue(log, owner.job_id),
    Order.GIVE_UP: _give_up,
    Order.STOP: lambda log, owner: stop(log, owner.job_id, owner.user_id).changed,
    Order.TIME_OUT: lambda log, owner: time_out(log, owner.job_id),
}
"""Gives an order to a job, for the pass it has or had; true when it took effect."""


MOVES_TO: Mapping[Order, Status] = {
    Order.CLAIM: Status.IN_PROGRESS,
    Order.ANNOUNCE: Status.IN_PROGRESS,
    Order.INTEND: Status.IN_PROGRESS,
    Order.FINISH_VERTEX: Status.IN_PROGRESS,
    Order.COMPLETE: Status.COMPLETED,
    Order.FAIL: Status.FAILED,
    Order.EXPIRE: Status.TIMED_OUT,
    Order.RELEASE: Status.QUEUED,
    Order.REQUEUE: Status.QUEUED,
    Order.GIVE_UP: Status.FAILED,
    Order.STOP: Status.CANCELLED,
    Order.TIME_OUT: Status.TIMED_OUT,
}


def ready_for(log: EventLog, new_job: JobMaker, order: Order) -> Claimed:
    """A job that an order moves: in the right state, its deadline past and its lease run out."""
    owner = brought_to(log, new_job(), states_moved_by(order)[-1])
    change(log.database, owner.job_id, deadline_at=after(-1), lease_until=after(-1))
    return owner
