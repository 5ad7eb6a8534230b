"""One reader for all clients of a process: who is attached hears everything that comes, and only that."""

import asyncio
import time

from starlette.concurrency import run_in_threadpool
from structlog.testing import capture_logs

from flows.events import warning
from storage.cursor import START, Cursor
from storage.database import Database
from storage.log import EventLog
from storage.passes import announce
from storage.states import Status
from storage.stream import Entry
from tests.actors.workplace import eventually
from tests.storage.situations import JobMaker, brought_to, claimed, events_of, failing
from tests.web.following import running_hub, silent_log
from web.streams.hub import TAIL_LENGTH, Hub, Tail


def entry(seq: int, delta: int = 0) -> Entry:
    return Entry(Cursor(seq, delta), "warning", b"{}")


def entries(first: int, count: int) -> list[Entry]:
    return [entry(seq) for seq in range(first, first + count)]


def test_a_tail_gives_what_it_was_offered() -> None:
    """Everything that came since the last time, in order, at once."""

    async def scenario() -> list[Entry]:
        tail = Tail(START)
        tail.offer(entries(1, 2))
        tail.offer(entries(3, 1))
        return await tail.next()

    assert asyncio.run(scenario()) == entries(1, 3)


def test_a_tail_keeps_as_much_as_it_may() -> None:
    """One entry more, and it says that the log must be read; then it goes on."""

    async def scenario() -> list[list[Entry]]:
        tail = Tail(START)
        tail.offer(entries(1, TAIL_LENGTH))
        full = await tail.next()
        tail.offer(entries(1, TAIL_LENGTH))
        tail.offer([entry(TAIL_LENGTH + 1)])
        over = await tail.next()
        tail.offer([entry(TAIL_LENGTH + 2)])
        return [full, over, await tail.next()]

    assert asyncio.run(scenario()) == [entries(1, TAIL_LENGTH), [], [entry(TAIL_LENGTH + 2)]]


def test_a_tail_that_missed_something_says_so_first() -> None:
    """What came behind the loss is not given out: it would stand behind a hole."""

    async def scenario() -> list[Entry]:
        tail = Tail(START)
        tail.offer([entry(1)])
        tail.miss()
        tail.offer([entry(3)])
        return await tail.next()

    assert asyncio.run(scenario()) == []


def test_every_tail_of_a_job_hears_it(log: EventLog) -> None:
    """Two clients of one job get the same, a client of another job nothing of it."""

    async def scenario() -> tuple[list[Entry], list[Entry], list[Entry]]:
        async with running_hub(log) as hub:
            with hub.attached("a", START) as one, hub.attached("a", START) as two, hub.attached("b", START) as other:
                log.publish("a", [entry(1)])
                log.publish("b", [entry(1, 1)])
                return await one.next(), await two.next(), await other.next()

    assert asyncio.run(scenario()) == ([entry(1)], [entry(1)], [entry(1, 1)])


def test_what_came_before_the_attaching_is_not_lost(log: EventLog) -> None:
    """The first tail of a job starts at its client's cursor, a later one where the job is read already."""

    async def scenario() -> tuple[list[Entry], Cursor, list[Entry]]:
        async with running_hub(log) as hub:
            log.publish("a", entries(1, 3))
            with hub.attached("a", Cursor(1)) as first:
                heard = await first.next()
                with hub.attached("a", START) as second:
                    log.publish("a", [entry(4)])
                    return heard, second.starts_after, await second.next()

    assert asyncio.run(scenario()) == (entries(2, 2), Cursor(3), [entry(4)])


def test_a_job_is_followed_anew_from_another_cursor(log: EventLog) -> None:
    """When its last client is gone a job is forgotten; the next one starts from its own cursor."""

    async def scenario() -> tuple[list[Entry], list[Entry]]:
        async with running_hub(log) as hub:
            log.publish("a", entries(1, 3))
            with hub.attached("a", START) as tail:
                first = await tail.next()
            with hub.attached("a", Cursor(2)) as tail:
                return first, await tail.next()

    assert asyncio.run(scenario()) == (entries(1, 3), [entry(3)])


def test_what_is_on_its_way_when_a_job_is_followed_anew_comes_once(log: EventLog) -> None:
    """The hub has handed it out for a client that has left, and reads it again for the next, who stands before it."""

    async def scenario() -> list[Entry]:
        hub = Hub(log, asyncio.get_running_loop())
        with hub.attached("a", Cursor(5)) as tail:
            hub._deliver({"a": entries(6, 3)})
            hub._deliver({"a": entries(6, 4)})
            return await tail.next()

    assert asyncio.run(scenario()) == entries(6, 4)


def test_a_job_that_comes_while_the_hub_waits_is_heard_at_once(log: EventLog) -> None:
    """An attachment wakes the reader, which waits for other jobs; it does not have to wait for the wait to end."""

    async def scenario() -> float:
        async with running_hub(log) as hub:
            with hub.attached("quiet", START):
                took = []
                for number in range(5):
                    log.publish(f"job-{number}", [entry(1)])
                    began = time.monotonic()
                    with hub.attached(f"job-{number}", START) as tail:
                        await tail.next()
                    took.append(time.monotonic() - began)
                return sorted(took)[2]

    assert asyncio.run(scenario()) < 0.25


async def heard(tail: Tail, seq: int) -> list[str]:
    """All that a tail gives up to a milestone, without ever sending its client to the log."""
    told: list[Entry] = []
    while not told or told[-1].cursor.seq < seq:
        entries = await tail.next()
        assert entries, f"after {told} the client is to read the log"
        told += entries
    return [str(entry.cursor) for entry in told]


def test_a_hole_is_filled_for_all_tails(log: EventLog, database: Database, new_job: JobMaker) -> None:
    """What the stream lacks comes in its place, once, also to a client that attached from elsewhere."""
    owner = claimed(log, new_job())

    async def scenario() -> tuple[list[str], list[str]]:
        async with running_hub(log) as hub:
            with hub.attached(owner.job_id, Cursor(2)) as one, hub.attached(owner.job_id, START) as two:
                announce(silent_log(database), owner, [warning("3"), warning("4")])
                announce(log, owner, [warning("5")])
                return await heard(one, 5), await heard(two, 5)

    assert asyncio.run(scenario()) == (["3", "4", "5"], ["3", "4", "5"])


def test_what_nobody_published_reaches_all_tails(log: EventLog, database: Database, new_job: JobMaker) -> None:
    """The hub looks for it, and not each of its clients."""
    owner = claimed(log, new_job())

    async def scenario() -> tuple[list[str], list[str]]:
        async with running_hub(log) as hub:
            with hub.attached(owner.job_id, Cursor(2)) as one, hub.attached(owner.job_id, START) as two:
                announce(silent_log(database), owner, [warning("3"), warning("4")])
                return await heard(one, 4), await heard(two, 4)

    assert asyncio.run(scenario()) == (["3", "4"], ["3", "4"])


def test_a_hole_is_filled_when_the_database_is_back(log: EventLog, database: Database, new_job: JobMaker) -> None:
    """Nothing behind the hole is told before it, however long the database fails."""
    owner = claimed(log, new_job())
    announce(silent_log(database), owner, [warning("3"), warning("4")])

    async def scenario() -> list[str]:
        async with running_hub(log) as hub:
            with hub.attached(owner.job_id, Cursor(2)) as tail:
                with capture_logs() as told, failing(database):
                    log.publish(owner.job_id, [entry(5)])
                    unavailable = {"event": "database_unavailable"}.items()
                    await run_in_threadpool(eventually, lambda: any(unavailable <= one.items() for one in list(told)))
                return await heard(tail, 5)

    assert asyncio.run(scenario()) == ["3", "4", "5"]


def test_a_job_that_comes_to_rest_sends_away_only_who_does_not_stay(log: EventLog, new_job: JobMaker) -> None:
    """A client that stays across pauses hears what comes then."""
    owner = brought_to(log, new_job(), Status.SUSPENDED)
    last = events_of(log, owner.job_id)[-1][0]

    async def scenario() -> tuple[list[Entry], list[str]]:
        async with running_hub(log) as hub:
            with (
                hub.attached(owner.job_id, Cursor(last)) as going,
                hub.attached(owner.job_id, Cursor(last), across_pauses=True) as staying,
            ):
                told = await going.next()
                log.publish(owner.job_id, [entry(last + 1)])
                return told, await heard(staying, last + 1)

    assert asyncio.run(scenario()) == ([], [str(last + 1)])


def test_a_hub_that_nobody_needed_ends(log: EventLog) -> None:
    """Closing returns when the thread has ended, whatever it waits for."""

    async def scenario() -> None:
        for _ in range(20):
            async with running_hub(log):
                pass

    asyncio.run(scenario())
