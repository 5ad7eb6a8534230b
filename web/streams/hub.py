"""One reader of the event stream per web process, which fans out to every attached client."""

import asyncio
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import structlog
from sqlalchemy.exc import SQLAlchemyError

from storage.cursor import Cursor
from storage.jobs import LogState, log_states
from storage.log import EventLog, dense_prefix
from storage.stream import Entry, StreamUnavailable

logger = structlog.get_logger(__name__)

TAIL_LENGTH = 1_000
"""Entries kept for a client that reads slowly; beyond them it goes back to reading the log at its own pace."""
WAIT_SECONDS = 1.0
"""How often the reader compares the stream with the database, so that a lost publication costs no more than this."""


class Tail:
    """What arrives for one client after it attached, each entry once and in order. Belongs to the event loop."""

    def __init__(self, starts_after: Cursor, *, lasting: bool = False, across_pauses: bool = False) -> None:
        self.starts_after = starts_after
        """Every later entry will arrive here."""
        self.lasting = lasting
        """Whether its client cannot come back and stays as long as it may."""
        self.across_pauses = across_pauses
        """Whether its client stays where the job stands still, and need not be told."""
        self._entries: list[Entry] = []
        self._behind = False
        self._waiting: asyncio.Future[None] | None = None

    async def next(self) -> list[Entry]:
        """Waits for entries; none say that some are missing here and the log must be read instead. One at a time may
        wait."""
        while not self._entries and not self._behind:
            # A bare future: an `asyncio.Event` costs as much as all else that a client's turn costs here.
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        entries = [] if self._behind else self._entries
        self._entries, self._behind = [], False
        return entries

    def offer(self, entries: Sequence[Entry]) -> None:
        """Adds entries, or gives all of them up when the client does not keep pace."""
        if len(self._entries) + len(entries) > TAIL_LENGTH:
            self.miss()
        else:
            self._entries.extend(entries)
            self._wake()

    def miss(self) -> None:
        """Sends the client back to the log."""
        self._entries.clear()
        self._behind = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting and not waiting.done():
            waiting.set_result(None)


@dataclass
class _Followed:
    """One job that clients are attached to."""

    delivered: Cursor
    """How far the tails have been served. Belongs to the event loop."""
    tails: set[Tail] = field(default_factory=set)
    stood_still_at: int | None = None
    """Where the job was suspended when the tails were last told."""

    def has_come_to_rest(self, now: LogState) -> bool:
        """Whether the job stands still, and the tails have not been told."""
        was, self.stood_still_at = self.stood_still_at, now.seq if now.is_suspended else None
        return now.is_suspended and was != now.seq


class Hub:
    """Fans the stream out to tails.

    Its thread waits on the stream for all followed jobs at once, from their positions; an entry that was published
    while nobody waited is read, not missed. It also compares the jobs with the database once a second, in one
    statement, so that clients go on when the stream is away or a publication was lost (I11). What the stream lacks it
    reads from the log once for all clients of a job: a thousand that each looked for it would stop the process.
    """

    def __init__(self, log: EventLog, loop: asyncio.AbstractEventLoop) -> None:
        self._log = log
        self._loop = loop
        self._followed: dict[str, _Followed] = {}
        self._positions: dict[str, Cursor] = {}
        self._lock = Lock()
        """Guards the positions, which the loop adds and the thread moves."""
        self._needed = Event()
        self._closed = False
        self._letting_go = self._letting_everybody_go = False
        self._compared = time.monotonic()
        self._thread = Thread(target=self._run, name="hub", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def let_go(self, *, everybody: bool = False) -> None:
        """Sends away all clients, and those that attach from now on; lasting ones only when `everybody` is meant.
        Belongs to the event loop."""
        self._letting_go = True
        self._letting_everybody_go |= everybody
        for followed in self._followed.values():
            for tail in followed.tails:
                if self.lets_go(lasting=tail.lasting):
                    tail.miss()

    def lets_go(self, *, lasting: bool) -> bool:
        """Whether a client must go, because the process ends."""
        return self._letting_everybody_go if lasting else self._letting_go

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._needed.set()
        self._wake()
        self._thread.join()

    @contextmanager
    def attached(
        self, job_id: str, cursor: Cursor, *, lasting: bool = False, across_pauses: bool = False
    ) -> Iterator[Tail]:
        """A tail of a job for a client that has everything up to a cursor.

        When the job is followed already the tail may start later than that: read the log up to `starts_after`.
        """
        followed = self._followed.get(job_id)
        if followed is None:
            followed = self._followed[job_id] = _Followed(cursor)
            self._follow(job_id, cursor)
        tail = Tail(followed.delivered, lasting=lasting, across_pauses=across_pauses)
        followed.tails.add(tail)
        if self.lets_go(lasting=lasting):
            tail.miss()
        try:
            yield tail
        finally:
            followed.tails.discard(tail)
            if not followed.tails:
                self._unfollow(job_id)

    def _follow(self, job_id: str, cursor: Cursor) -> None:
        with self._lock:
            self._positions[job_id] = cursor
            is_waiting = self._needed.is_set()
            self._needed.set()
        if is_waiting:
            self._loop.run_in_executor(None, self._wake)

    def _unfollow(self, job_id: str) -> None:
        self._followed.pop(job_id, None)
        with self._lock:
            self._positions.pop(job_id, None)

    def _wake(self) -> None:
        # A reader that is not waiting needs no waking.
        with suppress(StreamUnavailable):
            self._log.stream.wake()

    def _run(self) -> None:
        while not self._closed:
            try:
                self._turn()
            except Exception:
                # Every client of the process is served from here: whatever went wrong, it goes on.
                logger.exception("hub_failed")
                time.sleep(WAIT_SECONDS)

    def _turn(self) -> None:
        positions = self._wanted()
        is_relayed = self._relay(positions) if positions else True
        if not is_relayed or time.monotonic() - self._compared >= WAIT_SECONDS:
            self._compare(positions)
            self._compared = time.monotonic()
        if not is_relayed:
            time.sleep(WAIT_SECONDS)

    def _wanted(self) -> Mapping[str, Cursor]:
        with self._lock:
            positions = dict(self._positions)
            if not positions and not self._closed:
                self._needed.clear()
        if not positions:
            self._needed.wait()
        return positions

    def _relay(self, positions: Mapping[str, Cursor]) -> bool:
        """Waits for entries and hands them out; false when the stream is away, or the database for what it lacks."""
        try:
            found = self._log.stream.wait(positions, WAIT_SECONDS)
        except StreamUnavailable:
            return False
        dense = {job_id: dense_prefix(entries, positions[job_id]) for job_id, entries in found.items()}
        self._hand_out({job_id: entries for job_id, entries in dense.items() if entries})
        return self._fill({job_id: found[job_id] for job_id, entries in dense.items() if not entries})

    def _compare(self, positions: Mapping[str, Cursor]) -> None:
        try:
            states = log_states(self._log.database, positions)
        except SQLAlchemyError as error:
            logger.warning("database_unavailable", error=str(error))
            return
        reached = self._reached(states)
        self._fill({job_id: () for job_id, cursor in reached.items() if states[job_id].seq > cursor.seq})
        self._loop.call_soon_threadsafe(self._notice_rest, states)

    def _fill(self, lacking: Mapping[str, Sequence[Entry]]) -> bool:
        """Hands out what the log has next of some jobs, or the given entries where it has nothing: who finds a hole in
        them looks for themselves. False when the database is away."""
        for job_id, cursor in self._reached(lacking).items():
            try:
                entries = self._log.read(job_id, cursor).entries or lacking[job_id]
            except SQLAlchemyError as error:
                logger.warning("database_unavailable", error=str(error))
                return False
            if entries:
                self._hand_out({job_id: entries})
        return True

    def _reached(self, job_ids: Collection[str]) -> Mapping[str, Cursor]:
        """How far those of some jobs are that are still followed."""
        with self._lock:
            return {job_id: self._positions[job_id] for job_id in job_ids if job_id in self._positions}

    def _hand_out(self, found: Mapping[str, Sequence[Entry]]) -> None:
        with self._lock:
            for job_id in found.keys() & self._positions.keys():
                self._positions[job_id] = found[job_id][-1].cursor
        if found:
            self._loop.call_soon_threadsafe(self._deliver, found)

    def _deliver(self, found: Mapping[str, Sequence[Entry]]) -> None:
        for job_id, entries in found.items():
            followed = self._followed.get(job_id)
            if followed is None:
                continue
            if entries[0].cursor <= followed.delivered:
                # They were on their way when the job was followed anew.
                entries = [entry for entry in entries if entry.cursor > followed.delivered]
            if entries:
                followed.delivered = entries[-1].cursor
                for tail in followed.tails:
                    tail.offer(entries)

    def _notice_rest(self, states: Mapping[str, LogState]) -> None:
        for job_id, now in states.items():
            followed = self._followed.get(job_id)
            if followed and followed.has_come_to_rest(now):
                for tail in followed.tails:
                    if not tail.across_pauses:
                        tail.miss()
