"""What the pass that owns a job may do: one function per transition, each one transaction under its fence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, tuple_, update
from sqlmodel import col

from flows.codec import decode_outputs, encode_outputs
from flows.context import VertexResult
from flows.events import Event
from flows.messages import MessageRecord
from storage.clock import after, now
from storage.cursor import Cursor
from storage.database import Database
from storage.errors import PassLost
from storage.log import EventLog, Transition
from storage.states import Order, Status, states_moved_by
from storage.tables import ChatMessage, Job, VertexRow


@dataclass(frozen=True)
class Claimed:
    """A job as the pass that claimed it got it. `seconds_left` is None when nothing bounds its time."""

    job_id: str
    fence: int
    worker: str
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


_HANDED_OVER = (
    "fence", "seq", "attempts", "user_id", "flow_id", "version_id", "session_id", "request", "overrides",
    "created_at", "deadline_at",
)  # fmt: skip


def claim(log: EventLog, job_id: str, worker: str, lease_seconds: float, events: Sequence[Event]) -> Claimed | None:
    """Takes a job that is queued, or whose pass let its lease run out, under a new fence; None when it is neither.

    The lease starts in the claim itself, by the database's clock; the attempt is counted here, where no crash can
    lose the count.
    """
    columns = [getattr(Job, name) for name in _HANDED_OVER]
    statement = (
        update(Job)
        .where(col(Job.id) == job_id, _claimable())
        .values(
            status=Status.IN_PROGRESS,
            fence=col(Job.fence) + 1,
            seq=col(Job.seq) + len(events),
            attempts=col(Job.attempts) + 1,
            worker=worker,
            lease_until=after(lease_seconds),
            started_at=func.coalesce(col(Job.started_at), now()),
        )
        .returning(*columns, now().label("claimed_at"))
    )
    with log.transition(durable=False) as transition:
        row = transition.connection.execute(statement).one_or_none()
        if row is None:
            return None
        transition.append(job_id, row.seq, events)
    return Claimed(job_id=job_id, worker=worker, lease_seconds=lease_seconds, **row._mapping)


def finished_vertices(database: Database, job_id: str) -> list[VertexResult]:
    """The vertices that earlier passes finished, in that order, for the next pass to go on from (I6)."""
    statement = select(VertexRow).where(col(VertexRow.job_id) == job_id).order_by(col(VertexRow.position))
    with database.read() as connection:
        rows = connection.execute(statement).all()
    return [VertexResult(row.vertex_id, row.visit, decode_outputs(row.outputs)) for row in rows]


def announce(log: EventLog, claimed: Claimed, events: Sequence[Event]) -> Cursor:
    """Adds milestones. Raises `PassLost`."""
    with log.transition(durable=False) as transition:
        return _advance(transition, claimed, events)


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
        cursor = _advance(transition, claimed, events)
        row = {
            "job_id": claimed.job_id,
            "vertex_id": result.vertex_id,
            "visit": result.visit,
            "position": cursor.seq,
            "outputs": outputs,
        }
        transition.connection.execute(insert(VertexRow), row)
        if messages:
            transition.connection.execute(insert(ChatMessage), [_message_row(message) for message in messages])
    return cursor


def complete(log: EventLog, claimed: Claimed, events: Sequence[Event]) -> None:
    """Ends a job whose vertices are all finished; the last event is the terminal one. Raises `PassLost`."""
    with log.transition(durable=True) as transition:
        _advance(transition, claimed, events, **ended(Status.COMPLETED))


def fail(log: EventLog, claimed: Claimed, error: str, events: Sequence[Event]) -> None:
    """Ends a job with an error, JSON as it is stored; the last event is the terminal one. Raises `PassLost`."""
    with log.transition(durable=True) as transition:
        _advance(transition, claimed, events, error=error, **ended(Status.FAILED))


def release(log: EventLog, claimed: Claimed) -> None:
    """Hands a job on, unfinished: it is queued again and the attempt is not counted. Raises `PassLost`."""
    with log.transition(durable=False) as transition:
        _advance(
            transition, claimed, (),
            status=Status.QUEUED, worker=None, lease_until=None, attempts=col(Job.attempts) - 1, hinted_at=now(),
        )  # fmt: skip


def renew(database: Database, owned: Collection[Claimed], lease_seconds: float) -> set[str]:
    """Renews the leases of all passes of a process in one statement; returns the jobs that it still owns."""
    fences = [(claimed.job_id, claimed.fence) for claimed in owned]
    statement = (
        update(Job)
        .where(tuple_(col(Job.id), col(Job.fence)).in_(fences), col(Job.status) == Status.IN_PROGRESS)
        .values(lease_until=after(lease_seconds))
        .returning(col(Job.id))
    )
    with database.relaxed() as connection:
        return set(connection.execute(statement).scalars())


def ended(status: Status) -> Mapping[str, Any]:
    """The columns of a job that ended: no owner, no lease, no secrets (rule 12)."""
    return {"status": status, "finished_at": now(), "overrides": None, "lease_until": None, "worker": None}


def _claimable() -> ColumnElement[bool]:
    """`OUTCOMES` for a claim: queued, or in progress under a lease that ran out."""
    expired = and_(col(Job.status) == Status.IN_PROGRESS, col(Job.lease_until) < now())
    assert states_moved_by(Order.CLAIM) == [Status.QUEUED, Status.IN_PROGRESS]
    return or_(col(Job.status) == Status.QUEUED, expired)


def _advance(transition: Transition, claimed: Claimed, events: Sequence[Event], **changes: Any) -> Cursor:
    """Counts the events on the job's row under the fence, renews the lease, stores them; their last cursor."""
    statement = (
        update(Job)
        .where(col(Job.id) == claimed.job_id, col(Job.fence) == claimed.fence)
        .where(col(Job.status) == Status.IN_PROGRESS)
        .values({"seq": col(Job.seq) + len(events), "lease_until": after(claimed.lease_seconds), **changes})
        .returning(col(Job.seq))
    )
    seq = transition.connection.execute(statement).scalar_one_or_none()
    if seq is None:
        raise PassLost(f"Job {claimed.job_id} is no longer owned under fence {claimed.fence}.")
    transition.append(claimed.job_id, seq, events)
    return Cursor(seq)


def _message_row(record: MessageRecord) -> dict[str, Any]:
    message = record.message
    texts = {name: _without_nul(getattr(message, name)) for name in ("session_id", "sender", "sender_name", "text")}
    return {
        "id": record.id,
        "job_id": record.job_id,
        "flow_id": record.flow_id,
        **texts,
        "files": encode_outputs({"files": list(message.files)}).decode(),
        "created_at": record.created_at,
    }


def _without_nul(text: str) -> str:
    """PostgreSQL stores no NUL in a text; the log keeps the message as it was."""
    return text.replace("\x00", "")
