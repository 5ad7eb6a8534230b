"""Jobs as they are read: one, many, and what they put out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, and_, bindparam, or_, select
from sqlmodel import col

from flows.events import EventType
from storage.database import Database
from storage.levels import Trust
from storage.states import TERMINAL, Mode, Status
from storage.tables import Job, JobEvent, table_of
from storage.visibility import is_hidden


@dataclass(frozen=True)
class JobView:
    """What may be told about a job."""

    id: str
    user_id: str
    flow_id: str
    mode: Mode
    status: Status
    session_id: str
    seq: int
    trust: Trust
    end_user: str | None
    expose_graph_state: bool
    stream_protocol: str
    request: str
    is_paused: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL


_jobs, _events = table_of(Job).c, table_of(JobEvent).c
JOB_COLUMNS = [_jobs[name] for name in JobView.__dataclass_fields__]
_FIND = select(*JOB_COLUMNS).where(_jobs.id == bindparam("of_job"))
_OVERRIDES = select(_jobs.overrides).where(_jobs.id == bindparam("of_job"))
_OF_TYPE = (
    select(_events.payload)
    .where(_events.job_id == bindparam("of_job"), _events.type == bindparam("of_type"))
    .order_by(_events.seq)
)


@dataclass(frozen=True)
class JobFilter:
    """Which jobs of a user to list, newest first, after the job `before` when it is given."""

    user_id: str
    flow_id: str | None = None
    status: Status | None = None
    session_id: str | None = None
    end_user: str | None = None
    before: str | None = None
    limit: int = 50


def find_job(database: Database, job_id: str) -> JobView | None:
    """One job, whoever owns it."""
    with database.read() as connection:
        row = connection.execute(_FIND, {"of_job": job_id}).one_or_none()
    return job_of(row) if row is not None else None


def overrides_of(database: Database, job_id: str) -> bytes | None:
    """The encrypted tweaks and globals of a job; None when it has none."""
    with database.read() as connection:
        return connection.execute(_OVERRIDES, {"of_job": job_id}).scalar_one_or_none()


def list_jobs(database: Database, wanted: JobFilter) -> list[JobView]:
    """Jobs of flows that their user may see, newest first; of two created at the same moment the larger id comes
    first, so that paging has no hole."""
    statement = (
        select(*JOB_COLUMNS)
        .where(col(Job.user_id) == wanted.user_id, ~is_hidden(_jobs.flow_id, wanted.user_id))
        .where(col(Job.end_user).is_not_distinct_from(wanted.end_user))
        .order_by(col(Job.created_at).desc(), col(Job.id).desc())
        .limit(wanted.limit)
    )
    for name in ("flow_id", "status", "session_id"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(getattr(Job, name) == value)
    if wanted.before is not None:
        created = select(col(Job.created_at)).where(col(Job.id) == wanted.before).scalar_subquery()
        earlier = and_(col(Job.created_at) == created, col(Job.id) < wanted.before)
        statement = statement.where(or_(col(Job.created_at) < created, earlier))
    with database.read() as connection:
        return [job_of(row) for row in connection.execute(statement)]


def outputs_of(database: Database, job_id: str) -> dict[str, dict[str, Any]]:
    """The outputs of a job by component id, in the order they came: a function of its log, whoever wrote it."""
    return {output.pop("component_id"): output for output in _told(database, job_id, EventType.OUTPUT)}


def finished_vertices(database: Database, job_id: str) -> list[dict[str, Any]]:
    """What `end_vertex` told of each vertex that was built, in the order they came; of one in a loop several times."""
    return _told(database, job_id, EventType.END_VERTEX)


def _told(database: Database, job_id: str, kind: EventType) -> list[dict[str, Any]]:
    with database.read() as connection:
        found = connection.execute(_OF_TYPE, {"of_job": job_id, "of_type": kind}).scalars()
        return [orjson.loads(payload)["data"] for payload in found]


@dataclass(frozen=True)
class LogState:
    """How far the log of a job has come, and whether the job stands still there."""

    seq: int
    is_suspended: bool


def log_states(database: Database, job_ids: Collection[str]) -> Mapping[str, LogState]:
    """How far the logs of some jobs have come."""
    if not job_ids:
        return {}
    statement = select(col(Job.id), col(Job.seq), col(Job.status)).where(col(Job.id).in_(job_ids))
    with database.read() as connection:
        return {row.id: LogState(row.seq, row.status == Status.SUSPENDED) for row in connection.execute(statement)}


def job_of(row: Row[Any]) -> JobView:
    """A job from a row that has at least its columns."""
    fields = {name: row._mapping[name] for name in JobView.__dataclass_fields__}
    kinds = {"mode": Mode(row.mode), "status": Status(row.status), "trust": Trust(row.trust)}
    return JobView(**{**fields, **kinds})
