"""The event stream of one process."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Condition

from flows.events import EventType
from storage.cursor import START, Cursor
from storage.stream import Entry, StreamBounds

REST_SECONDS = 2.0
"""How long the events of a job are kept when it begins to wait for a person: until those who watch have them."""


@dataclass
class _Kept:
    """The newest entries of one job, and when they may be forgotten."""

    entries: list[Entry] = field(default_factory=list)
    last: Cursor = START
    expires: float = 0.0


class MemoryStream:
    """An `EventStream` in memory, with the ids, refusals and bounds of the Redis one."""

    def __init__(self, bounds: StreamBounds, monotonic: Callable[[], float]) -> None:
        self._bounds = bounds
        self._monotonic = monotonic
        self._jobs: dict[str, _Kept] = {}
        self._resting: dict[str, float] = {}
        """When the jobs may be forgotten that wait for people: long before others, for they hold nothing (rule 7)."""
        self._changed = Condition()
        self._woken = False
        self._bytes = 0
        self._awaited: Collection[str] = ()
        """The jobs that the waiting thread waits for."""
        self._news = False
        """Whether one of them got entries."""

    def publish(self, job_id: str, entries: Sequence[Entry]) -> None:
        with self._changed:
            kept = self._jobs.pop(job_id, None) or _Kept()
            self._jobs[job_id] = kept
            for entry in entries:
                if entry.cursor > kept.last:
                    kept.entries.append(entry)
                    kept.last = entry.cursor
                    self._bytes += len(entry.payload)
            kept.expires = self._monotonic() + self._bounds.seconds
            self._let_rest(job_id, entries)
            if len(kept.entries) > 2 * self._bounds.length:
                self._drop(kept, len(kept.entries) - self._bounds.length)
            self._forget()
            if job_id in self._awaited:
                self._news = True
                self._changed.notify_all()

    def range(self, job_id: str, after: Cursor, limit: int) -> list[Entry]:
        with self._changed:
            return self._after(job_id, after)[:limit]

    def wait(self, positions: Mapping[str, Cursor], seconds: float) -> dict[str, list[Entry]]:
        with self._changed:
            found = self._found(positions)
            if not found:
                self._awaited, self._news = positions, False
                self._changed.wait_for(lambda: self._woken or self._news, seconds)
                self._awaited = ()
                found = self._found(positions)
            self._woken = False
            return found

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        self._jobs.clear()

    def _found(self, positions: Mapping[str, Cursor]) -> dict[str, list[Entry]]:
        found = {job_id: self._after(job_id, cursor) for job_id, cursor in positions.items()}
        return {job_id: entries for job_id, entries in found.items() if entries}

    def _after(self, job_id: str, cursor: Cursor) -> list[Entry]:
        kept = self._jobs.get(job_id)
        if kept is None or kept.last <= cursor:
            return []
        return kept.entries[bisect_right(kept.entries, cursor, key=lambda entry: entry.cursor) :]

    def _let_rest(self, job_id: str, entries: Sequence[Entry]) -> None:
        self._resting.pop(job_id, None)
        if entries and entries[-1].type == EventType.RUN_SUSPENDED:
            self._resting[job_id] = self._monotonic() + REST_SECONDS

    def _forget(self) -> None:
        """Drops the jobs that nothing was published to for longest, which are first in the mappings: those whose time
        is over, and others while all of them together hold too much."""
        now = self._monotonic()
        while self._resting and next(iter(self._resting.values())) < now:
            self._remove(next(iter(self._resting)))
        while len(self._jobs) > 1:
            oldest, kept = next(iter(self._jobs.items()))
            if kept.expires >= now and self._bytes <= self._bounds.total_bytes:
                return
            self._remove(oldest)

    def _remove(self, job_id: str) -> None:
        kept = self._jobs.pop(job_id)
        self._drop(kept, len(kept.entries))
        self._resting.pop(job_id, None)

    def _drop(self, kept: _Kept, count: int) -> None:
        self._bytes -= sum(len(entry.payload) for entry in kept.entries[:count])
        del kept.entries[:count]
