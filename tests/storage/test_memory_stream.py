from collections.abc import Callable

import pytest

from flows.events import EventType
from storage.cursor import START, Cursor
from storage.memory_stream import REST_SECONDS, MemoryStream
from storage.stream import Entry, StreamBounds


class TurnedClock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def publish(clock: TurnedClock) -> tuple[MemoryStream, Callable[[str, int], None]]:
    """A stream that keeps a job for a minute, and how one entry is published to it."""
    stream = MemoryStream(StreamBounds(length=10, seconds=60), clock)
    return stream, lambda job_id, seq: stream.publish(job_id, [Entry(Cursor(seq), "output", b"{}")])


def kept(stream: MemoryStream, job_id: str) -> int:
    return len(stream.range(job_id, START, 100))


def test_a_job_is_forgotten_when_its_time_is_over(
    clock: TurnedClock, publish: tuple[MemoryStream, Callable[[str, int], None]]
) -> None:
    """I10."""
    stream, add = publish
    add("old", 1)
    clock.seconds = 61
    add("new", 1)
    assert (kept(stream, "old"), kept(stream, "new")) == (0, 1)


def test_every_entry_gives_its_job_more_time(
    clock: TurnedClock, publish: tuple[MemoryStream, Callable[[str, int], None]]
) -> None:
    stream, add = publish
    add("busy", 1)
    add("quiet", 1)
    clock.seconds = 40
    add("busy", 2)
    clock.seconds = 80
    add("new", 1)
    assert (kept(stream, "busy"), kept(stream, "quiet")) == (2, 0)


def test_all_jobs_together_are_bounded(clock: TurnedClock) -> None:
    """I10: the job that nothing was published to for longest goes first, the one at hand stays whole."""
    stream = MemoryStream(StreamBounds(total_bytes=25), clock)
    for job_id in ("old", "newer", "newest"):
        stream.publish(job_id, [Entry(Cursor(1), "output", b"x" * 10)])
    assert [kept(stream, job_id) for job_id in ("old", "newer", "newest")] == [0, 1, 1]
    stream.publish("newest", [Entry(Cursor(2), "output", b"x" * 40)])
    assert [kept(stream, job_id) for job_id in ("newer", "newest")] == [0, 2]


def test_a_job_that_waits_for_a_person_is_forgotten_soon(
    clock: TurnedClock, publish: tuple[MemoryStream, Callable[[str, int], None]]
) -> None:
    """Rule 7; one that goes on before is kept as any other."""
    stream, add = publish
    for job_id in ("waits", "went on"):
        add(job_id, 1)
        stream.publish(job_id, [Entry(Cursor(1, 1), EventType.RUN_SUSPENDED, b"{}")])
    add("went on", 2)
    clock.seconds = REST_SECONDS + 1
    add("another", 1)
    assert (kept(stream, "waits"), kept(stream, "went on")) == (0, 3)
