"""Flows, their versions, and who may do what with them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Text, false
from sqlmodel import Field, SQLModel

from storage.clock import Instant
from storage.levels import Level
from storage.tables.conditions import one_of, where


class FlowVersion(SQLModel, table=True):
    """One definition, immutable, by the hash of its content."""

    __tablename__ = "flow_versions"

    id: str = Field(primary_key=True)
    definition: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)


class Flow(SQLModel, table=True):
    """A stored flow and the version that a new job of it runs."""

    __tablename__ = "flows"
    __table_args__ = (
        ForeignKeyConstraint(["project_id"], ["projects.id"], name="flows_project", ondelete="SET NULL"),
        Index("flows_endpoint_name", "user_id", "endpoint_name", unique=True),
    )

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    project_id: str | None = Field(default=None, index=True)
    """A project of the same user; null for the default one."""
    name: str
    description: str | None = Field(default=None, sa_type=Text)
    endpoint_name: str | None = None
    tags: str = Field(default="[]", sa_type=Text)
    is_component: bool = False
    is_public: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether anybody may run it through the public route, unless a share of the public says otherwise."""
    version_id: str = Field(foreign_key="flow_versions.id")
    max_tokens: int | None = Field(default=None, sa_type=BigInteger)
    """What the model calls of one run may cost before somebody is asked; null for whatever it takes."""
    icon: str | None = Field(default=None, sa_type=Text)
    """This and the next three are what an editor keeps with a flow; nothing here reads them."""
    icon_bg_color: str | None = Field(default=None, sa_type=Text)
    locked: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    mcp_enabled: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class Project(SQLModel, table=True):
    """Flows that their owner keeps together. Names need not differ."""

    __tablename__ = "projects"

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    name: str
    description: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class FlowShare(SQLModel, table=True):
    """What somebody who does not own a flow may do with it; a share without a user is the public's."""

    __tablename__ = "flow_shares"
    __table_args__ = (
        CheckConstraint(one_of("level", Level), name="flow_shares_level"),
        Index("flow_shares_of_user", "user_id", "flow_id", unique=True, **where("user_id IS NOT NULL")),
        Index("flow_shares_of_public", "flow_id", unique=True, **where("user_id IS NULL")),
        Index("flow_shares_of_flow", "flow_id"),
    )

    id: str = Field(primary_key=True)
    flow_id: str = Field(foreign_key="flows.id", ondelete="CASCADE")
    user_id: str | None = Field(default=None, foreign_key="users.id")
    level: str
    created_at: datetime = Field(sa_type=Instant)
    created_by: str
    """The user who shared it."""
