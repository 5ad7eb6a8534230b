"""How one client reads the log of a job: at its own pace until it has caught up, then live, never with a hole (I4)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle

from starlette.concurrency import run_in_threadpool

from flows.events import EventType
from storage.cursor import Cursor
from storage.jobs import find_job
from storage.log import EventLog, dense_prefix
from storage.states import Status
from storage.stream import Entry
from web.hub import Hub


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
        for stretch in cycle((self._held, self._live)):
            async with aclosing(stretch(job_id, cursor, lasting)) as batches:
                async for batch in batches:
                    cursor = batch[-1].cursor
                    yield batch
                    if batch[-1].terminal or not (across_pauses or await self._goes_on(job_id, batch[-1])):
                        return
            if self.hub.lets_go(lasting=lasting):
                return

    async def _goes_on(self, job_id: str, last: Entry) -> bool:
        """Whether there is, or soon will be, more behind an entry: not when the job is suspended since."""
        if last.type != EventType.RUN_SUSPENDED:
            return True
        job = await run_in_threadpool(find_job, self.log.database, job_id)
        return job is None or job.status is not Status.SUSPENDED or job.seq > last.cursor.seq

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
