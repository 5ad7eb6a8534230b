"""A stream tells nothing any more from the moment at which its reader is found to have lost their right."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from web.errors import Refusal, Unauthenticated, job_not_found
from web.streams.rechecking import while_allowed

SECONDS = 10.0


class Reader:
    """A reader who may or may not, and how often they were asked."""

    def __init__(self) -> None:
        self.refused: Exception | None = None
        self.asked = 0
        self.at = 0.0

    async def right(self) -> None:
        self.asked += 1
        if self.refused is not None:
            raise self.refused


async def told(events: list[tuple[float, str]], reader: Reader) -> AsyncGenerator[str]:
    """Each event at its moment; one named `lost` takes the right away before it is told."""
    for moment, event in events:
        reader.at = moment
        if event == "lost":
            reader.refused = Unauthenticated("Invalid API key")
        yield event


def read(events: list[tuple[float, str]], reader: Reader) -> list[str]:
    async def reading() -> list[str]:
        stream = while_allowed(told(events, reader), reader.right, SECONDS, lambda: reader.at)
        return [event async for event in stream]

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
