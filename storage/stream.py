"""The event stream: a cache of the newest events of each job that any process can wait on (rule 5).

It may be emptied at any moment. What is lost is latency and deltas; milestones stand in the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from storage.cursor import Cursor


class Entry(NamedTuple):
    """One event as it travels: where it stands, its type, its frame, and whether it is the job's last."""

    cursor: Cursor
    type: str
    payload: bytes
    terminal: bool = False


@dataclass(frozen=True)
class StreamBounds:
    """How much is kept: of a job about `length` entries, until `seconds` after its last milestone; in memory about
    `total_bytes` of all jobs together."""

    length: int = 10_000
    seconds: int = 3_600
    total_bytes: int = 100_000_000


class StreamUnavailable(Exception):
    """The stream cannot be reached; readers go on with the database."""


class EventStream(Protocol):
    """An entry that is not after the last one is refused, so that a late or repeated write has no effect."""

    def publish(self, job_id: str, entries: Sequence[Entry]) -> None:
        """Adds entries at their cursors. An entry at or before the last one is left out. Raises `StreamUnavailable`."""

    def range(self, job_id: str, after: Cursor, limit: int) -> list[Entry]:
        """The first `limit` entries after a cursor that are still kept. Raises `StreamUnavailable`."""

    def wait(self, positions: Mapping[str, Cursor], seconds: float) -> dict[str, list[Entry]]:
        """Blocks until a job has entries after its position, `wake` was called, or the time is over.

        Raises `StreamUnavailable`. One thread at a time may wait.
        """

    def wake(self) -> None:
        """Makes the waiting thread return soon, from any thread."""

    def close(self) -> None:
        """Gives connections back."""
