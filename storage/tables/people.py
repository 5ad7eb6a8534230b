"""What people are asked, and what they want of a job."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Text
from sqlmodel import Field, SQLModel

from storage.clock import Instant
from storage.states import RequestState
from storage.tables.conditions import one_of, where


class HumanRequestRow(SQLModel, table=True):
    """One question to a person, and what became of it. Nothing of it is ever rewritten once it is decided."""

    __tablename__ = "human_requests"
    __table_args__ = (
        CheckConstraint(one_of("state", RequestState), name="human_requests_state"),
        Index("human_requests_of_job", "job_id", "number"),
        Index("human_requests_open", "user_id", "asked_at", "id", **where("state = 'open'")),
        Index("human_requests_due", "due_at", **where("state = 'open'")),
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
