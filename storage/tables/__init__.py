"""The tables. Every moment is the database's; every text of JSON is stored as it is sent."""

from sqlalchemy import Table
from sqlmodel import SQLModel

from storage.tables.accounts import ApiKey, HashKey, Login, User, Variable
from storage.tables.belongings import AuditEntry, StoredFile
from storage.tables.flows import Flow, FlowShare, FlowVersion, Project
from storage.tables.jobs import ChatMessage, CheckpointRow, Job, JobEvent, VertexIntent, VertexRow
from storage.tables.knowledge import KnowledgeBase, KnowledgeChunk
from storage.tables.people import Answerer, ExecutionSignal, HumanRequestRow
from storage.tables.processes import Sweep, WorkerProcess

__all__ = [
    "Answerer",
    "ApiKey",
    "AuditEntry",
    "ChatMessage",
    "CheckpointRow",
    "ExecutionSignal",
    "Flow",
    "FlowShare",
    "FlowVersion",
    "HashKey",
    "HumanRequestRow",
    "Job",
    "JobEvent",
    "KnowledgeBase",
    "KnowledgeChunk",
    "Login",
    "Project",
    "StoredFile",
    "Sweep",
    "User",
    "Variable",
    "VertexIntent",
    "VertexRow",
    "WorkerProcess",
    "table_of",
]


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a class, for statements that are built once and executed for every vertex: they skip what the
    ORM would add to each execution."""
    return SQLModel.metadata.tables[str(model.__tablename__)]
