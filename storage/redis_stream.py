"""The event stream of many processes: one Redis stream per job, with explicit ids.

| key | holds |
|---|---|
| `penstock:events:{<job id>}` | the newest events of a job; `t` type, `p` frame, `x` present on the last one |
| `penstock:wake:<process>` | an entry whenever the process's waiting reader has to look at its jobs again |
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import redis

from storage.cursor import Cursor
from storage.redis_link import RedisAway, RedisLink
from storage.stream import Entry, StreamBounds, StreamUnavailable

REFUSED = "equal or smaller"
"""What Redis says to an id that is not after the last one: the entry is there already, or its writer came too late."""
_READ_AT_ONCE = 1_000


def events_key(job_id: str) -> str:
    """The stream of a job; the braces keep one job's keys on one node."""
    return f"penstock:events:{{{job_id}}}"


class RedisStream:
    """An `EventStream` on Redis. A Redis that is slow or away holds no request and no run."""

    def __init__(self, link: RedisLink, bounds: StreamBounds) -> None:
        self._link = link
        self._bounds = bounds
        self._wake_key = f"penstock:wake:{uuid4()}"
        self._wake_seen = "0-0"

    def publish(self, job_id: str, entries: Sequence[Entry]) -> None:
        key = events_key(job_id)
        with self._reaching():
            pipeline = self._link.quick.pipeline(transaction=False)
            for entry in entries:
                pipeline.xadd(
                    key, _fields(entry), id=entry.cursor.stream_id, maxlen=self._bounds.length, approximate=True
                )
            if any(entry.cursor.is_milestone for entry in entries):
                pipeline.expire(key, self._bounds.seconds)
            for answer in pipeline.execute(raise_on_error=False):
                if isinstance(answer, redis.ResponseError) and REFUSED not in str(answer):
                    raise answer

    def range(self, job_id: str, after: Cursor, limit: int) -> list[Entry]:
        with self._reaching():
            found: Any = self._link.quick.xrange(events_key(job_id), min=f"({after.stream_id}", count=limit)
        return [_entry(id, fields) for id, fields in found or ()]

    def wait(self, positions: Mapping[str, Cursor], seconds: float) -> dict[str, list[Entry]]:
        keys: dict[Any, Any] = {events_key(job_id): cursor.stream_id for job_id, cursor in positions.items()}
        jobs = dict(zip(keys, positions, strict=True))
        keys[self._wake_key] = self._wake_seen
        with self._reaching():
            answer: Any = self._link.waiting.xread(keys, count=_READ_AT_ONCE, block=max(1, int(seconds * 1000)))
        found = {key.decode(): entries for key, entries in _pairs(answer)}
        if woken := found.pop(self._wake_key, None):
            self._wake_seen = woken[-1][0].decode()
        return {jobs[key]: [_entry(id, fields) for id, fields in entries] for key, entries in found.items()}

    def wake(self) -> None:
        with self._reaching():
            pipeline = self._link.quick.pipeline(transaction=False)
            pipeline.xadd(self._wake_key, {"w": ""}, maxlen=1)
            pipeline.expire(self._wake_key, self._bounds.seconds)
            pipeline.execute()

    def close(self) -> None:
        self._link.close()

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            with self._link.reaching():
                yield
        except RedisAway as away:
            raise StreamUnavailable(str(away)) from away


def _pairs(answer: Any) -> Any:
    """The streams of an XREAD answer: a list of pairs in RESP2, a mapping in RESP3."""
    return answer.items() if isinstance(answer, dict) else answer or ()


def _fields(entry: Entry) -> dict[Any, Any]:
    """In the order in which they are read back."""
    fields: dict[Any, Any] = {"t": entry.type, "p": entry.payload}
    return {**fields, "x": "1"} if entry.terminal else fields


def _entry(id: bytes, fields: Sequence[bytes]) -> Entry:
    """Of an id, and a flat list of names and values."""
    seq, _, delta = id.partition(b"-")
    _, type, _, payload, *last = fields
    return Entry(Cursor(int(seq), int(delta)), type.decode(), payload, last[:1] == [b"x"])
