"""Searches for a log, a loss and a moment of disconnection that give a client a hole, a repeat or another order."""

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.events import token, warning
from storage.claiming import Claimed
from storage.cursor import START, Cursor
from storage.database import Database
from storage.first_user import ensure_local_user
from storage.flow_store import store_version
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.passes import announce, complete
from storage.secrets import Secrets, new_key
from storage.states import Mode
from storage.stream import Entry, StreamBounds
from storage.submitting import NewJob
from tests.storage.situations import END, claimed
from tests.web.following import Watcher, following, milestones, read_some, read_to_end, seqs, silent_log


@dataclass(frozen=True)
class Written:
    """A log: for each milestone the number of deltas behind it; and for each entry whether the stream lost it."""

    deltas: Sequence[int]
    lost: Sequence[bool]


@st.composite
def logs(draw: st.DrawFn) -> Written:
    deltas = draw(st.lists(st.integers(0, 3), max_size=8))
    count = len(deltas) + sum(deltas) + 2
    lost = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    # That the last event of all was lost is noticed after a second: rarely enough for a search.
    return Written(deltas, [*lost, draw(st.sampled_from([False] * 19 + [True]))])


@pytest.fixture(scope="module")
def kept(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventLog]:
    """A log that outlives an example; each example has a job of its own."""
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("logs") / "penstock.db")
    with closing(Database(f"sqlite:///{path}")) as database:
        yield EventLog(database, MemoryStream(StreamBounds(), time.monotonic))


@pytest.fixture(scope="module")
def job(kept: EventLog) -> NewJob:
    user = ensure_local_user(kept.database, Secrets([new_key()]), None)
    version_id = store_version(kept.database, {"nodes": [], "edges": []})
    return NewJob("", user.user_id, "a-flow", version_id, Mode.BACKGROUND, "a-session", "{}")


def begin(log: EventLog, job: NewJob) -> Claimed:
    """A job in progress of which the stream has heard nothing."""
    return claimed(silent_log(log.database), replace(job, id=str(uuid4())))


def write(log: EventLog, owner: Claimed, deltas: Sequence[int]) -> list[Entry]:
    """Stores milestones that nobody hears of; returns them with the deltas behind each, as they would be published."""
    silent = silent_log(log.database)
    written: list[Entry] = []
    for count in deltas:
        cursor = announce(silent, owner, [warning("here")]).cursor
        written += silent.stored(owner.job_id, cursor.seq - 1)
        written += [Entry(Cursor(cursor.seq, k), "token", token("x", "a").encode()) for k in range(1, count + 1)]
    return written


def publish(log: EventLog, job_id: str, entries: Sequence[Entry], lost: Sequence[bool]) -> None:
    log.publish(job_id, [entry for entry, is_lost in zip(entries, lost, strict=False) if not is_lost])


@settings(max_examples=60, deadline=None)
@given(written=logs(), cut=st.integers(1, 40))
@example(written=Written([2, 0], [False] * 6 + [True]), cut=4)
def test_a_reconnection_leaves_no_gap_and_no_repeat(kept: EventLog, job: NewJob, written: Written, cut: int) -> None:
    """Cut off anywhere, with any entries lost from the stream, a client that comes back with its last id has exactly
    the milestones of an uninterrupted one, in order, and no delta twice."""
    owner = begin(kept, job)
    entries = [*kept.stored(owner.job_id, 0), *write(kept, owner, written.deltas)]
    complete(silent_log(kept.database), owner, END)
    entries += kept.stored(owner.job_id, entries[-1].cursor.seq)
    publish(kept, owner.job_id, entries, written.lost)

    async def scenario() -> tuple[list[Entry], list[Entry]]:
        async with following(kept) as reader:
            whole = await read_to_end(reader, owner.job_id)
            first = await read_some(reader, owner.job_id, cut)
            if first[-1].terminal:
                return whole, first
            last_id = Cursor.parse(str(first[-1].cursor)) or START
            return whole, first + await read_to_end(reader, owner.job_id, last_id)

    whole, pieces = asyncio.run(scenario())
    assert milestones(whole) == milestones(pieces) == milestones(entries)
    for seen in (whole, pieces):
        assert [entry.cursor for entry in seen] == sorted({entry.cursor for entry in seen})


@settings(max_examples=25, deadline=None)
@given(before=logs(), live=logs())
def test_a_live_client_has_no_gap_and_no_repeat(kept: EventLog, job: NewJob, before: Written, live: Written) -> None:
    """Attached in the middle of any log, with any entries lost before and after, a client has every milestone once."""
    owner = begin(kept, job)
    entries = [*kept.stored(owner.job_id, 0), *write(kept, owner, before.deltas)]
    publish(kept, owner.job_id, entries, before.lost)

    async def scenario() -> list[Entry]:
        async with following(kept) as reader:
            client = Watcher(reader, owner.job_id)
            await client.reached(2)
            later = write(kept, owner, live.deltas)
            publish(kept, owner.job_id, later, live.lost)
            # The last event is published: that a lost one is noticed takes a second, and is tested elsewhere.
            complete(kept, owner, END)
            return await client.to_end()

    seen = asyncio.run(scenario())
    assert seqs(seen) == list(range(1, len(before.deltas) + len(live.deltas) + 4))
    assert [entry.cursor for entry in seen] == sorted({entry.cursor for entry in seen})
