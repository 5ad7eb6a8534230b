"""The knowledge bases of users: texts are added in one transaction with the revision under which they are searched."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar
from uuid import uuid4

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from flows.knowledge import MAX_BYTES, MAX_CHUNKS, Base, Chunk, Found, KnowledgeRefused, OtherEmbedding
from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.database import Database
from storage.tables import KnowledgeBase, KnowledgeChunk, table_of

T = TypeVar("T")

MOST = 100
"""Knowledge bases of one user at most (I10)."""
AT_ONCE = 500
"""Chunks that one statement reads or writes."""

_bases, _chunks = table_of(KnowledgeBase).c, table_of(KnowledgeChunk).c
_SHOWN = [_bases[name] for name in Base.__dataclass_fields__]
_OF_NAME = (_bases.user_id == bindparam("of_user"), _bases.name == bindparam("of_name"))
_FIND = select(*_SHOWN).where(*_OF_NAME)
_LOCK = update(table_of(KnowledgeBase)).where(*_OF_NAME).values(updated_at=now()).returning(*_SHOWN)
_GROW = (
    update(table_of(KnowledgeBase))
    .where(_bases.id == bindparam("of_base"))
    .values(
        revision=_bases.revision + 1,
        chunks=_bases.chunks + bindparam("more_chunks"),
        bytes=_bases.bytes + bindparam("more_bytes"),
    )
    .returning(*_SHOWN)
)


def find_base(database: Database, user_id: str, name: str) -> Base | None:
    """A base of a user. One cheap statement: every search begins with it."""
    with database.read() as connection:
        row = connection.execute(_FIND, {"of_user": user_id, "of_name": name}).one_or_none()
    return None if row is None else _base(row)


def list_bases(database: Database, user_id: str) -> list[Base]:
    """The bases of a user, by name."""
    statement = select(*_SHOWN).where(_bases.user_id == user_id).order_by(_bases.name)
    with database.read() as connection:
        return [_base(row) for row in connection.execute(statement)]


def delete_base(database: Database, user_id: str, name: str, by: Actor) -> bool:
    """Deletes a base with all of its texts; false when there is none."""
    with database.durable() as connection:
        statement = delete(table_of(KnowledgeBase)).where(*_OF_NAME)
        gone = connection.execute(statement, {"of_user": user_id, "of_name": name}).rowcount > 0
        if gone:
            record(connection, Deed(Action.KNOWLEDGE_DELETED, name, by))
    return gone


def held(database: Database, base_id: str, digests: Collection[str]) -> set[str]:
    """Which of some chunks a base holds."""
    with database.read() as connection:
        return _held(connection, base_id, digests)


def add(database: Database, user_id: str, name: str, embedding: str, chunks: Sequence[Chunk]) -> Base:
    """Adds those chunks that a base does not hold yet, and makes the base when there is none: all or nothing, whoever
    adds at the same moment. Raises `KnowledgeRefused` and `OtherEmbedding`."""
    [dimensions, *others] = dict.fromkeys(len(chunk.vector) // 4 for chunk in chunks)
    with database.durable() as connection:
        base = _locked(connection, database, user_id, name, embedding, dimensions)
        if others or (base.embedding, base.dimensions) != (embedding, dimensions):
            at_hand = f"{embedding} ({', '.join(map(str, (dimensions, *others)))})"
            raise OtherEmbedding(name, f"{base.embedding} ({base.dimensions})", at_hand)
        known = _held(connection, base.id, [chunk.digest for chunk in chunks])
        new = {chunk.digest: chunk for chunk in chunks if chunk.digest not in known}
        return _insert(connection, base, list(new.values())) if new else base


def read_chunks(database: Database, base_id: str, numbers: Sequence[int]) -> dict[int, Found]:
    """The chunks at some places of a base, in the order of these; those that are gone are missing."""
    found: dict[int, Found] = {}
    with database.read() as connection:
        for some in _batches(numbers):
            statement = select(table_of(KnowledgeChunk)).where(_chunks.base_id == base_id, _chunks.number.in_(some))
            for row in connection.execute(statement):
                found[row.number] = Found(row.digest, row.text, orjson.loads(row.details), row.vector)
    return {number: found[number] for number in numbers if number in found}


def read_vectors(database: Database, base_id: str) -> Iterator[tuple[int, bytes, str]]:
    """Number, vector and metadata of all chunks of a base, in the order in which they were added."""
    last = -1
    columns = (_chunks.number, _chunks.vector, _chunks.details)
    of_base = select(*columns).where(_chunks.base_id == base_id).order_by(_chunks.number).limit(AT_ONCE)
    while True:
        with database.read() as connection:
            rows = connection.execute(of_base.where(_chunks.number > last)).all()
        yield from ((row.number, row.vector, row.details) for row in rows)
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].number


def _locked(
    connection: Connection, database: Database, user_id: str, name: str, embedding: str, dimensions: int
) -> Base:
    """The base, which no other transaction changes meanwhile; a new one when there is none."""
    named = {"of_user": user_id, "of_name": name}
    row = connection.execute(_LOCK, named).one_or_none()
    if row is not None:
        return _base(row)
    count = select(func.count()).where(_bases.user_id == user_id)
    if connection.execute(count).scalar_one() >= MOST:
        raise KnowledgeRefused(f"A user may have {MOST} knowledge bases. Delete one first.")
    new = {"id": str(uuid4()), "user_id": user_id, "name": name, "embedding": embedding, "dimensions": dimensions}
    empty = {"revision": 0, "chunks": 0, "bytes": 0, "created_at": now(), "updated_at": now()}
    connection.execute(database.insert(KnowledgeBase).values(**new, **empty).on_conflict_do_nothing())
    return _base(connection.execute(_LOCK, named).one())


def _insert(connection: Connection, base: Base, chunks: Sequence[Chunk]) -> Base:
    rows: list[dict[str, Any]] = [
        {
            "base_id": base.id,
            "number": base.chunks + place,
            "digest": chunk.digest,
            # PostgreSQL stores no NUL in a text.
            "text": chunk.text.replace("\x00", ""),
            "details": orjson.dumps(dict(chunk.metadata)).decode(),
            "vector": chunk.vector,
        }
        for place, chunk in enumerate(chunks)
    ]
    size = sum(len(row["text"].encode()) + len(row["details"]) + len(row["vector"]) for row in rows)
    if base.chunks + len(rows) > MAX_CHUNKS or base.bytes + size > MAX_BYTES:
        raise KnowledgeRefused(
            f"The knowledge base {base.name!r} would have more than {MAX_CHUNKS} texts or {MAX_BYTES} bytes. Divide it."
        )
    for some in _batches(rows):
        connection.execute(insert(table_of(KnowledgeChunk)), some)
    grown = {"of_base": base.id, "more_chunks": len(rows), "more_bytes": size}
    return _base(connection.execute(_GROW, grown).one())


def _held(connection: Connection, base_id: str, digests: Collection[str]) -> set[str]:
    found: set[str] = set()
    for some in _batches(digests):
        statement = select(_chunks.digest).where(_chunks.base_id == base_id, _chunks.digest.in_(some))
        found.update(connection.execute(statement).scalars())
    return found


def _batches(items: Collection[T]) -> Iterator[list[T]]:
    left = iter(items)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _base(row: Row[Any]) -> Base:
    return Base(**row._mapping)
