"""The log of a job: milestones in the database first, then in the stream; read back as one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select

from flows.events import Event
from storage.clock import now
from storage.cursor import START, Cursor
from storage.database import Database
from storage.kill_points import Reached, unarmed
from storage.stream import Entry, EventStream, StreamUnavailable
from storage.tables import JobEvent, table_of

_NEVER = 2**31 - 1
"""Behind every seq."""

_events = table_of(JobEvent).c
_ADD = insert(table_of(JobEvent)).values(created_at=now())
_STORED = (
    select(_events.seq, _events.type, _events.payload, _events.terminal)
    .where(_events.job_id == bindparam("of_job"), _events.seq > bindparam("after"), _events.seq < bindparam("before"))
    .order_by(_events.seq)
    .limit(bindparam("count"))
)


@dataclass(frozen=True, slots=True)
class Told:
    """One milestone, encoded, before it has its number."""

    type: str
    terminal: bool
    payload: bytes


def tell(events: Sequence[Event]) -> list[Told]:
    """Encodes milestones, each once. Raises `ValueWithoutCodec`."""
    return [Told(event.type, event.terminal, event.encode()) for event in events]


class Transition:
    """One open transaction on jobs, and the milestones it will have added once it has committed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.entries: dict[str, list[Entry]] = {}

    @property
    def is_sqlite(self) -> bool:
        return self.connection.dialect.name == "sqlite"

    def append(self, job_id: str, last_seq: int, events: Sequence[Event]) -> None:
        """Stores milestones under the numbers that end with `last_seq`, which the job's row already counts."""
        told = tell(events)
        self.add(job_id, last_seq, told)
        self.publish(job_id, last_seq, told)

    def add(self, job_id: str, last_seq: int, told: Sequence[Told]) -> None:
        """Adds the rows of milestones."""
        rows = [
            {
                "job_id": job_id,
                "seq": seq,
                "type": event.type,
                "terminal": event.terminal,
                "payload": event.payload.decode(),
            }
            for seq, event in enumerate(told, last_seq - len(told) + 1)
        ]
        if rows:
            # A single row needs one round trip; a list of them, one more to open the driver's batch.
            self.connection.execute(_ADD, rows if len(rows) > 1 else rows[0])

    def publish(self, job_id: str, last_seq: int, told: Sequence[Told]) -> None:
        """Takes note of milestones whose rows are added, to be published after the commit."""
        first = last_seq - len(told) + 1
        entries = [
            Entry(Cursor(seq), event.type, event.payload, event.terminal) for seq, event in enumerate(told, first)
        ]
        if entries:
            self.entries.setdefault(job_id, []).extend(entries)


@dataclass(frozen=True)
class Page:
    """Some entries of a log in order; `is_last` when there is nothing more to read and a reader waits."""

    entries: list[Entry]
    is_last: bool


class EventLog:
    """Where transitions write and readers read. Commits first, publishes then: a client never sees an id that a
    failed commit gives to another event."""

    def __init__(self, database: Database, stream: EventStream, reached: Reached = unarmed) -> None:
        self.database = database
        self.stream = stream
        self.reached = reached
        """Told of every kill point."""

    @contextmanager
    def transition(self, name: str, *, durable: bool, one_write: bool = False) -> Iterator[Transition]:
        """One transaction (rule 3). After the commit its milestones are published; if that fails, readers poll.

        `one_write` promises that an `Advance`, and nothing else, will write. PostgreSQL commits that in the same
        moment, so there is no place between.
        """
        one_statement = one_write and not self.database.is_sqlite
        with self.database.writing(durable=durable, one_statement=one_statement) as connection:
            transition = Transition(connection)
            yield transition
            if not one_statement:
                self.reached(f"{name}.written")
        self.reached(f"{name}.committed")
        for job_id, entries in transition.entries.items():
            self.publish(job_id, entries)
        self.reached(f"{name}.published")

    def publish(self, job_id: str, entries: Sequence[Entry]) -> None:
        """Publishes entries. A stream that cannot be reached costs latency and deltas, never the run (rule 5)."""
        with suppress(StreamUnavailable):
            self.stream.publish(job_id, entries)

    def read(self, job_id: str, after: Cursor, limit: int = 500) -> Page:
        """The next entries after a cursor, at most `limit`, without a hole: what the stream has lost is filled from
        the database (rule 4). Deltas that nothing holds any more are left out."""
        streamed = self._streamed(job_id, after, limit)
        dense = dense_prefix(streamed, after)
        if dense:
            return Page(dense, is_last=len(dense) == len(streamed) < limit)
        before = _first_seq_held(streamed[0].cursor) if streamed else None
        stored = self.stored(job_id, after.seq, before, limit)
        return Page(stored, is_last=before is None and len(stored) < limit)

    def genuine(self, job_id: str, last_seq: int, claimed: Cursor) -> Cursor:
        """Where a client that claims a cursor really is. A cursor that the log of `last_seq` milestones cannot have
        given out means the start; a delta that nothing holds any more means the milestone before it."""
        if claimed.seq > last_seq:
            return START
        if claimed.is_milestone:
            return claimed
        held = self._streamed(job_id, Cursor(claimed.seq, claimed.delta - 1), 1)
        return claimed if held and held[0].cursor == claimed else Cursor(claimed.seq)

    def stored(self, job_id: str, after: int, before: int | None = None, limit: int = 500) -> list[Entry]:
        """Milestones from the database with `after < seq < before`."""
        bounds = {"of_job": job_id, "after": after, "before": _NEVER if before is None else before, "count": limit}
        with self.database.read() as connection:
            rows = connection.execute(_STORED, bounds).all()
        return [Entry(Cursor(row.seq), row.type, row.payload.encode(), row.terminal) for row in rows]

    def _streamed(self, job_id: str, after: Cursor, limit: int) -> list[Entry]:
        try:
            return self.stream.range(job_id, after, limit)
        except StreamUnavailable:
            return []


def dense_prefix(entries: Sequence[Entry], after: Cursor) -> list[Entry]:
    """The entries up to the first hole: a milestone that is missing between a cursor, or an entry, and the next."""
    dense: list[Entry] = []
    for entry in entries:
        if _first_seq_held(entry.cursor) > after.seq + 1:
            break
        dense.append(entry)
        after = entry.cursor
    return dense


def _first_seq_held(cursor: Cursor) -> int:
    """The first milestone that need not be looked for elsewhere when an entry at this cursor is at hand."""
    return cursor.seq if cursor.is_milestone else cursor.seq + 1
