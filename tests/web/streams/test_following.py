"""A client holds a prefix of the log, dense and in order, whatever becomes of the stream (I4, I11)."""

import asyncio
from contextlib import closing
from threading import current_thread

import pytest

from flows.events import EventType, token, warning
from storage.asking import suspend
from storage.claiming import Claimed
from storage.cursor import Cursor
from storage.database import Database
from storage.log import EventLog, Page
from storage.passes import announce, complete
from storage.redis_link import RedisLink
from storage.redis_stream import RedisStream
from storage.stream import Entry, StreamBounds
from tests import services
from tests.storage.situations import END, JobMaker, asking, claimed, events_of
from tests.web.following import Watcher, following, read_to_end, seqs, silent_log, told
from web.streams.hub import TAIL_LENGTH


def announce_some(log: EventLog, owner: Claimed, count: int) -> None:
    announce(log, owner, [warning(f"warning {number}") for number in range(count)])


def say(log: EventLog, owner: Claimed, cursor: Cursor) -> None:
    """Publishes a token."""
    log.publish(owner.job_id, [Entry(cursor, "token", token(str(cursor), "a").encode())])


def test_who_comes_late_gets_it_all(log: EventLog, new_job: JobMaker) -> None:
    """A job that is over is read from its first event to its last, tokens that the stream still holds included."""
    owner = claimed(log, new_job())
    say(log, owner, Cursor(2, 1))
    say(log, owner, Cursor(2, 2))
    complete(log, owner, END)

    async def scenario() -> list[Entry]:
        async with following(log) as reader:
            return await read_to_end(reader, owner.job_id)

    assert [str(entry.cursor) for entry in asyncio.run(scenario())] == ["1", "2", "2-1", "2-2", "3"]


def test_who_comes_later_to_a_followed_job(log: EventLog, new_job: JobMaker) -> None:
    """A second client that attaches while the first follows sees the same milestones, each once."""
    owner = claimed(log, new_job())

    async def scenario() -> tuple[list[Entry], list[Entry]]:
        async with following(log) as reader:
            first = Watcher(reader, owner.job_id)
            await first.reached(2)
            announce_some(log, owner, 3)
            await first.reached(5)
            second = Watcher(reader, owner.job_id)
            announce_some(log, owner, 3)
            await second.reached(8)
            complete(log, owner, END)
            return await first.to_end(), await second.to_end()

    first, second = asyncio.run(scenario())
    assert seqs(first) == seqs(second) == list(range(1, 10))
    assert first == second


def test_who_falls_behind_misses_nothing(log: EventLog, new_job: JobMaker) -> None:
    """A client that does not read while more arrives than is kept for it goes on from where it stopped."""
    owner = claimed(log, new_job())
    count = TAIL_LENGTH + 100

    async def scenario() -> list[Entry]:
        async with following(log) as reader:
            slow = reader.read(owner.job_id, Cursor(0))
            seen = list(told(await anext(slow)))
            fast = Watcher(reader, owner.job_id)
            announce_some(log, owner, 1)
            seen += told(await anext(slow))
            announce_some(log, owner, count)
            complete(log, owner, END)
            await fast.to_end()
            return [*seen, *[entry async for batch in slow for entry in told(batch)]]

    assert seqs(asyncio.run(scenario())) == list(range(1, count + 5))


def test_a_publication_that_was_lost(log: EventLog, database: Database, new_job: JobMaker) -> None:
    """What stands in the database only reaches a client that waits, though nothing else happens."""
    owner = claimed(log, new_job())

    async def scenario() -> list[Entry]:
        async with following(log) as reader:
            client = Watcher(reader, owner.job_id)
            await client.reached(2)
            announce_some(silent_log(database), owner, 2)
            await client.reached(4)
            complete(silent_log(database), owner, END)
            return await client.to_end()

    assert seqs(asyncio.run(scenario())) == [1, 2, 3, 4, 5]


def test_a_hole_in_the_stream(log: EventLog, database: Database, new_job: JobMaker) -> None:
    """A milestone that the stream lacks comes before the ones behind it, once."""
    owner = claimed(log, new_job())

    async def scenario() -> list[Entry]:
        async with following(log) as reader:
            client = Watcher(reader, owner.job_id)
            await client.reached(2)
            announce_some(silent_log(database), owner, 2)
            announce_some(log, owner, 1)
            await client.reached(5)
            complete(log, owner, END)
            return await client.to_end()

    assert seqs(asyncio.run(scenario())) == [1, 2, 3, 4, 5, 6]


class CountingLog(EventLog):
    """A log that knows how often clients have read it."""

    reads = 0

    def read(self, job_id: str, after: Cursor, limit: int = 500) -> Page:
        self.reads += current_thread().name != "hub"
        return super().read(job_id, after, limit)


def test_who_stays_across_a_pause_is_not_sent_to_the_log(log: EventLog, new_job: JobMaker) -> None:
    """Where a job comes to rest a client that waits for it to go on hears what comes, as before."""
    counting = CountingLog(log.database, log.stream)
    owner = claimed(log, new_job())

    async def scenario() -> tuple[int, list[Entry]]:
        async with following(counting) as reader:
            client = Watcher(reader, owner.job_id, across_pauses=True)
            await client.reached(2)
            announce_some(log, owner, 1)
            await client.reached(3)
            before = counting.reads
            asking(log, owner)
            suspend(log, owner)
            last = events_of(log, owner.job_id)[-1][0]
            log.publish(owner.job_id, [Entry(Cursor(last, 1), EventType.RUN_SUSPENDED, b"{}")])
            log.publish(owner.job_id, [Entry(Cursor(last + 1), EventType.WARNING, b"{}")])
            await client.reached(last + 1)
            return counting.reads - before, client.seen

    reads, seen = asyncio.run(scenario())
    assert [entry.type for entry in seen[-2:]] == ["run_suspended", "warning"]
    assert seqs(seen) == list(range(1, len(seen)))
    assert reads == 0


@pytest.mark.real_services
def test_a_redis_that_goes_away(database: Database, new_job: JobMaker) -> None:
    """Clients go on by the database when Redis is killed, and live again when it is back."""
    with services.running_redis() as server:
        stream = RedisStream(RedisLink(server.url), StreamBounds())
        log = EventLog(database, stream)
        owner = claimed(log, new_job())

        async def scenario() -> list[Entry]:
            async with following(log) as reader:
                client = Watcher(reader, owner.job_id)
                await client.reached(2)
                server.kill()
                announce_some(log, owner, 2)
                await client.reached(4)
                server.start()
                announce_some(log, owner, 2)
                await client.reached(6)
                complete(log, owner, END)
                return await client.to_end()

        with closing(stream):
            assert seqs(asyncio.run(scenario())) == [1, 2, 3, 4, 5, 6, 7]
