from datetime import UTC, datetime
from functools import partial
from typing import cast

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from flows.errors import ValueWithoutCodec
from flows.events import warning
from flows.journal import VertexResult
from flows.messages import MessageRecord
from flows.values import Json, Message
from storage.clock import after
from storage.cursor import START, Cursor
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import announce, complete, finish_vertex, intend, release, renew
from storage.restoring import legacy_of
from storage.states import Order, Status
from storage.tables import ChatMessage
from tests.storage.situations import (
    END,
    FINISHED,
    WRITES,
    JobMaker,
    at_once,
    change,
    claim_again,
    claimed,
    contents,
    events_of,
    let_lease_expire,
    lies_in_the_future,
    result,
    taken_over,
    value_of,
)


def said(text: str, id: str = "m") -> MessageRecord:
    message = Message(text, "User", "User", "a-session")
    return MessageRecord(id, "a-job", "a-flow", datetime(2020, 1, 2, tzinfo=UTC), message)


def test_a_pass_whose_lease_ran_out_owns_its_job_until_it_is_taken_over(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    let_lease_expire(log.database, owner.job_id)
    announce(log, owner, [warning("still here")])
    assert lies_in_the_future(log.database, owner.job_id, "lease_until")


def test_a_finished_vertex_is_stored_with_its_events_and_messages(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    standing = finish_vertex(log, owner, result(), FINISHED, [said("hello")])
    assert standing.cursor == Cursor(owner.seq + len(FINISHED))
    assert [seq for seq, _, _ in events_of(log, owner.job_id)] == [1, 2, 3, 4]
    assert legacy_of(log.database, owner.job_id).finished == [result()]
    assert contents(log.database)["messages"][0][-4:-2] == ("hello", "[]")


@pytest.mark.parametrize("order", [Order.ANNOUNCE, Order.INTEND, Order.FINISH_VERTEX])
def test_a_write_of_a_pass_renews_its_lease_and_the_time_of_its_vertices(
    log: EventLog, new_job: JobMaker, order: Order
) -> None:
    owner = claimed(log, new_job(), vertex_seconds=60)
    change(log.database, owner.job_id, lease_until=after(-1), vertex_deadline_at=after(-1))
    WRITES[order](log, owner)
    assert lies_in_the_future(log.database, owner.job_id, "lease_until")
    assert lies_in_the_future(log.database, owner.job_id, "vertex_deadline_at")


def test_a_vertex_may_take_as_long_as_it_likes_where_nothing_bounds_it(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    finish_vertex(log, owner, result(), [], [])
    assert value_of(log.database, owner.job_id, "vertex_deadline_at") is None


def test_the_heartbeat_of_a_process_gives_no_vertex_more_time(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job(), vertex_seconds=60)
    due = value_of(log.database, owner.job_id, "vertex_deadline_at")
    assert renew(log.database, [owner], owner.terms) == {owner.job_id}
    assert value_of(log.database, owner.job_id, "vertex_deadline_at") == due


def test_a_job_that_got_further_may_be_tried_as_often_again(log: EventLog, new_job: JobMaker) -> None:
    again = taken_over(log, claimed(log, new_job()))
    announce(log, again, [warning("3")])
    assert value_of(log.database, again.job_id, "attempts") == 2
    finish_vertex(log, again, result(), FINISHED, [])
    assert value_of(log.database, again.job_id, "attempts") == 1


def test_an_intent_is_stored_without_an_event_and_once_per_visit(log: EventLog, new_job: JobMaker) -> None:
    """Rule 6."""
    owner = claimed(log, new_job())
    assert intend(log, owner, "a", 1).cursor == Cursor(owner.seq)
    before = contents(log.database)
    assert [row[:-1] for row in before["vertex_intents"]] == [(owner.job_id, "a", 1, owner.fence)]
    with pytest.raises(IntegrityError):
        intend(log, owner, "a", 1)
    assert contents(log.database) == before
    intend(log, owner, "a", 2)


@pytest.mark.parametrize("text", ["a\x00b", "\u2028", "œ", "🚰"])
def test_a_message_is_stored_whatever_its_text(log: EventLog, new_job: JobMaker, text: str) -> None:
    owner = claimed(log, new_job())
    finish_vertex(log, owner, VertexResult("a", 1, {"text": text}), [warning(text)], [said(text)])
    assert legacy_of(log.database, owner.job_id).finished[0].outputs == {"text": text}
    with log.database.read() as connection:
        stored = connection.execute(select(col(ChatMessage.text))).scalar_one()
    assert stored == text.replace("\x00", "")


def test_vertices_that_finish_at_the_same_time_get_dense_numbers(log: EventLog, new_job: JobMaker) -> None:
    """I4."""
    owner = claimed(log, new_job())
    races = at_once([partial(finish_vertex, log, owner, result(f"v{n}"), FINISHED, []) for n in range(8)])
    ends = sorted(race.result().cursor.seq for race in races)
    assert ends == [owner.seq + 2 * number for number in range(1, 9)]
    assert [seq for seq, _, _ in events_of(log, owner.job_id)] == list(range(1, ends[-1] + 1))


@pytest.mark.parametrize("broken", ["vertex", "message"])
def test_a_vertex_that_cannot_be_stored_leaves_nothing_behind(log: EventLog, new_job: JobMaker, broken: str) -> None:
    """Rule 3: the same vertex or message a second time fails the last insert of the transaction."""
    owner = claimed(log, new_job())
    finish_vertex(log, owner, result(), FINISHED, [said("once")])
    before, shown = contents(log.database), log.stream.range(owner.job_id, START, 100)
    again = result() if broken == "vertex" else result("b")
    with pytest.raises(IntegrityError):
        finish_vertex(log, owner, again, FINISHED, [said("twice", "m" if broken == "message" else "n")])
    assert contents(log.database) == before
    assert log.stream.range(owner.job_id, START, 100) == shown


def test_a_value_without_codec_is_refused_before_anything_is_written(log: EventLog, new_job: JobMaker) -> None:
    """Rule 11."""
    owner = claimed(log, new_job())
    before = contents(log.database)
    with pytest.raises(ValueWithoutCodec):
        finish_vertex(log, owner, VertexResult("a", 1, {"out": cast("Json", object())}), FINISHED, [])
    assert contents(log.database) == before


@pytest.mark.parametrize(
    ("order", "status", "error", "last"),
    [
        (Order.COMPLETE, Status.COMPLETED, None, "end"),
        (Order.FAIL, Status.FAILED, "{}", "end"),
        (Order.EXPIRE, Status.TIMED_OUT, "{}", "timed_out"),
    ],
)
def test_a_job_that_its_pass_ended_keeps_its_error_and_no_owner_no_lease_and_no_secret(
    log: EventLog, new_job: JobMaker, order: Order, status: Status, error: str | None, last: str
) -> None:
    """I2."""
    owner = claimed(log, new_job(overrides=b"sealed"), vertex_seconds=60)
    WRITES[order](log, owner)
    names = ("status", "error", "worker", "lease_until", "vertex_deadline_at", "overrides")
    kept = [value_of(log.database, owner.job_id, name) for name in names]
    assert kept == [status, error, None, None, None, None]
    assert value_of(log.database, owner.job_id, "finished_at") is not None
    *before, (seq, kind, terminal) = events_of(log, owner.job_id)
    assert (seq, kind, terminal) == (value_of(log.database, owner.job_id, "seq"), last, True)
    assert not any(terminal for _, _, terminal in before)


def test_the_database_itself_refuses_a_second_terminal_event(log: EventLog, new_job: JobMaker) -> None:
    """I2."""
    owner = claimed(log, new_job())
    before = contents(log.database)
    with pytest.raises(IntegrityError):
        complete(log, owner, [*END, *END])
    assert contents(log.database) == before


@pytest.mark.parametrize("cut_off", [True, False])
def test_a_released_job_is_queued_again_and_the_attempt_is_not_counted(
    log: EventLog, new_job: JobMaker, cut_off: bool
) -> None:
    """A18: an interruption by deploy is not an attempt. Who was cut off is kept for the next pass."""
    owner = claimed(log, new_job(), vertex_seconds=60)
    change(log.database, owner.job_id, hinted_at=after(-60))
    hinted = value_of(log.database, owner.job_id, "hinted_at")
    release(log, owner, cut_off=cut_off)
    names = ("status", "attempts", "worker", "lease_until", "vertex_deadline_at")
    kept = [value_of(log.database, owner.job_id, name) for name in names]
    assert kept == [Status.QUEUED, 0, "a-worker" if cut_off else None, None, None]
    assert value_of(log.database, owner.job_id, "hinted_at") > hinted
    assert [kind for _, kind, _ in events_of(log, owner.job_id)] == ["warning", "build_start"]


def test_a_released_job_can_be_claimed_and_its_old_pass_is_over(log: EventLog, new_job: JobMaker) -> None:
    old = claimed(log, new_job())
    release(log, old, cut_off=True)
    new = claim_again(log, old.job_id)
    assert (new.fence, new.attempts) == (old.fence + 1, 1)
    with pytest.raises(PassLost):
        release(log, old, cut_off=True)
