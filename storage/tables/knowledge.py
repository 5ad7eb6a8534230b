"""What users' flows know: texts with their embeddings."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from storage.clock import Instant


class KnowledgeBase(SQLModel, table=True):
    """A named collection of texts of one user, all embedded alike."""

    __tablename__ = "knowledge_bases"
    __table_args__ = (Index("knowledge_bases_name", "user_id", "name", unique=True),)

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    name: str
    embedding: str
    """The name of what its texts were embedded with."""
    dimensions: int
    revision: int = 0
    """Grows with every change of its texts: what a process keeps in memory of them is kept under it."""
    chunks: int = 0
    bytes: int = Field(default=0, sa_type=BigInteger)
    """Of texts, metadata and vectors together."""
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class KnowledgeChunk(SQLModel, table=True):
    """One text of a base. `number` is its place, from 0 in the order in which texts were added."""

    __tablename__ = "knowledge_chunks"
    __table_args__ = (Index("knowledge_chunks_digest", "base_id", "digest", unique=True),)

    base_id: str = Field(primary_key=True, foreign_key="knowledge_bases.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    digest: str
    """What it is known by; no two of a base have the same."""
    text: str = Field(sa_type=Text)
    details: str = Field(sa_type=Text)
    """Its metadata, as JSON."""
    vector: bytes = Field(sa_type=LargeBinary)
