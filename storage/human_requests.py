"""Human requests as they are read: those of a job, those that somebody may answer, those whose time has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, and_, bindparam, exists, or_, select
from sqlmodel import col

from flows.dialogue import Asked
from flows.human import Decision, RequestKind
from storage.clock import after, now
from storage.database import Database
from storage.states import LIVE, RequestState, Status
from storage.tables import Answerer, HumanRequestRow, Job, table_of
from storage.visibility import is_hidden

BATCH = 200
"""Requests that a sweep looks at."""

_requests = table_of(HumanRequestRow).c
_OF_JOB = select(table_of(HumanRequestRow)).where(_requests.job_id == bindparam("of_job")).order_by(_requests.number)
_JOB_OF = select(_requests.job_id).where(_requests.id == bindparam("of_request"))


@dataclass(frozen=True)
class RequestView:
    """A human request and what became of it."""

    id: str
    job_id: str
    user_id: str
    flow_id: str
    vertex_id: str
    visit: int
    kind: RequestKind
    state: RequestState
    digest: str
    payload: dict[str, Any]
    asked_at: datetime
    deadline_at: datetime | None
    decided: Decision | None
    """What somebody decided."""
    decided_by: str | None
    decided_at: datetime | None
    is_late: bool
    is_applied: bool

    @property
    def answerers(self) -> list[str]:
        """The names of those who may answer; nobody named means the owner of the job."""
        found: list[str] = self.payload.get("answerers") or []
        return found

    @property
    def is_open(self) -> bool:
        return self.state is RequestState.OPEN

    @property
    def taken(self) -> Decision:
        """What its vertex goes on from: the decision, or what stands in for one that came too late or never."""
        if self.decided is None or self.is_late:
            return Decision(self.payload.get("fallback_action"))
        return self.decided

    @property
    def as_asked(self) -> Asked:
        decision = None if self.is_open else self.taken
        return Asked(self.id, self.vertex_id, self.visit, self.kind, self.digest, decision, self.is_applied)


@dataclass(frozen=True)
class DueRequest:
    """A request whose time has come: to be brought to mind, or to lapse when it `is_over`."""

    job_id: str
    request_id: str
    is_over: bool


@dataclass(frozen=True)
class RequestFilter:
    """Which open requests to list, oldest first, for a user who may answer them; after the request `behind`."""

    user_id: str
    user_name: str
    end_user: str | None = None
    """Whose of the user's own jobs they are (contract 6.4)."""
    flow_id: str | None = None
    kind: RequestKind | None = None
    overdue: bool = False
    behind: str | None = None
    limit: int = 50


def requests_of(database: Database, job_id: str) -> list[RequestView]:
    """All requests of a job, in the order in which they were asked."""
    with database.read() as connection:
        return [view_of(row) for row in connection.execute(_OF_JOB, {"of_job": job_id})]


def find_request(database: Database, job_id: str, request_id: str) -> RequestView | None:
    """One request of a job."""
    return next((found for found in requests_of(database, job_id) if found.id == request_id), None)


def job_of_request(database: Database, request_id: str) -> str | None:
    """The job that asks something."""
    with database.read() as connection:
        found: str | None = connection.execute(_JOB_OF, {"of_request": request_id}).scalar_one_or_none()
    return found


def open_requests(database: Database, wanted: RequestFilter) -> list[RequestView]:
    """The open requests that a user may answer: those that name them, and those of their own jobs that name nobody."""
    statement = select(table_of(HumanRequestRow)).where(_requests.state == RequestState.OPEN, _is_for(wanted))
    if wanted.flow_id is not None:
        statement = statement.where(_requests.flow_id == wanted.flow_id)
    if wanted.kind is not None:
        statement = statement.where(_requests.kind == wanted.kind)
    if wanted.overdue:
        statement = statement.where(_requests.deadline_at <= now())
    if wanted.behind is not None:
        asked = select(_requests.asked_at).where(_requests.id == wanted.behind).scalar_subquery()
        later = and_(_requests.asked_at == asked, _requests.id > wanted.behind)
        statement = statement.where(or_(_requests.asked_at > asked, later))
    ordered = statement.order_by(_requests.asked_at, _requests.id).limit(wanted.limit)
    with database.read() as connection:
        return [view_of(row) for row in connection.execute(ordered)]


@dataclass(frozen=True)
class Pending:
    """An open request of a suspended job, with what is told of the job."""

    request: RequestView
    session_id: str
    created_at: datetime


def pending_of_flow(database: Database, user_id: str, flow_id: str, end_user: str | None = None) -> list[Pending]:
    """What the suspended jobs of a user, for an end user, ask of a flow that the user may see, the oldest first."""
    statement = (
        select(table_of(HumanRequestRow), col(Job.session_id), col(Job.created_at))
        .join(Job, col(Job.id) == _requests.job_id)
        .where(_requests.state == RequestState.OPEN, _requests.user_id == user_id, _requests.flow_id == flow_id)
        .where(col(Job.status) == Status.SUSPENDED, col(Job.end_user).is_not_distinct_from(end_user))
        .where(~is_hidden(_requests.flow_id, user_id))
        .order_by(_requests.asked_at, _requests.id)
    )
    with database.read() as connection:
        return [Pending(view_of(row), row.session_id, row.created_at) for row in connection.execute(statement)]


def _is_for(wanted: RequestFilter) -> ColumnElement[bool]:
    """Whether a request is for a user: one who is named; when nobody is, the owner of the job, for the end user whose
    job it is, while they may see its flow. A service whose name is named has no end user it could be for."""
    names = exists().where(col(Answerer.request_id) == _requests.id)
    own = and_(
        _requests.user_id == wanted.user_id,
        ~names,
        exists().where(col(Job.id) == _requests.job_id, col(Job.end_user).is_not_distinct_from(wanted.end_user)),
        ~is_hidden(_requests.flow_id, wanted.user_id),
    )
    if wanted.end_user is not None:
        return own
    return or_(names.where(col(Answerer.user_name) == wanted.user_name), own)


def due_requests(database: Database) -> list[DueRequest]:
    """Open requests of jobs that live whose reminder or deadline has come, the longest overdue first."""
    statement = (
        select(_requests.id, _requests.job_id, (_requests.deadline_at <= now()).label("is_over"))
        .join(Job, col(Job.id) == _requests.job_id)
        .where(_requests.state == RequestState.OPEN, _requests.due_at <= now(), col(Job.status).in_(LIVE))
        .order_by(_requests.due_at)
        .limit(BATCH)
    )
    with database.read() as connection:
        return [DueRequest(row.job_id, row.id, bool(row.is_over)) for row in connection.execute(statement)]


def waiting_too_long(database: Database, seconds: float) -> Sequence[str]:
    """Suspended jobs that have waited for a person for more than so many seconds."""
    statement = (
        select(_requests.job_id)
        .distinct()
        .join(Job, col(Job.id) == _requests.job_id)
        .where(_requests.state == RequestState.OPEN, _requests.asked_at <= after(-seconds))
        .where(col(Job.status) == Status.SUSPENDED)
        .limit(BATCH)
    )
    with database.read() as connection:
        return connection.execute(statement).scalars().all()


def view_of(row: Row[Any]) -> RequestView:
    """A request from its row."""
    return RequestView(
        id=row.id,
        job_id=row.job_id,
        user_id=row.user_id,
        flow_id=row.flow_id,
        vertex_id=row.vertex_id,
        visit=row.visit,
        kind=RequestKind(row.kind),
        state=RequestState(row.state),
        digest=row.digest,
        payload=orjson.loads(row.payload),
        asked_at=row.asked_at,
        deadline_at=row.deadline_at,
        decided=None if row.decision is None else Decision.load(orjson.loads(row.decision)),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        is_late=row.is_late,
        is_applied=row.is_applied,
    )
