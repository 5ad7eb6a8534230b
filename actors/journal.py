"""Where the engine of a pass writes: under the pass's fence, into the log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock

from sqlalchemy.exc import SQLAlchemyError

from flows.context import VertexResult
from flows.errors import PassInterrupted
from flows.events import Event
from flows.messages import MessageRecord
from storage import passes
from storage.cursor import Cursor
from storage.log import EventLog
from storage.passes import Claimed
from storage.stream import Entry


@contextmanager
def interrupting() -> Iterator[None]:
    """Turns an error of the database into an interruption of the pass, which no component can mistake for its own."""
    try:
        yield
    except SQLAlchemyError as error:
        raise PassInterrupted from error


class PassJournal:
    """The `Journal` of one pass. Milestones and deltas get their cursors here, in the order they are written.

    Deltas of two passes cannot meet: each pass begins with a milestone of its own.
    """

    def __init__(self, log: EventLog, claimed: Claimed) -> None:
        self._log = log
        self._claimed = claimed
        self._cursor = Cursor(claimed.seq)
        # Components that are plain functions write from other threads.
        self._turn = RLock()

    def announce(self, events: Sequence[Event]) -> None:
        with self._turn, interrupting():
            self._cursor = passes.announce(self._log, self._claimed, events)

    def finish(self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord]) -> None:
        with self._turn, interrupting():
            self._cursor = passes.finish_vertex(self._log, self._claimed, result, events, messages)

    def delta(self, event: Event) -> None:
        with self._turn:
            self._cursor = Cursor(self._cursor.seq, self._cursor.delta + 1)
            self._log.publish(self._claimed.job_id, [Entry(self._cursor, event.type, event.encode())])
