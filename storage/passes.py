"""What the pass that owns a job may do: one function per transition, each one transaction under its fence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Float, and_, bindparam, func, insert, or_, select, tuple_, update
from sqlalchemy.sql.dml import ReturningUpdate

from flows.codec import decode_outputs, encode_outputs
from flows.context import VertexResult
from flows.events import Event
from flows.messages import MessageRecord
from storage.chat_memory import remember
from storage.clock import after, now
from storage.cursor import Cursor
from storage.database import Database
from storage.errors import PassLost
from storage.log import EventLog, Transition
from storage.states import Mode, Status
from storage.tables import Job, VertexRow, table_of


@dataclass(frozen=True)
class Claimed:
    """A job as the pass that claimed it got it. `seconds_left` is None when nothing bounds its time."""

    job_id: str
    fence: int
    worker: str
    mode: Mode
    seq: int
    attempts: int
    user_id: str
    flow_id: str
    version_id: str
    session_id: str
    request: str
    overrides: bytes | None
    created_at: datetime
    deadline_at: datetime | None
    claimed_at: datetime
    lease_seconds: float

    @property
    def seconds_left(self) -> float | None:
        return None if self.deadline_at is None else (self.deadline_at - self.claimed_at).total_seconds()


def ended(status: Status) -> Mapping[str, Any]:
    """The columns of a job that ended: no owner, no lease, no secrets (rule 12)."""
    return {"status": status, "finished_at": now(), "overrides": None, "lease_until": None, "worker": None}


def _advancing(**changes: Any) -> ReturningUpdate[int]:
    """The statement that every write of a pass begins with: under its fence it counts events and renews the lease."""
    return (
        update(table_of(Job))
        .where(_jobs.id == bindparam("of_job"), _jobs.fence == bindparam("under_fence"))
        .where(_jobs.status == Status.IN_PROGRESS)
        .values({"seq": _jobs.seq + bindparam("count"), "lease_until": after(_SECONDS), **changes})
        .returning(_jobs.seq)
    )


_HANDED_OVER = (
    "fence", "mode", "seq", "attempts", "user_id", "flow_id", "version_id", "session_id", "request", "overrides",
    "created_at", "deadline_at",
)  # fmt: skip
_jobs = table_of(Job).c
_SECONDS = bindparam("lease_seconds", type_=Float)

# Built once: building a statement costs more than executing it.
_CLAIM = (
    update(table_of(Job))
    .where(_jobs.id == bindparam("of_job"))
    .where(or_(_jobs.status == Status.QUEUED, and_(_jobs.status == Status.IN_PROGRESS, _jobs.lease_until < now())))
    .values(
        status=Status.IN_PROGRESS,
        fence=_jobs.fence + 1,
        seq=_jobs.seq + bindparam("count"),
        attempts=_jobs.attempts + 1,
        worker=bindparam("by_worker"),
        lease_until=after(_SECONDS),
        started_at=func.coalesce(_jobs.started_at, now()),
    )
    .returning(*(_jobs[name] for name in _HANDED_OVER), now().label("claimed_at"))
)
_ANNOUNCE = _advancing()
_COMPLETE = _advancing(**ended(Status.COMPLETED))
_FAIL = _advancing(**ended(Status.FAILED), error=bindparam("stored_error"))
_RELEASE = _advancing(status=Status.QUEUED, worker=None, lease_until=None, attempts=_jobs.attempts - 1, hinted_at=now())
_RENEW = (
    update(table_of(Job))
    .where(tuple_(_jobs.id, _jobs.fence).in_(bindparam("fences", expanding=True)))
    .where(_jobs.status == Status.IN_PROGRESS)
    .values(lease_until=after(_SECONDS))
    .returning(_jobs.id)
)
_FINISHED = (
    select(table_of(VertexRow))
    .where(table_of(VertexRow).c.job_id == bindparam("of_job"))
    .order_by(table_of(VertexRow).c.position)
)
_ADD_RESULT = insert(table_of(VertexRow))


def claim(log: EventLog, job_id: str, worker: str, lease_seconds: float, events: Sequence[Event]) -> Claimed | None:
    """Takes a job that is queued, or whose pass let its lease run out, under a new fence; None when it is neither.

    The lease starts in the claim itself, by the database's clock; the attempt is counted here, where no crash can
    lose the count.
    """
    bound = {"of_job": job_id, "by_worker": worker, "lease_seconds": lease_seconds, "count": len(events)}
    with log.transition(durable=False) as transition:
        row = transition.connection.execute(_CLAIM, bound).one_or_none()
        if row is None:
            return None
        transition.append(job_id, row.seq, events)
    handed_over = {**row._mapping, "mode": Mode(row.mode)}
    return Claimed(job_id=job_id, worker=worker, lease_seconds=lease_seconds, **handed_over)


def finished_vertices(database: Database, job_id: str) -> list[VertexResult]:
    """The vertices that earlier passes finished, in that order, for the next pass to go on from (I6)."""
    with database.read() as connection:
        rows = connection.execute(_FINISHED, {"of_job": job_id}).all()
    return [VertexResult(row.vertex_id, row.visit, decode_outputs(row.outputs)) for row in rows]


def announce(log: EventLog, claimed: Claimed, events: Sequence[Event]) -> Cursor:
    """Adds milestones. Raises `PassLost`."""
    with log.transition(durable=False) as transition:
        return _advance(transition, claimed, events, _ANNOUNCE)


def finish_vertex(
    log: EventLog,
    claimed: Claimed,
    result: VertexResult,
    events: Sequence[Event],
    messages: Sequence[MessageRecord],
) -> Cursor:
    """Stores a finished vertex: result, milestones, chat messages, a renewed lease. Raises `PassLost`.

    Raises `ValueWithoutCodec`, before anything is written, for an output that cannot be stored.
    """
    outputs = encode_outputs(result.outputs).decode()
    with log.transition(durable=False) as transition:
        cursor = _advance(transition, claimed, events, _ANNOUNCE)
        row = {
            "job_id": claimed.job_id,
            "vertex_id": result.vertex_id,
            "visit": result.visit,
            "position": cursor.seq,
            "outputs": outputs,
        }
        transition.connection.execute(_ADD_RESULT, row)
        remember(transition.connection, messages)
    return cursor


def complete(log: EventLog, claimed: Claimed, events: Sequence[Event]) -> None:
    """Ends a job whose vertices are all finished; the last event is the terminal one. Raises `PassLost`."""
    with log.transition(durable=True) as transition:
        _advance(transition, claimed, events, _COMPLETE)


def fail(log: EventLog, claimed: Claimed, error: str, events: Sequence[Event]) -> None:
    """Ends a job with an error, JSON as it is stored; the last event is the terminal one. Raises `PassLost`."""
    with log.transition(durable=True) as transition:
        _advance(transition, claimed, events, _FAIL, stored_error=error)


def release(log: EventLog, claimed: Claimed) -> None:
    """Hands a job on, unfinished: it is queued again and the attempt is not counted. Raises `PassLost`."""
    with log.transition(durable=False) as transition:
        _advance(transition, claimed, (), _RELEASE)


def renew(database: Database, owned: Collection[Claimed], lease_seconds: float) -> set[str]:
    """Renews the leases of all passes of a process in one statement; returns the jobs that it still owns."""
    fences = [(claimed.job_id, claimed.fence) for claimed in owned]
    with database.relaxed() as connection:
        return set(connection.execute(_RENEW, {"fences": fences, "lease_seconds": lease_seconds}).scalars())


def _advance(
    transition: Transition,
    claimed: Claimed,
    events: Sequence[Event],
    statement: ReturningUpdate[int],
    **more: Any,
) -> Cursor:
    """Executes one of the statements of `_advancing` and stores the events; their last cursor. Raises `PassLost`."""
    bound = {
        "of_job": claimed.job_id,
        "under_fence": claimed.fence,
        "count": len(events),
        "lease_seconds": claimed.lease_seconds,
        **more,
    }
    seq = transition.connection.execute(statement, bound).scalar_one_or_none()
    if seq is None:
        raise PassLost(f"Job {claimed.job_id} is no longer owned under fence {claimed.fence}.")
    transition.append(claimed.job_id, seq, events)
    return Cursor(seq)
