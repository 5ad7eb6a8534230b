"""What users keep here beside their flows, and the record of what they did."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from storage.clock import Instant


class StoredFile(SQLModel, table=True):
    """A file that somebody uploaded. Its bytes lie in the data folder under its path, which no user chose."""

    __tablename__ = "files"
    __table_args__ = (Index("files_of_user", "user_id", "created_at"),)

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    """Who uploaded it; of a file of a flow, who owns that."""
    end_user: str | None = None
    """The person behind the key of a service, who alone may use it (contract 6.4)."""
    flow_id: str | None = Field(default=None, foreign_key="flows.id", ondelete="CASCADE", index=True)
    """The flow whose runs may all read it; null when only runs of its user may."""
    path: str = Field(unique=True)
    """How a run names it: the id of its user, or of its flow, and a generated name."""
    name: str
    """What whoever uploaded it called it."""
    media_type: str
    size: int
    """In bytes."""
    created_at: datetime = Field(sa_type=Instant)


class AuditEntry(SQLModel, table=True):
    """Something that somebody did which others may want to know later; never rewritten."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("audit_log_of_user", "user_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Instant, index=True)
    user_id: str | None = None
    """Who did it; null when nobody known did, as in a refused login."""
    user_name: str | None = None
    """Their name at that time."""
    action: str
    subject: str
    """The id of what it was done to."""
    detail: str = Field(default="{}", sa_type=Text)
    """More about it, as JSON, without secrets."""
    address: str | None = None
    """The network address that it came from."""
