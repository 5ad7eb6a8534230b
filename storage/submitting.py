"""How a job comes into being: its row and its first events in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Float, ScalarSelect, bindparam, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from flows.events import Event
from storage.clock import after, now
from storage.ending import supersede
from storage.errors import IdempotencyConflict, IdempotencyKeyBusy, QueueFull
from storage.flow_store import put_version
from storage.kill_points import SUBMIT
from storage.lanes import lane_of
from storage.levels import Trust
from storage.log import EventLog
from storage.states import HOLDS_KEY, Mode, Status
from storage.tables import Job, table_of
from storage.turns import last_turn, of_same_user

TRIES = 5
"""How often a submit looks again when a simultaneous one with the same key came first and has ended already."""

_jobs = table_of(Job).c
_ADD = (
    insert(table_of(Job))
    .values(
        hinted_at=now(),
        created_at=now(),
        deadline_at=after(bindparam("seconds_allowed", type_=Float)),
        turn=last_turn(),
    )
    .returning(_jobs.created_at)
)
_CREATED = select(_jobs.created_at).where(_jobs.id == bindparam("of_job"))


def _count_queued(most: str, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many jobs of a lane wait, counted no further than the parameter `most`."""
    of_lane = _jobs.mode.in_(bindparam("lane_modes", expanding=True))
    some = select(_jobs.id).where(_jobs.status == Status.QUEUED, of_lane, *conditions).limit(bindparam(most))
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


_COUNT_QUEUED = select(
    _count_queued("most").label("all"),
    _count_queued("most_of_user", of_same_user(_jobs)).label("own"),
)


_COUNT_ASKING = select(func.count()).select_from(
    select(_jobs.id)
    .where(_jobs.flow_id == bindparam("of_flow"), _jobs.status == Status.SUSPENDED, _jobs.trust == Trust.PUBLIC)
    .limit(bindparam("most"))
    .subquery()
)


@dataclass(frozen=True)
class QueueBounds:
    """How many jobs may wait in one lane: of all users, and of one; and how many runs of the public may wait for the
    owner of their flow."""

    all: int = 10_000
    of_user: int = 10_000
    asking: int = 100


DEFAULT_BOUNDS = QueueBounds()


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
    trust: Trust = Trust.FULL
    end_user: str | None = None
    expose_graph_state: bool = True
    stream_protocol: str = "langflow"
    idempotency_key: str | None = None
    fingerprint: str | None = None
    max_tokens: int | None = None
    seconds_allowed: float | None = None
    definition: str | None = None


@dataclass(frozen=True)
class Submitted:
    """The job that answers a request: a new one, or the one that the idempotency key stands for."""

    job_id: str
    is_new: bool
    created_at: datetime


def submit(log: EventLog, job: NewJob, events: Sequence[Event], bounds: QueueBounds = DEFAULT_BOUNDS) -> Submitted:
    """Stores a job, durably (I1), or finds the one its idempotency key stands for (I12).

    Raises `QueueFull`, `IdempotencyConflict` and `IdempotencyKeyBusy`; nothing is stored then. An error of the
    database rises when nothing is stored, or when nobody can be asked whether it is.
    """
    if job.idempotency_key is None:
        return _insert_once(log, job, events, bounds)
    for _ in range(TRIES):
        if held := _holder(log, job):
            return held
        try:
            return _insert_once(log, job, events, bounds)
        except IntegrityError as error:
            collision = error
    raise IdempotencyKeyBusy("The idempotency key changes hands too fast. Try again.") from collision


def _insert_once(log: EventLog, job: NewJob, events: Sequence[Event], bounds: QueueBounds) -> Submitted:
    """Inserts; when the connection broke, so that nobody knows whether the commit took place, finds out (fault E3)."""
    try:
        return Submitted(job.id, is_new=True, created_at=_insert(log, job, events, bounds))
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return _stored(log, job) or _insert_again(log, job, events, bounds)


def _insert_again(log: EventLog, job: NewJob, events: Sequence[Event], bounds: QueueBounds) -> Submitted:
    """The first commit may still be under way: its id is taken meanwhile, so that this insert waits for its outcome."""
    try:
        return Submitted(job.id, is_new=True, created_at=_insert(log, job, events, bounds))
    except IntegrityError:
        if (stored := _stored(log, job)) is None:
            raise
        return stored


def _insert(log: EventLog, job: NewJob, events: Sequence[Event], bounds: QueueBounds) -> datetime:
    with log.transition(SUBMIT, durable=True) as transition:
        _check_room(transition.connection, job, bounds)
        if job.definition is not None:
            put_version(transition.connection, job.version_id, job.definition)
        created_at: datetime = transition.connection.execute(_ADD, _row(job, len(events))).scalar_one()
        transition.append(job.id, len(events), events)
        if job.mode is Mode.BACKGROUND:
            supersede(transition, job.id, job.user_id, job.flow_id, job.session_id)
    return created_at


def _stored(log: EventLog, job: NewJob) -> Submitted | None:
    with log.database.read() as connection:
        created_at = connection.execute(_CREATED, {"of_job": job.id}).scalar_one_or_none()
    return Submitted(job.id, is_new=True, created_at=created_at) if created_at is not None else None


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
        "trust": job.trust,
        "end_user": job.end_user,
        "expose_graph_state": job.expose_graph_state,
        "stream_protocol": job.stream_protocol,
        "idempotency_key": job.idempotency_key,
        "fingerprint": job.fingerprint,
        "seq": seq,
        "max_tokens": job.max_tokens,
        "seconds_allowed": job.seconds_allowed,
        **_line(job),
    }


def _line(job: NewJob) -> dict[str, object]:
    """Where a job will wait."""
    return {
        "lane_modes": lane_of(job.mode).modes,
        "of_user": job.user_id,
        "of_public": job.trust is Trust.PUBLIC,
    }


def _check_room(connection: Connection, job: NewJob, bounds: QueueBounds) -> None:
    """Counts the jobs that wait as this one will: a backlog of background runs must not turn away those that somebody
    waits for. Simultaneous submits may pass a bound together, by their number at most."""
    queued = connection.execute(_COUNT_QUEUED, {**_line(job), "most": bounds.all, "most_of_user": bounds.of_user}).one()
    if queued.all >= bounds.all:
        raise QueueFull(f"{bounds.all} jobs are queued, as many as PENSTOCK_MAX_QUEUED allows. Try again later.")
    if queued.own >= bounds.of_user:
        raise QueueFull(
            f"{bounds.of_user} of your jobs are queued, as many as PENSTOCK_MAX_QUEUED_PER_USER allows. "
            "Try again when some have run."
        )
    if job.trust is Trust.PUBLIC:
        _check_asking(connection, job, bounds)


def _check_asking(connection: Connection, job: NewJob, bounds: QueueBounds) -> None:
    """What visitors leave behind is for its owner to answer, so there must not be more and more of it (fault F16)."""
    asking = connection.execute(_COUNT_ASKING, {"of_flow": job.flow_id, "most": bounds.asking}).scalar_one()
    if asking >= bounds.asking:
        raise QueueFull("Too many runs of this flow wait for its owner. Try again later.")


def _holder(log: EventLog, job: NewJob) -> Submitted | None:
    statement = select(_jobs.id, _jobs.fingerprint, _jobs.created_at).where(
        _jobs.user_id == job.user_id,
        _jobs.idempotency_key == job.idempotency_key,
        _jobs.status.in_(HOLDS_KEY),
    )
    with log.database.read() as connection:
        held = connection.execute(statement).one_or_none()
    if held is not None and held.fingerprint != job.fingerprint:
        raise IdempotencyConflict(held.id)
    return Submitted(held.id, is_new=False, created_at=held.created_at) if held is not None else None
