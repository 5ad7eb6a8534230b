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


class RequestState(StrEnum):
    """Where a human request stands."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    """Nobody answered in time."""
    WITHDRAWN = "withdrawn"
    """Its job ended first."""


class Mode(StrEnum):
    """How the client that submitted a job takes its result."""

    SYNC = "sync"
    STREAM = "stream"
    BACKGROUND = "background"


class Order(StrEnum):
    """Who or what wants to move a job."""

    CLAIM = "claim"
    """A worker takes it."""
    ANNOUNCE = "announce"
    """Its pass adds milestones."""
    INTEND = "intend"
    """Its pass is about to do what must not happen twice."""
    KEEP = "keep"
    """A vertex of its pass has done a step that must not be done again."""
    ASK = "ask"
    """A vertex of its pass needs the decision of a person."""
    FINISH_VERTEX = "finish_vertex"
    COMPLETE = "complete"
    FAIL = "fail"
    EXPIRE = "expire"
    """A vertex of its pass took longer than it may."""
    SUSPEND = "suspend"
    """Its pass has nothing to do until somebody answers."""
    RELEASE = "release"
    """Its pass hands it on, because its process ends, or cannot read the run's secrets."""
    REQUEUE = "requeue"
    """Its worker was lost and it may be tried again."""
    GIVE_UP = "give_up"
    """Its worker was lost, and it was tried as often as it may be."""
    STOP = "stop"
    TIME_OUT = "time_out"
    """Its deadline has passed."""
    ANSWER = "answer"
    """Somebody decides on a human request of it."""
    LAPSE = "lapse"
    """The time to answer a human request of it is over."""
    REMIND = "remind"
    """Most of the time to answer a human request of it is over."""
    PAUSE = "pause"
    """Somebody wants it to stand still."""
    RESUME = "resume"
    """Somebody lets it go on that was paused."""
    SUPERSEDE = "supersede"
    """A new job of its session takes its place while it waits for a person."""
    INPUT_TIME_OUT = "input_time_out"
    """It waits for a person for longer than the server allows."""


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


_OF_THE_PASS = (
    Order.ANNOUNCE,
    Order.INTEND,
    Order.KEEP,
    Order.ASK,
    Order.FINISH_VERTEX,
    Order.COMPLETE,
    Order.FAIL,
    Order.EXPIRE,
    Order.SUSPEND,
    Order.RELEASE,
)
_OF_PEOPLE = (Order.ANSWER, Order.LAPSE, Order.REMIND)
_OF_WHO_WAITS = (Order.SUPERSEDE, Order.INPUT_TIME_OUT)
_AFTER_A_LOSS = (Order.REQUEUE, Order.GIVE_UP)

OUTCOMES: Mapping[tuple[Status, Order], Outcome] = {
    (Status.QUEUED, Order.CLAIM): Outcome.MOVES,
    (Status.QUEUED, Order.STOP): Outcome.MOVES,
    (Status.QUEUED, Order.TIME_OUT): Outcome.MOVES,
    **{(Status.QUEUED, order): Outcome.MOVES for order in (Order.PAUSE, Order.RESUME, *_OF_PEOPLE)},
    **{(Status.QUEUED, order): Outcome.NOTHING for order in (*_OF_WHO_WAITS, *_AFTER_A_LOSS)},
    (Status.IN_PROGRESS, Order.CLAIM): Outcome.NOTHING,
    (Status.IN_PROGRESS, Order.STOP): Outcome.MOVES,
    (Status.IN_PROGRESS, Order.TIME_OUT): Outcome.MOVES,
    **{(Status.IN_PROGRESS, order): Outcome.MOVES for order in (Order.PAUSE, Order.RESUME, *_OF_PEOPLE)},
    **{(Status.IN_PROGRESS, order): Outcome.NOTHING for order in _OF_WHO_WAITS},
    **{(Status.IN_PROGRESS, order): Outcome.IF_LEASE_EXPIRED for order in _AFTER_A_LOSS},
    **{(Status.IN_PROGRESS, order): Outcome.IF_FENCE_HOLDS for order in _OF_THE_PASS},
    (Status.SUSPENDED, Order.STOP): Outcome.MOVES,
    **{(Status.SUSPENDED, order): Outcome.MOVES for order in (Order.PAUSE, Order.RESUME, *_OF_PEOPLE, *_OF_WHO_WAITS)},
    **{(Status.SUSPENDED, order): Outcome.NOTHING for order in (Order.CLAIM, Order.TIME_OUT, *_AFTER_A_LOSS)},
    **{(status, order): Outcome.PASS_LOST for status in Status for order in _OF_THE_PASS if status != "in_progress"},
    **{(status, order): Outcome.NOTHING for status in TERMINAL for order in Order if order not in _OF_THE_PASS},
}


def states_moved_by(order: Order) -> list[Status]:
    """The states that an order can move a job out of."""
    moving = (Outcome.MOVES, Outcome.IF_LEASE_EXPIRED, Outcome.IF_FENCE_HOLDS)
    return [status for status in Status if OUTCOMES[status, order] in moving]
