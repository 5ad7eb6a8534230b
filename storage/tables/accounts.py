"""Who there is, and what is theirs."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field, SQLModel

from storage.clock import Instant


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
