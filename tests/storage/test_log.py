"""The log as it is read back: both databases joined to both streams."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from flows.events import EventType, token, warning
from storage.cursor import START, Cursor
from storage.database import Database
from storage.log import EventLog, dense_prefix
from storage.memory_stream import MemoryStream
from storage.passes import announce, complete
from storage.redis_link import RedisLink
from storage.redis_stream import RedisStream, events_key
from storage.stream import Entry, EventStream, StreamBounds
from storage.submitting import submit
from tests.storage.situations import END, JobMaker, claimed, contents, submitted

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def log(database: Database, stream: EventStream) -> EventLog:
    return EventLog(database, stream)


@pytest.fixture
def finished(log: EventLog, new_job: JobMaker) -> str:
    """A job that ended with the log 1, 2, 3, 3-1, 3-2, 4, 5, 6, 6-1, 7."""
    owner = claimed(log, new_job())
    announce(log, owner, [warning("3")])
    log.publish(owner.job_id, deltas(3, 2))
    announce(log, owner, [warning("4"), warning("5")])
    announce(log, owner, [warning("6")])
    log.publish(owner.job_id, deltas(6, 1))
    complete(log, owner, END)
    return owner.job_id


WHOLE = ["1", "2", "3", "3-1", "3-2", "4", "5", "6", "6-1", "7"]
MILESTONES = ["1", "2", "3", "4", "5", "6", "7"]


def deltas(seq: int, count: int) -> list[Entry]:
    return [Entry(Cursor(seq, delta), EventType.TOKEN, token("x", "m").encode()) for delta in range(1, count + 1)]


def reading(log: EventLog, job_id: str, cursor: Cursor = START, limit: int = 500) -> list[Entry]:
    """What a client gets that reads on from a cursor until nothing comes."""
    got: list[Entry] = []
    while entries := log.read(job_id, cursor, limit).entries:
        assert len(entries) <= limit
        assert cursor < entries[0].cursor
        cursor = entries[-1].cursor
        got += entries
    return got


def written(entries: Sequence[Entry]) -> list[str]:
    return [str(entry.cursor) for entry in entries]


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_a_log_is_read_whole_and_in_order(log: EventLog, finished: str, limit: int) -> None:
    assert written(reading(log, finished, limit=limit)) == WHOLE


def test_a_log_is_read_on_from_any_cursor(log: EventLog, finished: str) -> None:
    cuts = [entry.cursor for entry in reading(log, finished)]
    read = [written(reading(log, finished, cut)) for cut in cuts]
    assert read == [WHOLE[place:] for place in range(1, len(WHOLE) + 1)]


def test_stream_and_database_tell_a_milestone_in_the_same_bytes(log: EventLog, finished: str) -> None:
    streamed = [entry for entry in log.stream.range(finished, START, 100) if entry.cursor.is_milestone]
    assert streamed == log.stored(finished, 0)
    assert [entry.terminal for entry in streamed] == [False] * 6 + [True]


def test_stored_milestones_lie_between_their_bounds(log: EventLog, finished: str) -> None:
    assert written(log.stored(finished, 2, before=6)) == ["3", "4", "5"]
    assert written(log.stored(finished, 2, before=6, limit=2)) == ["3", "4"]


def test_a_page_says_whether_it_is_the_last(log: EventLog, finished: str) -> None:
    assert log.read(finished, START).is_last
    assert not log.read(finished, START, limit=3).is_last
    assert log.read(finished, Cursor(7)).is_last


def test_a_transaction_that_fails_publishes_nothing(log: EventLog, new_job: JobMaker) -> None:
    """C6: no client sees a number that another event will get."""
    job_id = submitted(log, new_job())
    before = contents(log.database)
    with pytest.raises(IntegrityError):
        _append_twice(log, job_id)
    assert contents(log.database) == before
    assert written(log.stream.range(job_id, START, 10)) == ["1"]


def _append_twice(log: EventLog, job_id: str) -> None:
    with log.transition("announce", durable=True) as transition:
        transition.append(job_id, 2, [warning("2")])
        transition.append(job_id, 2, [warning("2 again")])


def test_milestones_are_published_after_the_commit(log: EventLog, new_job: JobMaker) -> None:
    job_id = submitted(log, new_job())
    with log.transition("announce", durable=True) as transition:
        transition.append(job_id, 2, [warning("2")])
        assert written(log.stream.range(job_id, START, 10)) == ["1"]
    assert written(log.stream.range(job_id, START, 10)) == ["1", "2"]


def test_a_stream_that_begins_late_is_filled_from_the_database(log: EventLog, finished: str) -> None:
    """C3."""
    with closing(MemoryStream(StreamBounds(), time.monotonic)) as late:
        late.publish(finished, log.stream.range(finished, Cursor(4), 100))
        assert written(reading(EventLog(log.database, late), finished)) == ["1", "2", "3", "4", "5", "6", "6-1", "7"]


def test_an_emptied_stream_costs_no_milestone(log: EventLog, finished: str) -> None:
    """I11."""
    with closing(MemoryStream(StreamBounds(), time.monotonic)) as empty:
        assert written(reading(EventLog(log.database, empty), finished)) == MILESTONES


def test_a_stream_that_is_away_costs_no_milestone(log: EventLog, finished: str) -> None:
    """I11."""
    with closing(RedisStream(RedisLink(NOWHERE), StreamBounds())) as away:
        alone = EventLog(log.database, away)
        read = {cut: written(reading(alone, finished, cut)) for cut in (START, Cursor(3), Cursor(3, 1), Cursor(7))}
    assert read == {START: MILESTONES, Cursor(3): MILESTONES[3:], Cursor(3, 1): MILESTONES[3:], Cursor(7): []}


def test_a_run_goes_on_while_the_stream_is_away(database: Database, new_job: JobMaker) -> None:
    """I11."""
    with closing(RedisStream(RedisLink(NOWHERE), StreamBounds())) as away:
        log = EventLog(database, away)
        owner = claimed(log, new_job())
        log.publish(owner.job_id, deltas(2, 1))
        complete(log, owner, END)
        assert written(reading(log, owner.job_id)) == ["1", "2", "3"]


@pytest.mark.parametrize("lose", ["flush", "trim"])
def test_what_redis_forgets_in_the_middle_of_a_reading_is_filled(
    database: Database, redis_url: str, new_job: JobMaker, lose: str
) -> None:
    """I11, C3."""
    with (
        closing(RedisStream(RedisLink(redis_url), StreamBounds())) as stream,
        redis.Redis.from_url(redis_url) as client,
    ):
        log = EventLog(database, stream)
        owner = claimed(log, new_job())
        got = log.read(owner.job_id, START).entries
        announce(log, owner, [warning("3"), warning("4")])
        forget: Callable[[], object] = (
            client.flushall if lose == "flush" else lambda: client.xtrim(events_key(owner.job_id), 1, approximate=False)
        )
        forget()
        announce(log, owner, [warning("5")])
        assert written(got + reading(log, owner.job_id, got[-1].cursor)) == ["1", "2", "3", "4", "5"]


@given(st.lists(st.integers(0, 9).map(Cursor), unique=True).map(sorted), st.integers(0, 9))
def test_a_dense_prefix_has_no_hole_and_cannot_be_longer(cursors: list[Cursor], after: int) -> None:
    entries = [Entry(cursor, "output", b"") for cursor in cursors if cursor.seq > after]
    dense = dense_prefix(entries, Cursor(after))
    assert [entry.cursor.seq for entry in dense] == list(range(after + 1, after + 1 + len(dense)))
    assert len(dense) == len(entries) or entries[len(dense)].cursor.seq > after + len(dense) + 1


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_reading_on_from_any_cut_gives_every_milestone_once_whatever_the_stream_lost(
    database: Database, new_job: JobMaker, data: st.DataObject
) -> None:
    """I4: for any log, any loss, any cut and any length of page."""
    are_deltas = data.draw(st.lists(st.booleans(), max_size=12), label="deltas")
    entries = _numbered([False, *are_deltas])
    survive = data.draw(st.lists(st.booleans(), min_size=len(entries), max_size=len(entries)), label="survive")
    cut = data.draw(st.sampled_from([START, *(entry.cursor for entry in entries)]), label="cut")
    limit = data.draw(st.integers(1, 6), label="limit")
    survivors = [entry for entry, stays in zip(entries, survive, strict=True) if stays]
    with closing(MemoryStream(StreamBounds(), time.monotonic)) as stream:
        log = EventLog(database, stream)
        job_id = _stored(log, new_job, [entry for entry in entries if entry.cursor.is_milestone])
        stream.publish(job_id, survivors)
        read = reading(log, job_id, cut, limit)
    milestones = [entry for entry in entries if entry.cursor.is_milestone and entry.cursor > cut]
    assert [entry for entry in read if entry.cursor.is_milestone] == milestones
    assert [entry for entry in read if not entry.cursor.is_milestone and entry not in survivors] == []
    assert [entry.cursor for entry in read] == sorted({entry.cursor for entry in read})


def _numbered(are_deltas: Sequence[bool]) -> list[Entry]:
    """A log by its pattern: each delta follows the milestone before it."""
    entries: list[Entry] = []
    cursor = START
    for is_delta in are_deltas:
        cursor = Cursor(cursor.seq, cursor.delta + 1) if is_delta else Cursor(cursor.seq + 1)
        event = token("x", "m") if is_delta else warning(str(cursor))
        entries.append(Entry(cursor, event.type, event.encode()))
    return entries


def _stored(log: EventLog, new_job: JobMaker, milestones: Sequence[Entry]) -> str:
    """A job with these milestones in the database only."""
    with closing(MemoryStream(StreamBounds(), time.monotonic)) as unread:
        events = [warning(str(entry.cursor)) for entry in milestones]
        return submit(EventLog(log.database, unread), new_job(), events).job_id
