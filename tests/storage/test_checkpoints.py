"""What a long build keeps of its steps: stored under the fence, one transaction each, gone when its vertex is done."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
from sqlalchemy.exc import IntegrityError

from flows.checkpoints import Checkpoint
from flows.errors import ValueWithoutCodec
from flows.events import warning
from flows.journal import Step
from flows.values import Json
from storage.asking import ask
from storage.claiming import Claimed
from storage.clock import after
from storage.cursor import START, Cursor
from storage.ending import stop
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import expire, fail, finish_vertex, keep
from storage.restoring import legacy_of
from tests.storage.situations import (
    EXPIRY,
    FAILURE,
    FINISHED,
    JobMaker,
    a_request,
    at_once,
    change,
    claimed,
    contents,
    events_of,
    lies_in_the_future,
    result,
    taken_over,
    value_of,
)


def step(name: str = "turn_1", vertex_id: str = "a", visit: int = 1, content: Any = "said") -> Checkpoint:
    return Checkpoint(vertex_id, visit, name, content)


def test_a_step_comes_back_in_the_next_pass_as_it_was(log: EventLog, new_job: JobMaker) -> None:
    """Whatever is in it, and each by its own name, vertex and visit."""
    owner = claimed(log, new_job())
    odd = {"text": "a\x00b\u2028œ🚰", "deep": [[{"n": [1, 2.5, None, True]}]], "": {}}
    steps = [step(), step("left/call_1_0", content=odd), step(vertex_id="b"), step(visit=2, content=None)]
    for one in steps:
        keep(log, owner, Step(one))
    found = legacy_of(log.database, taken_over(log, owner).job_id).kept
    assert sorted(found, key=repr) == sorted(steps, key=repr)
    assert legacy_of(log.database, claimed(log, new_job()).job_id).kept == []


def test_a_step_is_stored_with_its_events_and_what_it_has_cost(log: EventLog, new_job: JobMaker) -> None:
    """Rule 3; and the job may be tried as often again."""
    again = taken_over(log, claimed(log, new_job()))
    standing = keep(log, again, Step(step(), events=[warning("one"), warning("two")], spent=5))
    assert standing.cursor == Cursor(again.seq + 2)
    assert [seq for seq, _, _ in events_of(log, again.job_id)] == list(range(1, again.seq + 3))
    keep(log, again, Step(step("turn_2"), spent=2))
    finish_vertex(log, again, result(), FINISHED, [], spent=4, has_checkpoints=True)
    assert value_of(log.database, again.job_id, "tokens") == 11
    assert value_of(log.database, again.job_id, "attempts") == 1


def test_what_a_job_has_spent_is_known_to_the_next_pass(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    keep(log, owner, Step(step(), spent=5))
    assert taken_over(log, owner).tokens == 5


@pytest.mark.parametrize("durable", [False, True])
def test_a_step_renews_the_lease_and_the_time_of_its_vertex(log: EventLog, new_job: JobMaker, durable: bool) -> None:
    owner = claimed(log, new_job(), vertex_seconds=60)
    change(log.database, owner.job_id, lease_until=after(-1), vertex_deadline_at=after(-1))
    keep(log, owner, Step(step(), durable=durable))
    assert lies_in_the_future(log.database, owner.job_id, "lease_until")
    assert lies_in_the_future(log.database, owner.job_id, "vertex_deadline_at")


def test_a_step_of_a_pass_that_was_lost_is_refused(log: EventLog, new_job: JobMaker) -> None:
    """I3: the new pass goes on from what was kept before, and nothing of the old one comes behind."""
    old = claimed(log, new_job())
    keep(log, old, Step(step(), spent=1))
    taken_over(log, old)
    before = contents(log.database)
    with pytest.raises(PassLost):
        keep(log, old, Step(step("turn_2"), events=[warning("late")], spent=1))
    assert contents(log.database) == before


def test_a_write_that_took_place_after_all_is_not_made_again(log: EventLog, new_job: JobMaker) -> None:
    """Fault E3: said to be the first, it is refused as the second."""
    owner = claimed(log, new_job())
    keep(log, owner, Step(step(), spent=1), 0)
    before = contents(log.database)
    with pytest.raises(PassLost):
        keep(log, owner, Step(step("turn_2"), spent=1), 0)
    assert contents(log.database) == before


@pytest.mark.parametrize(
    "content", [object(), float("nan"), 2**64, "\ud800", {1: 2}], ids=["object", "NaN", "large", "surrogate", "key"]
)
def test_a_step_that_cannot_be_stored_leaves_nothing_behind(log: EventLog, new_job: JobMaker, content: object) -> None:
    """Rule 11."""
    owner = claimed(log, new_job())
    before = contents(log.database)
    with pytest.raises(ValueWithoutCodec, match="turn_1"):
        keep(log, owner, Step(step(content=cast("Json", content)), events=[warning("kept")], spent=1))
    assert contents(log.database) == before


def test_a_step_is_kept_once(log: EventLog, new_job: JobMaker) -> None:
    """Rule 3: the same a second time fails, with its events and what it has cost."""
    owner = claimed(log, new_job())
    keep(log, owner, Step(step(), spent=1))
    before, shown = contents(log.database), log.stream.range(owner.job_id, START, 100)
    with pytest.raises(IntegrityError):
        keep(log, owner, Step(step(content="other"), events=[warning("again")], spent=1))
    assert contents(log.database) == before
    assert log.stream.range(owner.job_id, START, 100) == shown


def test_the_steps_of_a_vertex_go_when_it_is_finished(log: EventLog, new_job: JobMaker) -> None:
    """Of this visit, of this job; in the one transaction that finishes it."""
    owner, other = claimed(log, new_job()), claimed(log, new_job())
    for one in (step(), step("turn_2"), step(visit=2), step(vertex_id="b")):
        keep(log, owner, Step(one))
    keep(log, other, Step(step()))
    finish_vertex(log, owner, result(), FINISHED, [], has_checkpoints=True)
    left = legacy_of(log.database, owner.job_id).kept
    assert sorted(left, key=repr) == sorted([step(visit=2), step(vertex_id="b")], key=repr)
    assert legacy_of(log.database, other.job_id).kept == [step()]


def test_the_steps_of_a_vertex_stay_when_it_could_not_be_finished(log: EventLog, new_job: JobMaker) -> None:
    """A pass that was lost takes nothing away from the next one."""
    old = claimed(log, new_job())
    keep(log, old, Step(step()))
    taken_over(log, old)
    with pytest.raises(PassLost):
        finish_vertex(log, old, result(), FINISHED, [], has_checkpoints=True)
    assert legacy_of(log.database, old.job_id).kept == [step()]


def test_the_steps_of_a_vertex_stay_when_it_asks(log: EventLog, new_job: JobMaker) -> None:
    """The pass that has the answer goes on from them."""
    owner = claimed(log, new_job())
    keep(log, owner, Step(step(vertex_id="asks")))
    ask(log, owner, a_request(owner), [])
    assert legacy_of(log.database, owner.job_id).kept == [step(vertex_id="asks")]


def test_steps_that_are_kept_at_the_same_time_get_dense_numbers(log: EventLog, new_job: JobMaker) -> None:
    """I4; no token is lost to another."""
    owner = claimed(log, new_job())
    at_once([partial(keep, log, owner, Step(step(f"call_{n}"), [warning(str(n))], spent=1)) for n in range(8)])
    assert [seq for seq, _, _ in events_of(log, owner.job_id)] == list(range(1, owner.seq + 9))
    assert len(legacy_of(log.database, owner.job_id).kept) == 8
    assert value_of(log.database, owner.job_id, "tokens") == 8


@pytest.mark.parametrize(
    "end",
    [
        lambda log, owner: fail(log, owner, "{}", FAILURE),
        lambda log, owner: expire(log, owner, "{}", EXPIRY),
        lambda log, owner: stop(log, owner.job_id, owner.user_id),
    ],
    ids=["failed", "expired", "stopped"],
)
def test_the_steps_of_a_job_go_when_it_ends_without_them(
    log: EventLog, new_job: JobMaker, end: Callable[[EventLog, Claimed], object]
) -> None:
    """Nobody goes on from them; those of others stay."""
    owner, other = claimed(log, new_job()), claimed(log, new_job())
    for one in (owner, other):
        keep(log, one, Step(step()))
    end(log, owner)
    assert legacy_of(log.database, owner.job_id).kept == []
    assert legacy_of(log.database, other.job_id).kept == [step()]
