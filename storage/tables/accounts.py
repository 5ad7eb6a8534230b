"""Who there is, and what is theirs."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text, true
from sqlmodel import Field, SQLModel

from storage.clock import Instant


class User(SQLModel, table=True):
    """A person or a service that owns flows and jobs."""

    __tablename__ = "users"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    is_superuser: bool = False
    password: str | None = Field(default=None, sa_type=Text)
    """Its argon2 hash; null for a user without one."""
    is_active: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    """Whether they may do anything; keys and logins of one who is not are refused."""
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
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    """To the minute, more or less: not every use is written."""
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class Login(SQLModel, table=True):
    """A browser's session by the keyed hash of its cookie's token; the token itself is nowhere stored."""

    __tablename__ = "logins"

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    key_id: str | None = Field(default=None, foreign_key="api_keys.id", index=True)
    """The API key that it began with, and lasts no longer than; null after a password."""
    digest: str = Field(unique=True)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class HashKey(SQLModel, table=True):
    """The key of the hashes of API keys and logins, encrypted; one row. It stays when secret keys come and go."""

    __tablename__ = "hash_keys"

    id: str = Field(primary_key=True)
    sealed: bytes = Field(sa_type=LargeBinary)


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
