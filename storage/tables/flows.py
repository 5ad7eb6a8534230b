"""Flows and their versions."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from storage.clock import Instant


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
