"""A stream tells nothing any more from the moment at which its reader is found to have lost their right."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from starlette.requests import Request

from web.errors import Refusal, Unauthenticated, job_not_found
from web.streams.rechecking import Rechecks, reader_of

SECONDS = 10.0
LOST = Unauthenticated("Invalid API key")


class Reader:
    """A reader who may or may not, how often they were asked about, and what time it is for them."""

    def __init__(self) -> None:
        self.refused: Exception | None = None
        self.asked = 0
        self.at = 0.0
        self.is_asked_about = asyncio.Event()
        self.may_be_answered = asyncio.Event()
        self.may_be_answered.set()

    async def right(self) -> None:
        self.asked += 1
        self.is_asked_about.set()
        await self.may_be_answered.wait()
        if self.refused is not None:
            raise self.refused


class Streams:
    """Streams of one reader, each with its own source of events."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rechecks = Rechecks(SECONDS, lambda: reader.at)

    def opened(self, name: str = "anna") -> AsyncGenerator[float]:
        return self.rechecks.while_allowed(self._moments(), name, self.reader.right)

    async def _moments(self) -> AsyncGenerator[float]:
        """Always something to tell: what time it is."""
        while True:
            yield self.reader.at


async def told(events: list[tuple[float, str]], reader: Reader) -> AsyncGenerator[str]:
    """Each event at its moment; one named `lost` takes the right away before it is told."""
    for moment, event in events:
        reader.at = moment
        if event == "lost":
            reader.refused = LOST
        yield event


def read(events: list[tuple[float, str]], reader: Reader) -> list[str]:
    async def reading() -> list[str]:
        rechecks = Rechecks(SECONDS, lambda: reader.at)
        return [event async for event in rechecks.while_allowed(told(events, reader), "anna", reader.right)]

    return asyncio.run(reading())


def test_who_may_read_is_asked_again_when_the_time_is_over_and_not_before() -> None:
    reader = Reader()
    assert read([(0.0, "a"), (9.0, "b"), (10.0, "c"), (19.0, "d"), (20.0, "e")], reader) == list("abcde")
    assert reader.asked == 2


def test_nothing_is_told_after_the_right_was_found_lost() -> None:
    assert read([(1.0, "a"), (10.0, "lost"), (30.0, "b")], Reader()) == ["a"]


@pytest.mark.parametrize("refusal", [Unauthenticated("Invalid token", 401), job_not_found("a-job")], ids=str)
def test_every_refusal_of_the_route_ends_the_stream(refusal: Refusal | Unauthenticated) -> None:
    reader = Reader()
    reader.refused = refusal
    assert read([(0.0, "a"), (10.0, "b")], reader) == ["a"]


def test_a_fault_that_is_no_refusal_rises() -> None:
    reader = Reader()
    reader.refused = ConnectionError("the database is away")
    with pytest.raises(ConnectionError):
        read([(10.0, "a")], reader)


def after_a_silence(reader: Reader, refused: Exception | None, *, leaves: bool = False) -> list[float | BaseException]:
    """What three streams of one reader tell when something happens to all of them at the same moment, long after they
    began. The first, which asks, may be closed before the answer is there."""

    async def scenario() -> list[float | BaseException]:
        streams = Streams(reader)
        opened = [streams.opened() for _ in range(3)]
        for stream in opened:
            await anext(stream)
        reader.at, reader.refused = 2 * SECONDS, refused
        reader.may_be_answered.clear()
        waiting = [asyncio.create_task(anext(stream, -1.0)) for stream in opened]
        await reader.is_asked_about.wait()
        if leaves:
            waiting[0].cancel()
        reader.may_be_answered.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    return asyncio.run(scenario())


def test_streams_that_are_due_at_once_ask_once() -> None:
    reader = Reader()
    assert after_a_silence(reader, None) == [20.0] * 3
    assert reader.asked == 1


def test_a_no_ends_all_who_wait_for_it() -> None:
    reader = Reader()
    assert after_a_silence(reader, LOST) == [-1.0] * 3
    assert reader.asked == 1


def test_a_fault_rises_in_all_who_wait_for_the_answer() -> None:
    fault = ConnectionError("the database is away")
    assert after_a_silence(Reader(), fault) == [fault] * 3


@pytest.mark.parametrize(("refused", "told"), [(None, 20.0), (LOST, -1.0)], ids=["stays", "lost"])
def test_who_waits_for_an_answer_gets_it_when_the_asker_has_left(refused: Exception | None, told: float) -> None:
    reader = Reader()
    cancelled, *others = after_a_silence(reader, refused, leaves=True)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert others == [told] * 2
    assert reader.asked == 1


def test_no_answer_is_relied_on_for_longer_because_it_is_shared() -> None:
    """A stream that takes over an answer at 15 seconds counts from 10, when it was asked for."""
    reader = Reader()

    async def scenario() -> list[int]:
        streams = Streams(reader)
        async with aclosing(streams.opened()) as early, aclosing(streams.opened()) as late:
            asked = []
            for at, stream in [(0, early), (5, late), (10, early), (15, late), (19, late), (20, late)]:
                reader.at = at
                await anext(stream)
                asked.append(reader.asked)
            return asked

    assert asyncio.run(scenario()) == [0, 0, 1, 1, 1, 2]


def test_a_no_is_not_kept_for_who_comes_later() -> None:
    """Whoever lost their right and has it back is asked about again."""
    reader = Reader()

    async def scenario() -> tuple[float, float]:
        streams = Streams(reader)
        async with aclosing(streams.opened()) as early, aclosing(streams.opened()) as late:
            await anext(early)
            reader.at = 2.0
            await anext(late)
            reader.at, reader.refused = 10.0, LOST
            ended = await anext(early, -1.0)
            reader.at, reader.refused = 12.0, None
            return ended, await anext(late)

    assert asyncio.run(scenario()) == (-1.0, 12.0)


def test_every_reader_is_asked_about_for_themselves_and_forgotten_when_they_are_gone() -> None:
    reader = Reader()

    async def scenario() -> list[int]:
        streams = Streams(reader)
        async with aclosing(streams.opened("anna")) as anna, aclosing(streams.opened("bob")) as bob:
            kept = []
            for at in (0.0, 10.0):
                reader.at = at
                await anext(anna)
                await anext(bob)
                kept.append(len(streams.rechecks))
        return [*kept, len(streams.rechecks)]

    assert asyncio.run(scenario()) == [0, 2, 0]
    assert reader.asked == 2


def request(**changed: Any) -> Request:
    """A request to follow a job."""
    headers = [(b"host", b"localhost"), (b"x-api-key", b"a key"), *changed.pop("more", ())]
    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b"", "headers": headers}
    return Request({**scope, "client": ("10.0.0.1", 5000), **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": [(b"host", b"localhost"), (b"x-api-key", b"another key")]},
        {"more": [(b"cookie", b"access_token_lf=x")]},
        {"more": [(b"x-api-key", b"another key")]},
        {"query_string": b"stream_token=x"},
        {"client": ("10.0.0.2", 5000)},
        {"client": None},
        {"path": "/other"},
        {"method": "POST"},
    ],
    ids=str,
)
def test_whatever_differs_makes_another_reader(changed: dict[str, Any]) -> None:
    assert reader_of(request(**changed), "a-job") != reader_of(request(), "a-job")


def test_another_job_makes_another_reader() -> None:
    assert reader_of(request(), "a-job") != reader_of(request(), "another")


def test_a_reader_is_the_same_from_another_connection_and_another_place_in_the_log() -> None:
    again = request(more=[(b"last-event-id", b"7"), (b"traceparent", b"00-1-2-01")], client=("10.0.0.1", 5001))
    assert reader_of(again, "a-job") == reader_of(request(), "a-job")
