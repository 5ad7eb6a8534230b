"""Jobs and everything that a pass stores of them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, false
from sqlmodel import Field, SQLModel

from storage.clock import Instant
from storage.levels import Trust
from storage.states import HOLDS_KEY, LIVE, Mode, Status
from storage.tables.conditions import one_of, where


class Job(SQLModel, table=True):
    """One run of one flow version. `seq` is the last event's, `fence` grows with every claim and stop."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(one_of("status", Status), name="jobs_status"),
        CheckConstraint(one_of("mode", Mode), name="jobs_mode"),
        CheckConstraint(one_of("trust", Trust), name="jobs_trust"),
        Index(
            "jobs_idempotency_key",
            "user_id",
            "idempotency_key",
            unique=True,
            **where(f"idempotency_key IS NOT NULL AND {one_of('status', HOLDS_KEY)}"),
        ),
        Index("jobs_waiting", "mode", "turn", "created_at", **where("status = 'queued'")),
        Index("jobs_waiting_of_user", "user_id", "turn", **where("status = 'queued'")),
        Index("jobs_live", "status", "hinted_at", **where(one_of("status", LIVE))),
        Index("jobs_suspended", "user_id", "flow_id", "session_id", **where("status = 'suspended'")),
        Index("jobs_newest", "user_id", "created_at", "id"),
        Index("jobs_of_flow", "flow_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    """Who runs it; of a public run the owner of its flow, who looks after it."""
    flow_id: str
    version_id: str = Field(foreign_key="flow_versions.id")
    mode: str
    status: str
    session_id: str
    request: str = Field(sa_type=Text)
    """What was asked, without tweaks and globals."""
    overrides: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Tweaks and globals, encrypted and bound to this job; dropped at the terminal state (rule 12)."""
    trust: str = Field(default=Trust.FULL, sa_column_kwargs={"server_default": Trust.FULL})
    """How far whoever runs it may see into its flow."""
    end_user: str | None = None
    """The person behind the key of a service, who alone may see it (contract 6.4)."""
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
    """Until when it rests though it is queued: the last worker that had it could not read its secrets."""
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
    tokens: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    """What its model calls have cost so far."""
    max_tokens: int | None = Field(default=None, sa_type=BigInteger)
    """What they may cost before somebody is asked; null for whatever it takes."""
    created_at: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    error: str | None = Field(default=None, sa_type=Text)


class JobEvent(SQLModel, table=True):
    """One milestone. `seq` is dense from 1 per job."""

    __tablename__ = "job_events"
    __table_args__ = (Index("job_events_terminal", "job_id", unique=True, **where("terminal")),)

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


class CheckpointRow(SQLModel, table=True):
    """One step of a long build that is done and must not be done again, until its vertex is finished."""

    __tablename__ = "checkpoints"

    job_id: str = Field(primary_key=True, foreign_key="jobs.id", ondelete="CASCADE")
    vertex_id: str = Field(primary_key=True)
    visit: int = Field(primary_key=True)
    name: str = Field(primary_key=True)
    content: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)


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
