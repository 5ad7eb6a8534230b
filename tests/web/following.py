"""What tests of the hub and of following stand on: a hub on the running loop, and logs that nobody hears of."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from storage.cursor import START, Cursor
from storage.database import Database
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.stream import Entry, StreamBounds
from web.streams.following import Following, Rest
from web.streams.hub import Hub

PATIENCE = 30.0
"""Seconds until a test gives up waiting for a fact."""


def silent_log(database: Database) -> EventLog:
    """A log on the same database whose publications reach nobody."""
    return EventLog(database, MemoryStream(StreamBounds(), time.monotonic))


@asynccontextmanager
async def running_hub(log: EventLog) -> AsyncIterator[Hub]:
    """A hub on the running loop."""
    hub = Hub(log, asyncio.get_running_loop())
    hub.start()
    try:
        async with asyncio.timeout(PATIENCE):
            yield hub
    finally:
        hub.close()


@asynccontextmanager
async def following(log: EventLog) -> AsyncIterator[Following]:
    """A way to follow jobs, with a hub of its own."""
    async with running_hub(log) as hub:
        yield Following(hub, log)


async def read_to_end(reader: Following, job_id: str, cursor: Cursor = START) -> list[Entry]:
    """Everything after a cursor up to the terminal event."""
    return [entry async for batch in reader.read(job_id, cursor) for entry in told(batch)]


async def read_some(reader: Following, job_id: str, count: int) -> list[Entry]:
    """The first `count` entries, or all if there are fewer: what a client has whose connection breaks then."""
    seen: list[Entry] = []
    async with aclosing(reader.read(job_id, START)) as batches:
        async for batch in batches:
            seen.extend(told(batch))
            if len(seen) >= count:
                break
    return seen[:count]


class Watcher:
    """A client that reads a job to its end in the background, and can be waited for at a milestone."""

    def __init__(self, reader: Following, job_id: str, *, across_pauses: bool = False) -> None:
        self.seen: list[Entry] = []
        self._grown = asyncio.Condition()
        self._task = asyncio.create_task(self._read(reader.read(job_id, START, across_pauses=across_pauses)))

    async def reached(self, seq: int) -> None:
        """Waits until it has a milestone."""
        async with self._grown:
            await self._grown.wait_for(lambda: bool(self.seen) and self.seen[-1].cursor.seq >= seq)

    async def to_end(self) -> list[Entry]:
        await self._task
        return self.seen

    async def _read(self, batches: AsyncGenerator[Sequence[Entry] | Rest]) -> None:
        async for batch in batches:
            async with self._grown:
                self.seen.extend(told(batch))
                self._grown.notify_all()


def told(batch: Sequence[Entry] | Rest) -> Sequence[Entry]:
    """The events of a batch; none when it says that the job stands still."""
    return () if isinstance(batch, Rest) else batch


def milestones(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.cursor.is_milestone]


def seqs(entries: Sequence[Entry]) -> list[int]:
    return [entry.cursor.seq for entry in milestones(entries)]
