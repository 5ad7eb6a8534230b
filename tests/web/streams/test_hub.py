"""One reader for all clients of a process: who is attached hears everything that comes, and only that."""

import asyncio
import time

from storage.cursor import START, Cursor
from storage.log import EventLog
from storage.stream import Entry
from tests.web.following import running_hub
from web.streams.hub import TAIL_LENGTH, Tail


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


def test_a_hub_that_nobody_needed_ends(log: EventLog) -> None:
    """Closing returns when the thread has ended, whatever it waits for."""

    async def scenario() -> None:
        for _ in range(20):
            async with running_hub(log):
                pass

    asyncio.run(scenario())
