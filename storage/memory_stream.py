"""The event stream of one process."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Condition

from storage.cursor import START, Cursor
from storage.stream import Entry, StreamBounds


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
        self._changed = Condition()
        self._woken = False
        self._published: set[str] = set()
        """Jobs that got entries since the waiting thread last looked."""

    def publish(self, job_id: str, entries: Sequence[Entry]) -> None:
        with self._changed:
            kept = self._jobs.pop(job_id, None) or _Kept()
            self._jobs[job_id] = kept
            for entry in entries:
                if entry.cursor > kept.last:
                    kept.entries.append(entry)
                    kept.last = entry.cursor
            kept.expires = self._monotonic() + self._bounds.seconds
            if len(kept.entries) > 2 * self._bounds.length:
                del kept.entries[: -self._bounds.length]
            self._forget()
            self._published.add(job_id)
            self._changed.notify_all()

    def range(self, job_id: str, after: Cursor, limit: int) -> list[Entry]:
        with self._changed:
            return self._after(job_id, after)[:limit]

    def wait(self, positions: Mapping[str, Cursor], seconds: float) -> dict[str, list[Entry]]:
        with self._changed:
            self._published.clear()
            found = self._found(positions)
            if not found:
                self._changed.wait_for(lambda: self._woken or self._has_news(positions), seconds)
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

    def _has_news(self, positions: Mapping[str, Cursor]) -> bool:
        return any(job_id in positions for job_id in self._published)

    def _after(self, job_id: str, cursor: Cursor) -> list[Entry]:
        kept = self._jobs.get(job_id)
        if kept is None or kept.last <= cursor:
            return []
        return kept.entries[bisect_right(kept.entries, cursor, key=lambda entry: entry.cursor) :]

    def _forget(self) -> None:
        """Drops the jobs that nothing was published to for longest; they are first in the mapping."""
        now = self._monotonic()
        while self._jobs and next(iter(self._jobs.values())).expires < now:
            del self._jobs[next(iter(self._jobs))]
