from datetime import UTC, datetime
from functools import partial
from typing import cast

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from flows.context import VertexResult
from flows.errors import ValueWithoutCodec
from flows.events import build_start, warning
from flows.messages import MessageRecord
from flows.values import Json, Message
from storage.clock import after
from storage.cursor import START, Cursor
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import announce, claim, complete, fail, finish_vertex, finished_vertices, release
from storage.states import Status
from storage.tables import ChatMessage
from tests.storage.situations import (
    END,
    FAILURE,
    FINISHED,
    LEASE_SECONDS,
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
    submitted,
    taken_over,
    value_of,
)


def said(text: str, id: str = "m") -> MessageRecord:
    message = Message(text, "User", "User", "a-session")
    return MessageRecord(id, "a-job", "a-flow", datetime(2020, 1, 2, tzinfo=UTC), message)


def test_of_sixteen_workers_that_claim_at_once_one_wins(log: EventLog, new_job: JobMaker) -> None:
    """I3."""
    job_id = submitted(log, new_job())
    attempts = [partial(claim, log, job_id, f"w{number}", LEASE_SECONDS, [build_start()]) for number in range(16)]
    [won] = [answer for race in at_once(attempts) if (answer := race.result()) is not None]
    assert (won.fence, won.attempts, won.seq) == (1, 1, 2)
    assert value_of(log.database, job_id, "worker") == won.worker
    assert events_of(log, job_id) == [(1, "warning", False), (2, "build_start", False)]


def test_of_sixteen_workers_that_take_over_at_once_one_wins(log: EventLog, new_job: JobMaker) -> None:
    """I3."""
    job_id = claimed(log, new_job()).job_id
    let_lease_expire(log.database, job_id)
    attempts = [partial(claim, log, job_id, f"w{number}", LEASE_SECONDS, [build_start()]) for number in range(16)]
    [won] = [answer for race in at_once(attempts) if (answer := race.result()) is not None]
    assert (won.fence, won.attempts) == (2, 2)


def test_a_claim_hands_over_what_was_submitted(log: EventLog, new_job: JobMaker) -> None:
    job = new_job(request='{"input_value":"x"}', overrides=b"sealed", session_id="s", seconds_allowed=60)
    won = claimed(log, job)
    assert (won.job_id, won.user_id, won.flow_id, won.version_id) == (job.id, job.user_id, job.flow_id, job.version_id)
    assert (won.request, won.overrides, won.session_id) == (job.request, job.overrides, job.session_id)
    assert won.seconds_left is not None
    assert 0 < won.seconds_left <= 60
    assert won.created_at <= won.claimed_at


def test_the_next_pass_goes_on_with_the_numbers_of_the_last(log: EventLog, new_job: JobMaker) -> None:
    old = claimed(log, new_job())
    started = value_of(log.database, old.job_id, "started_at")
    new = taken_over(log, old)
    assert (new.fence, new.attempts, new.seq) == (old.fence + 1, 2, old.seq + 1)
    assert value_of(log.database, old.job_id, "started_at") == started


def test_a_pass_whose_lease_ran_out_owns_its_job_until_it_is_taken_over(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    let_lease_expire(log.database, owner.job_id)
    announce(log, owner, [warning("still here")])
    assert lies_in_the_future(log.database, owner.job_id, "lease_until")


def test_a_finished_vertex_is_stored_with_its_events_and_messages(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    cursor = finish_vertex(log, owner, result(), FINISHED, [said("hello")])
    assert cursor == Cursor(owner.seq + len(FINISHED))
    assert [seq for seq, _, _ in events_of(log, owner.job_id)] == [1, 2, 3, 4]
    assert finished_vertices(log.database, owner.job_id) == [result()]
    assert contents(log.database)["messages"][0][-3:-1] == ("hello", "[]")


def test_a_finished_vertex_renews_the_lease(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    let_lease_expire(log.database, owner.job_id)
    finish_vertex(log, owner, result(), [], [])
    assert lies_in_the_future(log.database, owner.job_id, "lease_until")


def test_finished_vertices_come_back_in_the_order_they_finished(log: EventLog, new_job: JobMaker) -> None:
    """I6."""
    owner = claimed(log, new_job())
    finished = [result("z"), result("a"), result("m"), result("a", visit=2)]
    for one in finished:
        finish_vertex(log, owner, one, FINISHED, [])
    assert finished_vertices(log.database, owner.job_id) == finished


@pytest.mark.parametrize("text", ["a\x00b", "\u2028", "œ", "🚰"])
def test_a_message_is_stored_whatever_its_text(log: EventLog, new_job: JobMaker, text: str) -> None:
    owner = claimed(log, new_job())
    finish_vertex(log, owner, VertexResult("a", 1, {"text": text}), [warning(text)], [said(text)])
    assert finished_vertices(log.database, owner.job_id)[0].outputs == {"text": text}
    with log.database.read() as connection:
        stored = connection.execute(select(col(ChatMessage.text))).scalar_one()
    assert stored == text.replace("\x00", "")


def test_vertices_that_finish_at_the_same_time_get_dense_numbers(log: EventLog, new_job: JobMaker) -> None:
    """I4."""
    owner = claimed(log, new_job())
    races = at_once([partial(finish_vertex, log, owner, result(f"v{n}"), FINISHED, []) for n in range(8)])
    ends = sorted(race.result().seq for race in races)
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


def test_a_completed_job_keeps_no_owner_no_lease_and_no_secret(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job(overrides=b"sealed"))
    complete(log, owner, END)
    kept = [value_of(log.database, owner.job_id, name) for name in ("status", "worker", "lease_until", "overrides")]
    assert kept == [Status.COMPLETED, None, None, None]
    assert value_of(log.database, owner.job_id, "finished_at") is not None
    assert events_of(log, owner.job_id)[-1] == (3, "end", True)


def test_a_failed_job_keeps_its_error_and_no_secret(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job(overrides=b"sealed"))
    fail(log, owner, '{"message":"broken"}', FAILURE)
    kept = [value_of(log.database, owner.job_id, name) for name in ("status", "error", "lease_until", "overrides")]
    assert kept == [Status.FAILED, '{"message":"broken"}', None, None]
    assert [terminal for _, _, terminal in events_of(log, owner.job_id)] == [False, False, False, True]


def test_the_database_itself_refuses_a_second_terminal_event(log: EventLog, new_job: JobMaker) -> None:
    """I2."""
    owner = claimed(log, new_job())
    before = contents(log.database)
    with pytest.raises(IntegrityError):
        complete(log, owner, [*END, *END])
    assert contents(log.database) == before


def test_a_released_job_is_queued_again_and_the_attempt_is_not_counted(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, hinted_at=after(-60))
    hinted = value_of(log.database, owner.job_id, "hinted_at")
    release(log, owner)
    kept = [value_of(log.database, owner.job_id, name) for name in ("status", "attempts", "worker", "lease_until")]
    assert kept == [Status.QUEUED, 0, None, None]
    assert value_of(log.database, owner.job_id, "hinted_at") > hinted
    assert [kind for _, kind, _ in events_of(log, owner.job_id)] == ["warning", "build_start"]


def test_a_released_job_can_be_claimed_and_its_old_pass_is_over(log: EventLog, new_job: JobMaker) -> None:
    old = claimed(log, new_job())
    release(log, old)
    new = claim_again(log, old.job_id)
    assert (new.fence, new.attempts) == (old.fence + 1, 1)
    with pytest.raises(PassLost):
        release(log, old)
