"""Secrets that nothing else is like, and every place in which one of them might be found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any
from uuid import uuid4

import redis
from sqlalchemy import MetaData, select

from storage.database import Database
from tests.deployments import Deployment


def canary(name: str) -> str:
    """A secret that says what it is."""
    return f"canary-{name}-{uuid4().hex}"


class Places:
    """Everything that a deployment has written or said: tables, Redis, files, and what its clients heard."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._heard: list[str] = []

    def hear(self, *texts: str) -> None:
        """Takes down what a client heard."""
        self._heard += texts

    def holding(self, texts: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """The places where each of some texts stands now."""
        contents = list(self._all())
        return {text: [place for place, content in contents if text.encode() in content] for text in texts}

    def _all(self) -> Iterator[tuple[str, bytes]]:
        """What stands where. Files are read as they are: SQLite's and its log, and what the processes have printed."""
        yield "clients", "\n".join(self._heard).encode()
        with closing(Database(self._deployment.database_url)) as database:
            yield from _tables(database)
        if self._deployment.redis_url is not None:
            yield from _keys(self._deployment.redis_url)
        for path in self._deployment.webs[0].log.parent.rglob("*"):
            if path.is_file():
                yield f"file {path.name}", path.read_bytes()


def _tables(database: Database) -> Iterator[tuple[str, bytes]]:
    """Every row of every table that the database itself knows of."""
    known = MetaData()
    with database.read() as connection:
        known.reflect(connection)
        for table in known.sorted_tables:
            rows = connection.execute(select(table)).all()
            yield f"table {table.name}", "\n".join(repr(tuple(row)) for row in rows).encode()


def _keys(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key of Redis with what it holds."""
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter():
            yield f"redis {key.decode()}", repr((key, _held(client, key))).encode()


def _held(client: "redis.Redis", key: bytes) -> Any:
    read: Mapping[bytes, Any] = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
        # It was gone the moment after it was listed.
        b"none": lambda key: None,
    }
    kind: Any = client.type(key)
    return read[kind](key)
