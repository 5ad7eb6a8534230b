"""What every event stream does: the one in memory and the one in Redis run the same tests."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.cursor import START, Cursor
from storage.stream import Entry, EventStream, StreamBounds
from tests.storage.situations import at_once

PATIENCE = 8.0
"""Longer than a wake-up takes, shorter than a socket waits; a test that comes to its end has failed."""
LENGTH = 200


def entry(seq: int, delta: int = 0, *, terminal: bool = False, text: str = "") -> Entry:
    return Entry(Cursor(seq, delta), "token" if delta else "end_vertex", f"{seq}-{delta}{text}".encode(), terminal)


@pytest.fixture
def bounds() -> StreamBounds:
    return StreamBounds(length=LENGTH, seconds=60)


def test_what_was_published_comes_back_as_it_was(stream: EventStream) -> None:
    entries = [entry(1), entry(1, 1), entry(2), entry(3, terminal=True)]
    stream.publish("job", entries)
    assert stream.range("job", START, 10) == entries


def test_a_frame_comes_back_byte_for_byte(stream: EventStream) -> None:
    frame = Entry(Cursor(1), "output", b'{"data":"\xe2\x80\xa8\x00\r\n\xf0\x9f\x9a\xb0"}')
    stream.publish("job", [frame])
    assert stream.range("job", START, 10) == [frame]


def test_a_stream_knows_only_its_own_job(stream: EventStream) -> None:
    stream.publish("job", [entry(1)])
    assert stream.range("another", START, 10) == []


def test_publishing_nothing_changes_nothing(stream: EventStream) -> None:
    stream.publish("job", [])
    assert stream.range("job", START, 10) == []


@pytest.mark.parametrize(
    ("after", "limit", "found"),
    [
        (START, 10, ["1", "1-1", "1-2", "2", "3"]),
        (START, 2, ["1", "1-1"]),
        (Cursor(1), 10, ["1-1", "1-2", "2", "3"]),
        (Cursor(1, 1), 2, ["1-2", "2"]),
        (Cursor(1, 9), 10, ["2", "3"]),
        (Cursor(3), 10, []),
        (Cursor(9), 10, []),
    ],
)
def test_a_range_begins_behind_its_cursor(stream: EventStream, after: Cursor, limit: int, found: list[str]) -> None:
    stream.publish("job", [entry(1), entry(1, 1), entry(1, 2), entry(2), entry(3)])
    assert [str(kept.cursor) for kept in stream.range("job", after, limit)] == found


def test_an_entry_that_was_published_already_is_refused(stream: EventStream) -> None:
    """C4: a repeated write has no effect."""
    stream.publish("job", [entry(1), entry(2)])
    stream.publish("job", [entry(1, text="again"), entry(2, text="again"), entry(3)])
    assert stream.range("job", START, 10) == [entry(1), entry(2), entry(3)]


def test_an_entry_that_comes_late_is_refused(stream: EventStream) -> None:
    """Rule 4: a writer that was overtaken cannot put anything behind a reader."""
    stream.publish("job", [entry(1), entry(3)])
    stream.publish("job", [entry(1, 5), entry(2), entry(2, 1)])
    assert stream.range("job", START, 10) == [entry(1), entry(3)]


def test_two_writers_of_the_same_entries_leave_one_of_each(stream: EventStream) -> None:
    entries = [entry(seq) for seq in range(1, 50)]
    for race in at_once([lambda one=one: stream.publish("job", [one]) for one in entries] * 2):
        race.result()
    kept = [entry.cursor.seq for entry in stream.range("job", START, 100)]
    assert kept == sorted(set(kept))
    assert kept[-1] == 49


def test_a_stream_keeps_the_newest_entries_of_a_job(stream: EventStream) -> None:
    """I10: at least as many as its bound says, at most twice as many."""
    stream.publish("job", [entry(seq) for seq in range(1, 5 * LENGTH)])
    for seq in range(5 * LENGTH, 6 * LENGTH):
        stream.publish("job", [entry(seq)])
    kept = [entry.cursor.seq for entry in stream.range("job", START, 6 * LENGTH)]
    assert LENGTH <= len(kept) <= 2 * LENGTH
    assert kept == list(range(kept[0], 6 * LENGTH))


def test_an_entry_older_than_all_that_is_kept_is_still_refused(stream: EventStream) -> None:
    stream.publish("job", [entry(seq) for seq in range(1, 5 * LENGTH)])
    stream.publish("job", [entry(1)])
    assert stream.range("job", START, 1)[0].cursor.seq > 1


def test_waiting_returns_at_once_what_is_there_however_often(stream: EventStream) -> None:
    stream.publish("job", [entry(1), entry(2)])
    positions = {"job": Cursor(1), "another": START}
    assert stream.wait(positions, PATIENCE) == {"job": [entry(2)]}
    assert stream.wait(positions, PATIENCE) == {"job": [entry(2)]}


def test_waiting_wakes_when_a_job_gets_entries(stream: EventStream) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(stream.wait, {"job": Cursor(1), "another": START}, PATIENCE)
        stream.publish("job", [entry(1), entry(2)])
        assert waiting.result() == {"job": [entry(2)]}


def test_waiting_returns_the_entries_of_all_jobs(stream: EventStream) -> None:
    stream.publish("one", [entry(1)])
    stream.publish("two", [entry(1), entry(1, 1)])
    assert stream.wait({"one": START, "two": Cursor(1)}, PATIENCE) == {"one": [entry(1)], "two": [entry(1, 1)]}


def test_waiting_ends_with_nothing_when_the_time_is_over(stream: EventStream) -> None:
    stream.publish("another", [entry(1)])
    assert stream.wait({"job": START}, 0.01) == {}


def test_waiting_is_not_woken_by_what_it_has_already(stream: EventStream) -> None:
    stream.publish("job", [entry(1)])
    assert stream.wait({"job": Cursor(1)}, 0.01) == {}


def test_wake_ends_a_wait_from_another_thread(stream: EventStream) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(stream.wait, {"job": START}, PATIENCE)
        stream.wake()
        assert waiting.result(PATIENCE / 2) == {}


def test_a_wake_is_kept_for_the_next_wait(stream: EventStream) -> None:
    with ThreadPoolExecutor() as threads:
        stream.wake()
        assert threads.submit(stream.wait, {"job": START}, PATIENCE).result(PATIENCE / 2) == {}


def test_a_wake_hides_no_entry(stream: EventStream) -> None:
    stream.wake()
    stream.publish("job", [entry(1)])
    assert stream.wait({"job": START}, PATIENCE) == {"job": [entry(1)]}
