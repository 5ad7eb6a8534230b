"""Where the engine of a pass writes: under the pass's fence, into the log."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import RLock
from typing import TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError

from actors.running import Pass
from flows.checkpoints import Checkpoints
from flows.dialogue import Asked, Dialogues
from flows.errors import PassInterrupted
from flows.events import Event, run_suspended
from flows.human import HumanRequest
from flows.journal import Step, VertexResult
from flows.messages import MessageRecord
from storage import passes
from storage.advancing import Standing
from storage.asking import NewRequest, ask, moment, suspend
from storage.cursor import Cursor
from storage.database import may_pass
from storage.errors import PassLost, SecretUnreadable
from storage.log import EventLog
from storage.stream import Entry

logger = structlog.get_logger(__name__)

Attempt: TypeAlias = Callable[[int], Standing]
"""A write, given how often the pass has written; where the job stands then."""

RETRY_SECONDS = 0.2
"""How long a pass waits before it tries a failed write again."""


@contextmanager
def interrupting() -> Iterator[None]:
    """Turns an error of the database, or a secret that cannot be read, into an interruption of the pass, which no
    component can mistake for its own."""
    try:
        yield
    except (SQLAlchemyError, SecretUnreadable) as error:
        raise PassInterrupted from error


class PassJournal:
    """The `Journal` of one pass. Milestones and deltas get their cursors here, in the order they are written.

    A write that the database fails is tried again for as long as the lease lasts: what a vertex has done, and may have
    cost, is not thrown away for a restart of the database. Nothing is written when the lease is over. Deltas of two
    passes cannot meet: each pass begins with a milestone of its own.
    """

    def __init__(self, log: EventLog, running: Pass) -> None:
        self._log = log
        self._running = running
        self._claimed = running.claimed
        self._tenure = running.tenure
        self._cursor = Cursor(running.claimed.seq)
        self._written = 0
        self._is_over = False
        self.dialogues = Dialogues()
        """What has been asked for the job, and decided, as far as this pass knows."""
        self.checkpoints = Checkpoints()
        """What vertices that are not finished have done so far."""
        # Components that are plain functions write from other threads.
        self._turn = RLock()

    @property
    def is_first(self) -> bool:
        """Whether nothing was written before, in this pass or an earlier one."""
        return self._claimed.fence == 1 and self._written == 0

    @property
    def has_written(self) -> bool:
        """Whether this pass has written."""
        return self._written > 0

    def announce(self, events: Sequence[Event]) -> None:
        self._write(lambda written: passes.announce(self._log, self._claimed, events, written))

    def intend(self, vertex_id: str, visit: int) -> None:
        # No retry: what the next pass finds stored tells it all it needs.
        with self._turn, interrupting():
            self._check_owned()
            self._note(passes.intend(self._log, self._claimed, vertex_id, visit))

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        with self._turn:
            with interrupting():
                asked_at = moment(self._log.database)
            request_id = self.dialogues.next_id(vertex_id, self._claimed.job_id, request)
            applies = self.dialogues.unapplied_of(vertex_id)
            new = NewRequest(request_id, vertex_id, visit, request, asked_at, applies)
            self._write(lambda written: ask(self._log, self._claimed, new, events, written))
            self.dialogues.apply(applies)
            return new.as_asked

    def keep(self, step: Step) -> None:
        with self._turn:
            self._write(lambda written: passes.keep(self._log, self._claimed, step, written))
            self.checkpoints.update([step.checkpoint])

    def finish(
        self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord], spent: int = 0
    ) -> None:
        with self._turn:
            applies = self.dialogues.unapplied_of(result.vertex_id)
            has_checkpoints = bool(self.checkpoints.of(result.vertex_id, result.visit))
            store = partial(passes.finish_vertex, self._log, self._claimed, result, events, messages)
            self._write(lambda written: store(written, applies, spent=spent, has_checkpoints=has_checkpoints))
            self.dialogues.apply(applies)
            self.checkpoints.forget(result.vertex_id, result.visit)

    def suspend(self, *, waits: bool) -> bool:
        """Lets the job stand still, as `storage.asking.suspend`, and tells those who watch; false when there is
        something to do again."""
        with self._turn:
            # A pass that waits has come as far as all it knows lets it: a call that was approved waits in its turn.
            applies = self.dialogues.all_unapplied if waits else []
            try:
                self._write(lambda written: suspend(self._log, self._claimed, written, waits=waits, applies=applies))
            except PassLost:
                with interrupting():
                    _, standing = passes.reached(self._log.database, self._claimed)
                self._running.take_note(is_paused=standing.is_paused)
                return False
            self.delta(run_suspended(paused=self._running.is_paused))
            return True

    def complete(self, events: Sequence[Event]) -> None:
        """Ends the job; as `storage.passes.complete`."""
        asks = bool(self.dialogues.open)
        self._write(lambda written: passes.complete(self._log, self._claimed, events, written, asks=asks))

    def fail(self, error: str, events: Sequence[Event]) -> None:
        """Ends the job with an error; as `storage.passes.fail`."""
        self._write(lambda written: passes.fail(self._log, self._claimed, error, events, written))

    def expire(self, error: str, events: Sequence[Event]) -> None:
        """Ends the job for a vertex that took too long; as `storage.passes.expire`."""
        self._write(lambda written: passes.expire(self._log, self._claimed, error, events, written))

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

    def _write(self, attempt: Attempt) -> None:
        with self._turn:
            self._check_owned()
            try:
                standing = self._renewing(attempt)
            except SQLAlchemyError as error:
                if not may_pass(error):
                    raise
                standing = self._insist(attempt, error)
            self._note(standing)

    def _note(self, standing: Standing) -> None:
        """Takes over where the job stands now, and what people want of it (design 6: controls ride on writes)."""
        self._written += 1
        self._cursor = standing.cursor
        has_answers = standing.unapplied > self.dialogues.unapplied
        self._running.take_note(is_paused=standing.is_paused, has_answers=has_answers)

    def _renewing(self, attempt: Attempt) -> Standing:
        began = self._tenure.now()
        standing = attempt(self._written)
        self._tenure.renewed(began)
        return standing

    def _insist(self, attempt: Attempt, error: SQLAlchemyError) -> Standing:
        """Tries a write until it is done or the lease is over that it began under: a write that alone fails, while the
        heartbeat goes on, must not be tried for ever. Raises `PassInterrupted` and `PassLost`."""
        until = self._tenure.now() + self._tenure.seconds_left
        while self._tenure.now() < until:
            logger.warning("write_failed", job_id=self._claimed.job_id, error=str(error))
            time.sleep(RETRY_SECONDS)
            try:
                return self._done() or self._try_again(attempt)
            except SQLAlchemyError as again:
                error = again
        raise PassInterrupted from error

    def _try_again(self, attempt: Attempt) -> Standing:
        """Tries a write once more. It is refused when the first try takes place after all, even now: the database was
        still busy with it. Raises `PassLost`."""
        try:
            return self._renewing(attempt)
        except PassLost:
            done = self._done()
            if done is None:
                raise
            return done

    def _done(self) -> Standing | None:
        """Where the job stands when a write took place though its answer was lost (fault E3); None when it did not.

        The writes of a pass are counted, so the count tells. Raises `PassLost`.
        """
        writes, standing = passes.reached(self._log.database, self._claimed)
        return standing if writes > self._written else None

    def _check_owned(self) -> None:
        if self._is_over or self._tenure.is_over:
            raise PassLost(f"The lease on job {self._claimed.job_id} was not renewed in time.")
