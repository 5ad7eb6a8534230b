"""The states of a job, the orders it may get, and what each order does in each state: one table, no hole."""

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """Where a job stands (contract section 2)."""

    QUEUED = "queued"
    """Waits for a worker."""
    IN_PROGRESS = "in_progress"
    """A pass owns it, or did until its lease ran out."""
    SUSPENDED = "suspended"
    """Waits for a person and holds nothing."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


LIVE = (Status.QUEUED, Status.IN_PROGRESS, Status.SUSPENDED)
TERMINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT)
HOLDS_KEY = (*LIVE, Status.COMPLETED)
"""States in which a job holds its idempotency key; a job that failed or was stopped frees it (contract 1.1)."""


class Mode(StrEnum):
    """How the client that submitted a job takes its result."""

    SYNC = "sync"
    STREAM = "stream"
    BACKGROUND = "background"


class Order(StrEnum):
    """Who or what wants to move a job."""

    CLAIM = "claim"
    FINISH_VERTEX = "finish_vertex"
    COMPLETE = "complete"
    FAIL = "fail"
    STOP = "stop"
    TIME_OUT = "time_out"


class Outcome(StrEnum):
    """What an order does to a job."""

    MOVES = "moves"
    """It takes effect."""
    IF_LEASE_EXPIRED = "if_lease_expired"
    """It takes effect when the pass that owns the job has let its lease run out."""
    IF_FENCE_HOLDS = "if_fence_holds"
    """It takes effect for the pass that owns the job; for any other the pass is over."""
    PASS_LOST = "pass_lost"
    """Nothing changes and the pass that ordered it is over."""
    NOTHING = "nothing"
    """Nothing changes, and whoever ordered it is told the state."""


_PASS_ORDERS = (Order.FINISH_VERTEX, Order.COMPLETE, Order.FAIL)

OUTCOMES: Mapping[tuple[Status, Order], Outcome] = {
    (Status.QUEUED, Order.CLAIM): Outcome.MOVES,
    (Status.QUEUED, Order.STOP): Outcome.MOVES,
    (Status.QUEUED, Order.TIME_OUT): Outcome.MOVES,
    (Status.IN_PROGRESS, Order.CLAIM): Outcome.IF_LEASE_EXPIRED,
    (Status.IN_PROGRESS, Order.STOP): Outcome.MOVES,
    (Status.IN_PROGRESS, Order.TIME_OUT): Outcome.MOVES,
    **{(Status.IN_PROGRESS, order): Outcome.IF_FENCE_HOLDS for order in _PASS_ORDERS},
    (Status.SUSPENDED, Order.CLAIM): Outcome.NOTHING,
    (Status.SUSPENDED, Order.STOP): Outcome.MOVES,
    (Status.SUSPENDED, Order.TIME_OUT): Outcome.NOTHING,
    **{(status, order): Outcome.PASS_LOST for status in Status for order in _PASS_ORDERS if status != "in_progress"},
    **{(status, order): Outcome.NOTHING for status in TERMINAL for order in (Order.CLAIM, Order.STOP, Order.TIME_OUT)},
}


def states_moved_by(order: Order) -> list[Status]:
    """The states that an order can move a job out of."""
    moving = (Outcome.MOVES, Outcome.IF_LEASE_EXPIRED, Outcome.IF_FENCE_HOLDS)
    return [status for status in Status if OUTCOMES[status, order] in moving]
