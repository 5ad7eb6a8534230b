"""How a job comes into being: its row and its first events in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Boolean, Connection, Float, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from flows.events import Event
from storage.clock import after, now
from storage.errors import IdempotencyConflict, IdempotencyKeyBusy, QueueFull
from storage.flow_store import put_version
from storage.log import EventLog
from storage.states import HOLDS_KEY, Mode, Status
from storage.tables import Job, table_of

TRIES = 5
"""How often a submit looks again when a simultaneous one with the same key came first and has ended already."""

_jobs = table_of(Job).c
_ADD = insert(table_of(Job)).values(
    hinted_at=now(), created_at=now(), deadline_at=after(bindparam("seconds_allowed", type_=Float))
)
_COUNT_QUEUED = select(func.count()).select_from(
    select(_jobs.id)
    .where(_jobs.status == Status.QUEUED, (_jobs.mode == Mode.BACKGROUND) == bindparam("background", type_=Boolean))
    .limit(bindparam("enough"))
    .subquery()
)


@dataclass(frozen=True)
class NewJob:
    """What is asked for. `fingerprint` tells one request from another under the same idempotency key.

    `definition` is the text of a version that came with the request; None when the version is stored already.
    """

    id: str
    user_id: str
    flow_id: str
    version_id: str
    mode: Mode
    session_id: str
    request: str
    overrides: bytes | None = None
    expose_graph_state: bool = True
    stream_protocol: str = "langflow"
    idempotency_key: str | None = None
    fingerprint: str | None = None
    seconds_allowed: float | None = None
    definition: str | None = None


@dataclass(frozen=True)
class Submitted:
    """The job that answers a request: a new one, or the one that the idempotency key stands for."""

    job_id: str
    is_new: bool


def submit(log: EventLog, job: NewJob, events: Sequence[Event], *, max_queued: int) -> Submitted:
    """Stores a job, durably (I1), or finds the one its idempotency key stands for (I12).

    Raises `QueueFull`, `IdempotencyConflict` and `IdempotencyKeyBusy`; nothing is stored then.
    """
    if job.idempotency_key is None:
        _insert(log, job, events, max_queued)
        return Submitted(job.id, is_new=True)
    for _ in range(TRIES):
        if held := _holder(log, job):
            return Submitted(held, is_new=False)
        try:
            _insert(log, job, events, max_queued)
        except IntegrityError as error:
            collision = error
        else:
            return Submitted(job.id, is_new=True)
    raise IdempotencyKeyBusy("The idempotency key changes hands too fast. Try again.") from collision


def _insert(log: EventLog, job: NewJob, events: Sequence[Event], max_queued: int) -> None:
    with log.transition(durable=True) as transition:
        if _queued(transition.connection, job, max_queued) >= max_queued:
            raise QueueFull(f"{max_queued} jobs are queued, as many as PENSTOCK_MAX_QUEUED allows. Try again later.")
        if job.definition is not None:
            put_version(transition.connection, job.version_id, job.definition)
        transition.connection.execute(_ADD, _row(job, len(events)))
        transition.append(job.id, len(events), events)


def _row(job: NewJob, seq: int) -> dict[str, object]:
    return {
        "id": job.id,
        "user_id": job.user_id,
        "flow_id": job.flow_id,
        "version_id": job.version_id,
        "mode": job.mode,
        "status": Status.QUEUED,
        "session_id": job.session_id,
        "request": job.request,
        "overrides": job.overrides,
        "expose_graph_state": job.expose_graph_state,
        "stream_protocol": job.stream_protocol,
        "idempotency_key": job.idempotency_key,
        "fingerprint": job.fingerprint,
        "seq": seq,
        "seconds_allowed": job.seconds_allowed,
    }


def _queued(connection: Connection, job: NewJob, enough: int) -> int:
    """How many jobs wait as this one will, counted no further than `enough`: a backlog of background runs must not turn
    away those that somebody waits for."""
    is_background = job.mode is Mode.BACKGROUND
    return connection.execute(_COUNT_QUEUED, {"enough": enough, "background": is_background}).scalar_one()


def _holder(log: EventLog, job: NewJob) -> str | None:
    statement = select(_jobs.id, _jobs.fingerprint).where(
        _jobs.user_id == job.user_id,
        _jobs.idempotency_key == job.idempotency_key,
        _jobs.status.in_(HOLDS_KEY),
    )
    with log.database.read() as connection:
        held = connection.execute(statement).one_or_none()
    if held is not None and held.fingerprint != job.fingerprint:
        raise IdempotencyConflict(held.id)
    return held.id if held is not None else None
