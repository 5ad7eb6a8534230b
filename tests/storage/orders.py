"""How each order of the table is given."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from flows.events import build_start
from flows.human import Decision
from storage.answering import Answer, answer, lapse, remind
from storage.claiming import Claimed, claim
from storage.clock import after
from storage.ending import stop, supersede, time_input_out, time_out
from storage.errors import NotPaused, NotResumable
from storage.human_requests import requests_of
from storage.log import EventLog
from storage.losing import Lost, give_up, requeue
from storage.pausing import pause, resume
from storage.states import Mode, Order, Status, states_moved_by
from tests.storage.situations import WRITES, JobMaker, brought_to, change, requests_are_due, terms_of, value_of

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


def _answer(log: EventLog, owner: Claimed) -> bool:
    try:
        answer(log, Answer(owner.job_id, _asked(log, owner), Decision("approve"), by="somebody"))
    except NotResumable:
        return False
    return True


def _asked(log: EventLog, owner: Claimed) -> str:
    """The id of the last request of a job, or one that never was."""
    found = requests_of(log.database, owner.job_id)
    return found[-1].id if found else "never asked"


def _supersede(log: EventLog, owner: Claimed) -> bool:
    with log.transition("submit", durable=True) as transition:
        return bool(supersede(transition, "a-new-job", owner.user_id, owner.flow_id, owner.session_id))


def _resume(log: EventLog, owner: Claimed) -> bool:
    """Lets a job go on that was paused the moment before."""
    if value_of(log.database, owner.job_id, "status") in states_moved_by(Order.RESUME):
        change(log.database, owner.job_id, is_paused=True)
    try:
        resume(log, owner.job_id, owner.user_id)
    except NotPaused:
        return False
    return True


def _pause(log: EventLog, owner: Claimed) -> bool:
    pause(log, owner.job_id, owner.user_id)
    return bool(value_of(log.database, owner.job_id, "is_paused"))


GIVE: Mapping[Order, GiveOrder] = {
    **{order: _giving(write) for order, write in WRITES.items()},
    Order.CLAIM: _claim,
    Order.REQUEUE: lambda log, owner: requeue(log, owner.job_id),
    Order.GIVE_UP: _give_up,
    Order.STOP: lambda log, owner: stop(log, owner.job_id, owner.user_id).changed,
    Order.TIME_OUT: lambda log, owner: time_out(log, owner.job_id),
    Order.ANSWER: _answer,
    Order.LAPSE: lambda log, owner: lapse(log, owner.job_id, _asked(log, owner)) is not None,
    Order.REMIND: lambda log, owner: remind(log, owner.job_id, _asked(log, owner)),
    Order.PAUSE: _pause,
    Order.RESUME: _resume,
    Order.SUPERSEDE: _supersede,
    Order.INPUT_TIME_OUT: lambda log, owner: time_input_out(log, owner.job_id),
}
"""Gives an order to a job, for the pass it has or had; true when it took effect."""


_STAYS = {status: status for status in Status}
_WAKES = {**_STAYS, Status.SUSPENDED: Status.QUEUED}
MOVES_TO: Mapping[Order, Status | Mapping[Status, Status]] = {
    Order.CLAIM: Status.IN_PROGRESS,
    Order.ANNOUNCE: Status.IN_PROGRESS,
    Order.INTEND: Status.IN_PROGRESS,
    Order.KEEP: Status.IN_PROGRESS,
    Order.ASK: Status.IN_PROGRESS,
    Order.FINISH_VERTEX: Status.IN_PROGRESS,
    Order.COMPLETE: Status.COMPLETED,
    Order.FAIL: Status.FAILED,
    Order.EXPIRE: Status.TIMED_OUT,
    Order.SUSPEND: Status.SUSPENDED,
    Order.RELEASE: Status.QUEUED,
    Order.REQUEUE: Status.QUEUED,
    Order.GIVE_UP: Status.FAILED,
    Order.STOP: Status.CANCELLED,
    Order.TIME_OUT: Status.TIMED_OUT,
    Order.ANSWER: _WAKES,
    Order.LAPSE: _WAKES,
    Order.REMIND: _STAYS,
    Order.PAUSE: {**_STAYS, Status.QUEUED: Status.SUSPENDED},
    Order.RESUME: _WAKES,
    Order.SUPERSEDE: Status.CANCELLED,
    Order.INPUT_TIME_OUT: Status.FAILED,
}


def moved(status: Status, order: Order) -> Status:
    """The state that an order which takes effect leaves a job in."""
    found = MOVES_TO[order]
    return found if isinstance(found, Status) else found[status]


OF_REQUESTS = (Order.SUSPEND, Order.ANSWER, Order.LAPSE, Order.REMIND)
"""The orders that need an open human request."""


def ready_for(log: EventLog, new_job: JobMaker, order: Order) -> Claimed:
    """A job that an order moves: in the right state, its deadline past and its lease run out."""
    owner = brought_to(log, new_job(), states_moved_by(order)[-1], asks=order in OF_REQUESTS)
    requests_are_due(log.database, owner.job_id)
    change(log.database, owner.job_id, deadline_at=after(-1), lease_until=after(-1), is_paused=order is Order.RESUME)
    return owner
