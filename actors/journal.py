"""Where the engine of a pass writes: under the pass's fence, into the log."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError

from actors.running import Pass
from flows.context import VertexResult
from flows.errors import PassInterrupted
from flows.events import Event
from flows.messages import MessageRecord
from storage import passes
from storage.cursor import Cursor
from storage.database import may_pass
from storage.errors import PassLost
from storage.log import EventLog
from storage.stream import Entry

logger = structlog.get_logger(__name__)

Attempt: TypeAlias = Callable[[Cursor], Cursor]
"""A write, given how far the pass has counted; its last cursor."""

RETRY_SECONDS = 0.2
"""How long a pass waits before it tries a failed write again."""


@contextmanager
def interrupting() -> Iterator[None]:
    """Turns an error of the database into an interruption of the pass, which no component can mistake for its own."""
    try:
        yield
    except SQLAlchemyError as error:
        raise PassInterrupted from error


class PassJournal:
    """The `Journal` of one pass. Milestones and deltas get their cursors here, in the order they are written.

    A write that the database fails is tried again for as long as the lease lasts: what a vertex has done, and may have
    cost, is not thrown away for a restart of the database. Nothing is written when the lease is over. Deltas of two
    passes cannot meet: each pass begins with a milestone of its own.
    """

    def __init__(self, log: EventLog, running: Pass) -> None:
        self._log = log
        self._claimed = running.claimed
        self._tenure = running.tenure
        self._cursor = Cursor(running.claimed.seq)
        self._is_over = False
        # Components that are plain functions write from other threads.
        self._turn = RLock()

    def announce(self, events: Sequence[Event]) -> None:
        self._write(events, lambda counted: passes.announce(self._log, self._claimed, events, counted))

    def intend(self, vertex_id: str, visit: int) -> None:
        # No retry: without an event nothing tells whether a commit of unknown outcome took place.
        with self._turn, interrupting():
            self._check_owned()
            self._cursor = passes.intend(self._log, self._claimed, vertex_id, visit)

    def finish(self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord]) -> None:
        self._write(
            events, lambda counted: passes.finish_vertex(self._log, self._claimed, result, events, messages, counted)
        )

    def complete(self, events: Sequence[Event]) -> None:
        """Ends the job; as `storage.passes.complete`."""
        self._write(events, lambda counted: passes.complete(self._log, self._claimed, events, counted))

    def fail(self, error: str, events: Sequence[Event]) -> None:
        """Ends the job with an error; as `storage.passes.fail`."""
        self._write(events, lambda counted: passes.fail(self._log, self._claimed, error, events, counted))

    def expire(self, error: str, events: Sequence[Event]) -> None:
        """Ends the job for a vertex that took too long; as `storage.passes.expire`."""
        self._write(events, lambda counted: passes.expire(self._log, self._claimed, error, events, counted))

    def delta(self, event: Event) -> None:
        with self._turn:
            if self._is_over or self._tenure.is_over:
                return
            self._cursor = Cursor(self._cursor.seq, self._cursor.delta + 1)
            self._log.publish(self._claimed.job_id, [Entry(self._cursor, event.type, event.encode())])

    def close(self) -> None:
        """Says that the pass is over: what an abandoned vertex still tells reaches nobody."""
        with self._turn:
            self._is_over = True

    def _write(self, events: Sequence[Event], attempt: Attempt) -> None:
        with self._turn:
            self._check_owned()
            try:
                self._cursor = self._renewing(attempt)
            except SQLAlchemyError as error:
                if not may_pass(error):
                    raise
                self._cursor = self._insist(Cursor(self._cursor.seq + len(events)), attempt, error)

    def _renewing(self, attempt: Attempt) -> Cursor:
        began = self._tenure.now()
        cursor = attempt(self._cursor)
        self._tenure.renewed(began)
        return cursor

    def _insist(self, wanted: Cursor, attempt: Attempt, error: SQLAlchemyError) -> Cursor:
        """Tries a write until it is done or the lease is over that it began under: a write that alone fails, while the
        heartbeat goes on, must not be tried for ever. Raises `PassInterrupted` and `PassLost`."""
        until = self._tenure.now() + self._tenure.seconds_left
        while self._tenure.now() < until:
            logger.warning("write_failed", job_id=self._claimed.job_id, error=str(error))
            time.sleep(RETRY_SECONDS)
            try:
                return self._done(wanted) or self._try_again(wanted, attempt)
            except SQLAlchemyError as again:
                error = again
        raise PassInterrupted from error

    def _try_again(self, wanted: Cursor, attempt: Attempt) -> Cursor:
        """Tries a write once more. It is refused when the first try takes place after all, even now: the database was
        still busy with it. Raises `PassLost`."""
        try:
            return self._renewing(attempt)
        except PassLost:
            done = self._done(wanted)
            if done is None:
                raise
            return done

    def _done(self, wanted: Cursor) -> Cursor | None:
        """The cursor of a write that took place though its answer was lost (fault E3); None when it did not.

        Only its pass counts the events of a job, so the count tells. Raises `PassLost`.
        """
        found = passes.reached(self._log.database, self._claimed)
        return found if found >= wanted else None

    def _check_owned(self) -> None:
        if self._is_over or self._tenure.is_over:
            raise PassLost(f"The lease on job {self._claimed.job_id} was not renewed in time.")
