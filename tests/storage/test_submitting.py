from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from flows.events import build_start, warning
from storage.cursor import START
from storage.database import Database
from storage.errors import IdempotencyConflict, QueueFull
from storage.jobs import find_job
from storage.levels import Trust
from storage.log import EventLog
from storage.states import HOLDS_KEY, TERMINAL, Mode, Order, Status
from storage.submitting import NewJob, QueueBounds, Submitted, submit
from tests.storage.orders import GIVE, MOVES_TO, ready_for
from tests.storage.situations import (
    FIRST,
    JobMaker,
    another_user,
    at_once,
    brought_to,
    claim_again,
    contents,
    events_of,
    lies_in_the_future,
    submitted,
    value_of,
)


def keyed(new_job: JobMaker, **given: Any) -> NewJob:
    """A job under the idempotency key of this module."""
    return new_job(**{"idempotency_key": "k", "fingerprint": "f", **given})


def test_a_new_job_is_queued_with_its_first_events(log: EventLog, new_job: JobMaker) -> None:
    job = new_job()
    answer = submit(log, job, [warning("one"), build_start()])
    view = find_job(log.database, job.id)
    assert view is not None
    assert answer == Submitted(job.id, is_new=True, created_at=view.created_at)
    assert (view.status, view.seq, view.started_at) == (Status.QUEUED, 2, None)
    assert events_of(log, job.id) == [(1, "warning", False), (2, "build_start", False)]


def test_the_first_events_reach_the_stream(log: EventLog, new_job: JobMaker) -> None:
    job_id = submitted(log, new_job())
    assert log.stream.range(job_id, START, 10) == log.stored(job_id, 0)


def test_a_deadline_lies_as_far_ahead_as_was_allowed(log: EventLog, new_job: JobMaker) -> None:
    timed, over = submitted(log, new_job(seconds_allowed=60)), submitted(log, new_job(seconds_allowed=0))
    assert lies_in_the_future(log.database, timed, "deadline_at")
    assert not lies_in_the_future(log.database, over, "deadline_at")
    assert value_of(log.database, submitted(log, new_job()), "deadline_at") is None


def test_the_same_key_answers_with_the_same_job_and_stores_nothing(log: EventLog, new_job: JobMaker) -> None:
    """I12."""
    first = submit(log, keyed(new_job), FIRST)
    before = contents(log.database)
    again = submit(log, keyed(new_job), FIRST)
    assert again == replace(first, is_new=False)
    assert contents(log.database) == before


@pytest.mark.parametrize("freed", [False, True])
def test_twice_twenty_simultaneous_submits_with_one_key_give_one_job(
    log: EventLog, new_job: JobMaker, freed: bool
) -> None:
    """A22, I12: by two processes, whether nobody has held the key or the job that held it has failed."""
    if freed:
        brought_to(log, keyed(new_job), Status.FAILED)
    with closing(Database(log.database.url.render_as_string(hide_password=False))) as another:
        logs = [log, EventLog(another, log.stream)]
        races = at_once([partial(submit, one, keyed(new_job), FIRST) for one in logs for _ in range(20)])
    answers = [race.result() for race in races]
    assert len({(answer.job_id, answer.created_at) for answer in answers}) == 1
    assert [answer.is_new for answer in answers].count(True) == 1
    assert events_of(log, answers[0].job_id) == [(1, "warning", False)]
    assert len(contents(log.database)["jobs"]) == 1 + freed


def test_a_key_belongs_to_its_user(log: EventLog, new_job: JobMaker) -> None:
    submitted(log, keyed(new_job))
    other = keyed(new_job, user_id=another_user(log.database), fingerprint="g")
    answer = submit(log, other, FIRST)
    assert (answer.job_id, answer.is_new) == (other.id, True)


def test_another_key_stands_for_another_job(log: EventLog, new_job: JobMaker) -> None:
    assert submitted(log, keyed(new_job)) != submitted(log, keyed(new_job, idempotency_key="another"))


def test_jobs_without_a_key_are_all_new(log: EventLog, new_job: JobMaker) -> None:
    answers = [submit(log, new_job(), FIRST) for _ in range(3)]
    assert all(answer.is_new for answer in answers)


def test_a_key_used_for_another_request_is_refused_and_names_the_job(log: EventLog, new_job: JobMaker) -> None:
    held = submitted(log, keyed(new_job))
    before = contents(log.database)
    with pytest.raises(IdempotencyConflict) as refused:
        submitted(log, keyed(new_job, fingerprint="another"))
    assert refused.value.job_id == held
    assert contents(log.database) == before


@pytest.mark.parametrize("status", Status)
def test_a_job_that_failed_or_was_ended_frees_its_key(log: EventLog, new_job: JobMaker, status: Status) -> None:
    """Contract 1.1."""
    brought_to(log, keyed(new_job), status)
    assert submit(log, keyed(new_job), FIRST).is_new == (status not in HOLDS_KEY)


@pytest.mark.parametrize("order", [order for order in Order if MOVES_TO[order] in TERMINAL])
def test_a_job_holds_its_key_after_its_end_when_it_has_completed_only(
    log: EventLog, new_job: JobMaker, order: Order
) -> None:
    """However it came to its end: by its pass, a stop, a deadline, or because its worker was lost too often."""
    owner = ready_for(log, partial(keyed, new_job), order)
    assert GIVE[order](log, owner)
    assert submit(log, keyed(new_job), FIRST).is_new == (order is not Order.COMPLETE)


def test_a_full_queue_refuses_a_job_and_keeps_no_row_of_it(log: EventLog, new_job: JobMaker) -> None:
    """I10."""
    held = submitted(log, keyed(new_job))
    submitted(log, new_job())
    before = contents(log.database)
    refused = new_job()
    with pytest.raises(QueueFull, match=r"2 jobs .* PENSTOCK_MAX_QUEUED allows"):
        submit(log, refused, FIRST, QueueBounds(all=2))
    assert contents(log.database) == before
    assert log.stream.range(refused.id, START, 10) == []
    repeated = submit(log, keyed(new_job), FIRST, QueueBounds(all=2))
    assert (repeated.job_id, repeated.is_new) == (held, False)


def test_a_user_who_has_enough_jobs_waiting_is_refused_and_nobody_else(log: EventLog, new_job: JobMaker) -> None:
    """I10."""
    for _ in range(2):
        submitted(log, new_job())
    bounds = QueueBounds(all=100, of_user=2)
    before = contents(log.database)
    with pytest.raises(QueueFull, match=r"2 of your jobs .* PENSTOCK_MAX_QUEUED_PER_USER"):
        submit(log, new_job(), FIRST, bounds)
    assert contents(log.database) == before
    assert submit(log, new_job(user_id=another_user(log.database)), FIRST, bounds).is_new


def test_a_user_may_submit_again_when_one_of_their_jobs_is_taken(log: EventLog, new_job: JobMaker) -> None:
    first, bounds = submitted(log, new_job()), QueueBounds(of_user=1)
    with pytest.raises(QueueFull):
        submit(log, new_job(), FIRST, bounds)
    claim_again(log, first)
    assert submit(log, new_job(), FIRST, bounds).is_new


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.QUEUED])
def test_only_queued_jobs_fill_the_queue(log: EventLog, new_job: JobMaker, status: Status) -> None:
    brought_to(log, new_job(), status)
    assert submit(log, new_job(), FIRST, QueueBounds(all=1, of_user=1)).is_new


@pytest.mark.parametrize("bounds", [QueueBounds(all=1), QueueBounds(of_user=1)])
def test_a_backlog_of_background_runs_turns_nobody_away_who_waits(
    log: EventLog, new_job: JobMaker, bounds: QueueBounds
) -> None:
    """The two lanes are counted apart."""
    submitted(log, new_job())
    with pytest.raises(QueueFull):
        submit(log, new_job(), FIRST, bounds)
    assert submit(log, new_job(mode=Mode.SYNC), FIRST, bounds).is_new


def test_runs_of_the_public_that_wait_for_the_owner_are_bounded_for_each_flow(log: EventLog, new_job: JobMaker) -> None:
    """F16: other flows, and the owner's own runs, are not held up."""
    bounds = QueueBounds(asking=1)
    brought_to(log, new_job(trust=Trust.PUBLIC, flow_id="asks"), Status.SUSPENDED)
    with pytest.raises(QueueFull, match="wait for its owner"):
        submit(log, new_job(trust=Trust.PUBLIC, flow_id="asks"), FIRST, bounds)
    submit(log, new_job(trust=Trust.PUBLIC, flow_id="another"), FIRST, bounds)
    submit(log, new_job(flow_id="asks"), FIRST, bounds)


def test_runs_of_the_public_wait_in_a_line_of_their_own(log: EventLog, new_job: JobMaker) -> None:
    """F16: they do not count as the owner's, who still finds room."""
    bounds = QueueBounds(of_user=1)
    submit(log, new_job(trust=Trust.PUBLIC), FIRST, bounds)
    submit(log, new_job(), FIRST, bounds)
    for trust in (Trust.PUBLIC, Trust.FULL):
        with pytest.raises(QueueFull):
            submit(log, new_job(trust=trust), FIRST, bounds)
