"""How one client reads the log of a job: at its own pace until it has caught up, then live, never with a hole (I4)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from flows.events import EventType
from storage.cursor import START, Cursor
from storage.jobs import find_job
from storage.log import EventLog, dense_prefix
from storage.states import Status
from storage.stream import Entry
from web.streams.hub import Hub


@dataclass(frozen=True, slots=True)
class Rest:
    """What a reading ends with where its job is suspended: `is_paused` by somebody, or for answers alone."""

    is_paused: bool


_AT_A_PAUSE = (EventType.HUMAN_INPUT_REQUIRED, EventType.RUN_SUSPENDED)
"""What comes before a job is suspended."""


@dataclass(frozen=True)
class Following:
    """Reads a job's log to its terminal event."""

    hub: Hub
    log: EventLog

    async def read(
        self, job_id: str, cursor: Cursor, *, lasting: bool = False, across_pauses: bool = False
    ) -> AsyncGenerator[Sequence[Entry] | Rest]:
        """Entries after a cursor, in batches as they come; ends behind the terminal one, with a `Rest` where the job is
        suspended unless `across_pauses`, or when the process ends: as late as may be for a `lasting` client, which
        cannot come back.

        Milestones are dense. Deltas are those that the stream still holds. A client that falls behind, or for whom
        the stream has a hole, is served from the log again. Close it to detach early.
        """
        is_live, may_wait = False, cursor != START
        while True:
            stretch = self._live(job_id, cursor, lasting, across_pauses) if is_live else self._held(job_id, cursor)
            async with aclosing(stretch) as batches:
                async for batch in batches:
                    last = batch[-1]
                    cursor = last.cursor
                    yield batch
                    if last.terminal:
                        return
                    if across_pauses:
                        continue
                    may_wait = may_wait or any(entry.type in _AT_A_PAUSE for entry in batch)
                    if is_live and last.type == EventType.RUN_SUSPENDED:
                        break
            if may_wait and not across_pauses and (rest := await self._rest(job_id, cursor)):
                yield rest
                return
            if self.hub.lets_go(lasting=lasting):
                return
            # Whoever was sent back to the log may have missed that the job stands still.
            is_live, may_wait = not is_live, may_wait or is_live

    async def _rest(self, job_id: str, cursor: Cursor) -> Rest | None:
        """How the job stands still, if it is suspended and nothing more is in its log."""
        job = await run_in_threadpool(find_job, self.log.database, job_id)
        if job is None or job.status is not Status.SUSPENDED or job.seq > cursor.seq:
            return None
        return Rest(job.is_paused)

    async def _held(self, job_id: str, cursor: Cursor) -> AsyncGenerator[Sequence[Entry]]:
        """What the log holds now, to its present end."""
        while True:
            page = await run_in_threadpool(self.log.read, job_id, cursor)
            if page.entries:
                cursor = page.entries[-1].cursor
                yield page.entries
            if page.is_last:
                return

    async def _live(
        self, job_id: str, cursor: Cursor, lasting: bool, across_pauses: bool
    ) -> AsyncGenerator[Sequence[Entry]]:
        """What arrives from now on, up to the first hole."""
        with self.hub.attached(job_id, cursor, lasting=lasting, across_pauses=across_pauses) as tail:
            if tail.starts_after > cursor:
                async for batch in self._held(job_id, cursor):
                    cursor = batch[-1].cursor
                    yield batch
            while entries := await tail.next():
                new = entries if entries[0].cursor > cursor else [entry for entry in entries if entry.cursor > cursor]
                dense = dense_prefix(new, cursor)
                if dense:
                    cursor = dense[-1].cursor
                    yield dense
                if len(dense) < len(new):
                    return
