"""The processes that work."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from storage.clock import Instant


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
