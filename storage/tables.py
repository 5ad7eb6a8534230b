"""The tables. Every moment is the database's; every text of JSON is stored as it is sent."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Table, Text, false, text
from sqlmodel import Field, SQLModel

from storage.clock import Instant
from storage.states import HOLDS_KEY, LIVE, Mode, RequestState, Status


def _one_of(column: str, values: Iterable[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class User(SQLModel, table=True):
    """A person or a service that owns flows and jobs."""

    __tablename__ = "users"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    is_superuser: bool = False
    created_at: datetime = Field(sa_type=Instant)


class ApiKey(SQLModel, table=True):
    """A key by its keyed hash; the key itself is nowhere stored."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    name: str
    prefix: str
    digest: str = Field(unique=True)
    created_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class FlowVersion(SQLModel, table=True):
    """One definition, immutable, by the hash of its content."""

    __tablename__ = "flow_versions"

    id: str = Field(primary_key=True)
    definition: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)


class Flow(SQLModel, table=True):
    """A stored flow and the version that a new job of it runs."""

    __tablename__ = "flows"

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    name: str
    description: str | None = Field(default=None, sa_type=Text)
    endpoint_name: str | None = Field(default=None, unique=True)
    tags: str = Field(default="[]", sa_type=Text)
    is_component: bool = False
    version_id: str = Field(foreign_key="flow_versions.id")
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Job(SQLModel, table=True):
    """One run of one flow version. `seq` is the last event's, `fence` grows with every claim and stop."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(_one_of("status", Status), name="jobs_status"),
        CheckConstraint(_one_of("mode", Mode), name="jobs_mode"),
        Index(
            "jobs_idempotency_key",
            "user_id",
            "idempotency_key",
            unique=True,
            **_where(f"idempotency_key IS NOT NULL AND {_one_of('status', HOLDS_KEY)}"),
        ),
        Index("jobs_waiting", "mode", "turn", "created_at", **_where("status = 'queued'")),
        Index("jobs_waiting_of_user", "user_id", "turn", **_where("status = 'queued'")),
        Index("jobs_live", "status", "hinted_at", **_where(_one_of("status", LIVE))),
        Index("jobs_suspended", "user_id", "flow_id", "session_id", **_where("status = 'suspended'")),
        Index("jobs_newest", "user_id", "created_at", "id"),
        Index("jobs_of_flow", "flow_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    flow_id: str
    version_id: str = Field(foreign_key="flow_versions.id")
    mode: str
    status: str
    session_id: str
    request: str = Field(sa_type=Text)
    """What was asked, without tweaks and globals."""
    overrides: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Tweaks and globals, encrypted and bound to this job; dropped at the terminal state (rule 12)."""
    expose_graph_state: bool = True
    stream_protocol: str = "langflow"
    idempotency_key: str | None = None
    fingerprint: str | None = None
    seq: int = 0
    fence: int = 0
    attempts: int = 0
    """Passes that were claimed since a vertex was last finished; one that a deploy interrupted does not count."""
    turn: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    """Its place among the queued jobs of its lane: the lowest is claimed first, so that users take turns."""
    worker: str | None = None
    """Whose pass owns it, or was cut off in it; null when no vertex was left half built."""
    taken_from: str | None = None
    """Whose pass was cut off before the pass that owns it now; null when none was."""
    lease_until: datetime | None = Field(default=None, sa_type=Instant)
    hinted_at: datetime = Field(sa_type=Instant)
    wake_at: datetime | None = Field(default=None, sa_type=Instant)
    """Not used; deadlines of people stand with their requests."""
    deadline_at: datetime | None = Field(default=None, sa_type=Instant)
    vertex_deadline_at: datetime | None = Field(default=None, sa_type=Instant)
    """By when the pass must have written again, or one of its vertices takes longer than it may."""
    seconds_left: float | None = None
    """What is left of its time while it is suspended, and its deadline stands still."""
    writes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often its present pass has written."""
    asking: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Human requests of it that are open."""
    unapplied: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Human requests that are decided and from which their vertex has not gone on; while there are any, it does not
    stay suspended."""
    is_paused: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether somebody wants it to stand still until they let it go on."""
    created_at: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    error: str | None = Field(default=None, sa_type=Text)


class JobEvent(SQLModel, table=True):
    """One milestone. `seq` is dense from 1 per job."""

    __tablename__ = "job_events"
    __table_args__ = (Index("job_events_terminal", "job_id", unique=True, **_where("terminal")),)

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    seq: int = Field(primary_key=True)
    type: str
    terminal: bool = False
    payload: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)


class VertexRow(SQLModel, table=True):
    """What one visit of one vertex produced, stored once by the pass that built it."""

    __tablename__ = "vertex_results"

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    vertex_id: str = Field(primary_key=True)
    visit: int = Field(primary_key=True)
    position: int
    """The `seq` of its first milestone: the order in which vertices finished."""
    outputs: str = Field(sa_type=Text)


class VertexIntent(SQLModel, table=True):
    """One visit of a vertex that must not happen twice, stored before it begins (rule 6). Without a result beside it,
    nobody knows whether it happened."""

    __tablename__ = "vertex_intents"

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    vertex_id: str = Field(primary_key=True)
    visit: int = Field(primary_key=True)
    fence: int
    created_at: datetime = Field(sa_type=Instant)


class HumanRequestRow(SQLModel, table=True):
    """One question to a person, and what became of it. Nothing of it is ever rewritten once it is decided."""

    __tablename__ = "human_requests"
    __table_args__ = (
        CheckConstraint(_one_of("state", RequestState), name="human_requests_state"),
        Index("human_requests_of_job", "job_id", "number"),
        Index("human_requests_open", "user_id", "asked_at", "id", **_where("state = 'open'")),
        Index("human_requests_due", "due_at", **_where("state = 'open'")),
    )

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", ondelete="CASCADE")
    user_id: str
    """The owner of the job."""
    flow_id: str
    vertex_id: str
    visit: int
    number: int
    """Which of the requests of its job it is, from 1."""
    kind: str
    state: str
    digest: str
    """What a decision on it is bound to: a hash of everything that was shown."""
    payload: str = Field(sa_type=Text)
    """What was asked, as the event has it."""
    asked_at: datetime = Field(sa_type=Instant)
    deadline_at: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it is to be brought to mind, and after that, when its time is over."""
    decision: str | None = Field(default=None, sa_type=Text)
    decided_by: str | None = None
    """The name of the user; null when nobody decided in time."""
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_from: str | None = None
    """The network address that the decision came from."""
    is_late: bool = False
    """Whether the deadline was over when somebody decided, so that the fallback was taken instead."""
    is_applied: bool = False
    """Whether the vertex has gone on from the decision."""


class Answerer(SQLModel, table=True):
    """A user who may answer a request; a request without any is for the owner of its job."""

    __tablename__ = "answerers"
    __table_args__ = (Index("answerers_of_user", "user_name", "request_id"),)

    request_id: str = Field(primary_key=True, foreign_key="human_requests.id", ondelete="CASCADE")
    user_name: str = Field(primary_key=True)


class ExecutionSignal(SQLModel, table=True):
    """A control order on a job, stored, consumed once; also the record of who gave it."""

    __tablename__ = "execution_signals"

    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", ondelete="CASCADE", index=True)
    kind: str
    user_id: str
    created_at: datetime = Field(sa_type=Instant)
    consumed_at: datetime | None = Field(default=None, sa_type=Instant)


class ChatMessage(SQLModel, table=True):
    """One chat message in a session's memory."""

    __tablename__ = "messages"
    __table_args__ = (Index("messages_of_session", "flow_id", "session_id", "created_at"),)

    id: str = Field(primary_key=True)
    job_id: str = Field(index=True)
    flow_id: str
    session_id: str
    sender: str
    sender_name: str
    text: str = Field(sa_type=Text)
    files: str = Field(sa_type=Text)
    content_blocks: str = Field(default="[]", sa_type=Text, sa_column_kwargs={"server_default": "[]"})
    created_at: datetime = Field(sa_type=Instant)


class Variable(SQLModel, table=True):
    """A user's named value, encrypted."""

    __tablename__ = "variables"
    __table_args__ = (Index("variables_name", "user_id", "name", unique=True),)

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    name: str
    value: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class WorkerProcess(SQLModel, table=True):
    """One process that works, as it last reported itself."""

    __tablename__ = "workers"

    id: str = Field(primary_key=True)
    threads: int
    running: int
    stuck: int
    """Threads held by a pass that is over and does not end."""
    started_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    claimed_at: datetime | None = Field(default=None, sa_type=Instant)


class Sweep(SQLModel, table=True):
    """The one row that says whose turn it is to sweep, and when a sweep last came to its end."""

    __tablename__ = "sweeps"

    id: int = Field(primary_key=True)
    worker: str | None = None
    begun_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a class, for statements that are built once and executed for every vertex: they skip what the
    ORM would add to each execution."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
