"""Jobs in the situations that tests of the storage begin with, and everything that is stored, to be compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from sqlalchemy import insert, select, text, update
from sqlmodel import SQLModel, col

from flows.checkpoints import Checkpoint
from flows.events import Event, EventType, build_start, end, lifecycle, warning
from flows.human import HumanRequest, Option, RequestKind
from flows.journal import Step, VertexResult
from storage.asking import NewRequest, ask, suspend
from storage.claiming import Claimed, Terms, claim
from storage.clock import after, now
from storage.database import Database
from storage.ending import stop, time_out
from storage.log import EventLog
from storage.losing import Lost, lost_jobs, requeue
from storage.passes import announce, complete, expire, fail, finish_vertex, intend, keep, release
from storage.states import Order, Status
from storage.submitting import NewJob, submit
from storage.tables import HumanRequestRow, Job, User

T = TypeVar("T")
Contents: TypeAlias = Mapping[str, Sequence[Any]]
JobMaker: TypeAlias = Callable[..., NewJob]

LEASE_SECONDS = 600.0
"""Longer than any test: a lease runs out when a test says so."""
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST: Sequence[Event] = (warning("submitted"),)
FINISHED: Sequence[Event] = (Event(EventType.END_VERTEX, {}), Event(EventType.OUTPUT, {"component_id": "a"}))
END: Sequence[Event] = (end(Status.COMPLETED, 1.0),)
FAILURE: Sequence[Event] = (warning("broken"), end(Status.FAILED, 1.0))
EXPIRY: Sequence[Event] = (lifecycle(EventType.TIMED_OUT, "A vertex took too long."),)


def submitted(log: EventLog, job: NewJob) -> str:
    """A queued job, with one event."""
    return submit(log, job, FIRST).job_id


def terms_of(worker: str, vertex_seconds: float | None = None) -> Terms:
    """The terms of a worker whose leases outlast any test."""
    return Terms(worker, LEASE_SECONDS, vertex_seconds)


def claimed(log: EventLog, job: NewJob, worker: str = "a-worker", vertex_seconds: float | None = None) -> Claimed:
    """A job in progress under a long lease, with two events."""
    return claim_again(log, submitted(log, job), worker, vertex_seconds)


def claim_again(
    log: EventLog, job_id: str, worker: str = "another-worker", vertex_seconds: float | None = None
) -> Claimed:
    """The next pass of a job."""
    won = claim(log, job_id, terms_of(worker, vertex_seconds), [build_start()])
    assert won is not None
    return won


def lost(log: EventLog, owner: Claimed) -> Lost:
    """A pass whose lease ran out, as a sweeper finds it."""
    let_lease_expire(log.database, owner.job_id)
    [found] = [found for found in lost_jobs(log.database) if found.job_id == owner.job_id]
    return found


def taken_over(log: EventLog, old: Claimed) -> Claimed:
    """The pass that took the job from another one, whose lease ran out."""
    let_lease_expire(log.database, old.job_id)
    assert requeue(log, old.job_id)
    return claim_again(log, old.job_id)


def let_lease_expire(database: Database, job_id: str) -> None:
    change(database, job_id, lease_until=after(-1))


WRITES: Mapping[Order, Callable[[EventLog, Claimed], object]] = {
    Order.ANNOUNCE: lambda log, owner: announce(log, owner, [warning("announced")]),
    Order.INTEND: lambda log, owner: intend(log, owner, "a", 1),
    Order.KEEP: lambda log, owner: keep(log, owner, Step(Checkpoint("a", 1, "turn", "yes"), [warning("kept")])),
    Order.ASK: lambda log, owner: ask(log, owner, a_request(owner), [warning("asked")]),
    Order.FINISH_VERTEX: lambda log, owner: finish_vertex(log, owner, result(), FINISHED, []),
    Order.COMPLETE: lambda log, owner: complete(log, owner, END),
    Order.FAIL: lambda log, owner: fail(log, owner, "{}", FAILURE),
    Order.EXPIRE: lambda log, owner: expire(log, owner, "{}", EXPIRY),
    Order.SUSPEND: lambda log, owner: suspend(log, owner),
    Order.RELEASE: lambda log, owner: release(log, owner, cut_off=False),
}
"""How a pass gives each of the orders that only a pass may give."""


def a_request(owner: Claimed, vertex_id: str = "asks", **given: Any) -> NewRequest:
    """A human request that a pass is about to store; what matters to the test is given by name."""
    options = (Option("approve", "Approve"), Option("reject", "Reject"))
    request = replace(HumanRequest(RequestKind.NODE_INPUT, "Go on?", options), **given)
    return NewRequest(f"{vertex_id}:{uuid4()}", vertex_id, 1, request, NOON)


def asking(log: EventLog, owner: Claimed, **given: Any) -> str:
    """Lets a vertex of a pass ask; the id of its request."""
    new = a_request(owner, **given)
    ask(log, owner, new, [])
    return new.id


def requests_are_due(database: Database, job_id: str) -> None:
    """Lets the time to answer be over, and that to bring it to mind, for all requests of a job."""
    with database.durable() as connection:
        moments = {"due_at": after(-2), "deadline_at": after(-1)}
        connection.execute(update(HumanRequestRow).where(col(HumanRequestRow.job_id) == job_id).values(moments))


def brought_to(log: EventLog, job: NewJob, status: Status, *, asks: bool = False) -> Claimed:
    """A job in any state, and the pass that it had before or has now; it has an open request when it lives and `asks`,
    and when it is suspended."""
    owner = claimed(log, job)
    if asks or status is Status.SUSPENDED:
        asking(log, owner)
    arrive = _ARRIVALS.get(status)
    if arrive is not None:
        arrive(log, owner)
    assert value_of(log.database, owner.job_id, "status") == status
    return owner


def _run_out_of_time(log: EventLog, owner: Claimed) -> None:
    change(log.database, owner.job_id, deadline_at=after(-1))
    assert time_out(log, owner.job_id)


_ARRIVALS: Mapping[Status, Callable[[EventLog, Claimed], object]] = {
    Status.QUEUED: WRITES[Order.RELEASE],
    Status.SUSPENDED: WRITES[Order.SUSPEND],
    Status.COMPLETED: WRITES[Order.COMPLETE],
    Status.FAILED: WRITES[Order.FAIL],
    Status.CANCELLED: lambda log, owner: stop(log, owner.job_id, owner.user_id),
    Status.TIMED_OUT: _run_out_of_time,
}


def result(vertex_id: str = "a", visit: int = 1) -> VertexResult:
    return VertexResult(vertex_id, visit, {"text": f"what {vertex_id} said"})


def another_user(database: Database) -> str:
    """A second user, stored."""
    user_id = str(uuid4())
    with database.durable() as connection:
        connection.execute(insert(User).values(id=user_id, name=user_id, is_superuser=False, created_at=now()))
    return user_id


@contextmanager
def failing(database: Database) -> Iterator[None]:
    """A database that fails to write and to read events while the block runs."""
    with database.durable() as connection:
        connection.execute(text("ALTER TABLE job_events RENAME TO away"))
    yield
    with database.durable() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO job_events"))


def change(database: Database, job_id: str, **columns: Any) -> None:
    """Writes columns of a job past every rule."""
    with database.durable() as connection:
        connection.execute(update(Job).where(col(Job.id) == job_id).values(columns))


def value_of(database: Database, job_id: str, column: str) -> Any:
    """One column of a job."""
    with database.read() as connection:
        return connection.execute(select(getattr(Job, column)).where(col(Job.id) == job_id)).scalar_one()


def lies_in_the_future(database: Database, job_id: str, column: str) -> bool:
    """Whether a moment of a job is after the database's time."""
    with database.read() as connection:
        statement = select(getattr(Job, column) > now()).where(col(Job.id) == job_id)
        return bool(connection.execute(statement).scalar_one())


def contents(database: Database) -> Contents:
    """Every row of every table."""
    with database.read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in SQLModel.metadata.sorted_tables
        }


def events_of(log: EventLog, job_id: str) -> list[tuple[int, str, bool]]:
    """The stored log of a job: number, type, whether it is terminal."""
    return [(entry.cursor.seq, entry.type, entry.terminal) for entry in log.stored(job_id, 0)]


def at_once(attempts: Sequence[Callable[[], T]]) -> list[Future[T]]:
    """Lets every attempt begin at the same moment, each in its own thread, and waits for all of them."""
    barrier = Barrier(len(attempts))

    def begin(attempt: Callable[[], T]) -> T:
        barrier.wait()
        return attempt()

    with ThreadPoolExecutor(len(attempts)) as threads:
        return [threads.submit(begin, attempt) for attempt in attempts]
