"""How one client reads the log of a job: at its own pace until it has caught up, then live, never with a hole (I4)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle

from starlette.concurrency import run_in_threadpool

from flows.events import EventType
from storage.cursor import START, Cursor
from storage.jobs import find_job
from storage.log import EventLog, dense_prefix
from storage.states import Status
from storage.stream import Entry
from web.streams.hub import Hub

_AT_A_PAUSE = (EventType.HUMAN_INPUT_REQUIRED, EventType.RUN_SUSPENDED)
"""What comes before a job is suspended."""


@dataclass(frozen=True)
class Following:
    """Reads a job's log to its terminal event."""

    hub: Hub
    log: EventLog

    async def read(
        self, job_id: str, cursor: Cursor, *, lasting: bool = False, across_pauses: bool = False
    ) -> AsyncGenerator[Sequence[Entry]]:
        """Entries after a cursor, in batches as they come; ends behind the terminal one, where the job is suspended
        unless `across_pauses`, or when the process ends: as late as may be for a `lasting` client, which cannot come
        back.

        Milestones are dense. Deltas are those that the stream still holds. A client that falls behind, or for whom
        the stream has a hole, is served from the log again. Close it to detach early.
        """
        is_live, may_wait = False, cursor != START
        for stretch in cycle((self._held, self._live)):
            async with aclosing(stretch(job_id, cursor, lasting)) as batches:
                async for batch in batches:
                    cursor = batch[-1].cursor
                    yield batch
                    if batch[-1].terminal:
                        return
                    may_wait |= any(entry.type in _AT_A_PAUSE for entry in batch)
                    if is_live and batch[-1].type == EventType.RUN_SUSPENDED:
                        break
            if may_wait and not across_pauses and await self._stands_still(job_id, cursor):
                return
            if self.hub.lets_go(lasting=lasting):
                return
            # Whoever was sent back to the log may have missed that the job stands still.
            is_live, may_wait = not is_live, may_wait or is_live

    async def _stands_still(self, job_id: str, cursor: Cursor) -> bool:
        """Whether the job is suspended and nothing more is in its log."""
        job = await run_in_threadpool(find_job, self.log.database, job_id)
        return job is not None and job.status is Status.SUSPENDED and job.seq <= cursor.seq

    async def _held(self, job_id: str, cursor: Cursor, lasting: bool = False) -> AsyncGenerator[Sequence[Entry]]:
        """What the log holds now, to its present end."""
        while True:
            page = await run_in_threadpool(self.log.read, job_id, cursor)
            if page.entries:
                cursor = page.entries[-1].cursor
                yield page.entries
            if page.is_last:
                return

    async def _live(self, job_id: str, cursor: Cursor, lasting: bool) -> AsyncGenerator[Sequence[Entry]]:
        """What arrives from now on, up to the first hole."""
        with self.hub.attached(job_id, cursor, lasting=lasting) as tail:
            if tail.starts_after > cursor:
                async for batch in self._held(job_id, cursor):
                    cursor = batch[-1].cursor
                    yield batch
            while entries := await tail.next():
                new = [entry for entry in entries if entry.cursor > cursor]
                dense = dense_prefix(new, cursor)
                if dense:
                    cursor = dense[-1].cursor
                    yield dense
                if len(dense) < len(new):
                    return
