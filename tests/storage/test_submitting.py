from functools import partial

import pytest

from flows.events import build_start, warning
from storage.cursor import START
from storage.errors import IdempotencyConflict, QueueFull
from storage.jobs import find_job
from storage.log import EventLog
from storage.states import HOLDS_KEY, Mode, Status
from storage.submitting import Submitted, submit
from tests.storage.situations import (
    FIRST,
    JobMaker,
    another_user,
    at_once,
    brought_to,
    contents,
    events_of,
    lies_in_the_future,
    submitted,
    value_of,
)

ENOUGH = 1_000


def test_a_new_job_is_queued_with_its_first_events(log: EventLog, new_job: JobMaker) -> None:
    job = new_job()
    answer = submit(log, job, [warning("one"), build_start()], max_queued=ENOUGH)
    view = find_job(log.database, job.id)
    assert answer == Submitted(job.id, is_new=True)
    assert view is not None
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
    first = new_job(idempotency_key="k", fingerprint="f")
    submitted(log, first)
    before = contents(log.database)
    again = submit(log, new_job(idempotency_key="k", fingerprint="f"), FIRST, max_queued=ENOUGH)
    assert again == Submitted(first.id, is_new=False)
    assert contents(log.database) == before


def test_twenty_simultaneous_submits_with_each_of_two_keys_give_two_jobs(log: EventLog, new_job: JobMaker) -> None:
    """I12."""
    jobs = [new_job(idempotency_key=key, fingerprint=key) for key in ("one", "two") for _ in range(20)]
    races = at_once([partial(submit, log, job, FIRST, max_queued=ENOUGH) for job in jobs])
    for answers in (races[:20], races[20:]):
        answered = [answer.result() for answer in answers]
        assert len({answer.job_id for answer in answered}) == 1
        assert [answer.is_new for answer in answered].count(True) == 1
    assert [len(rows) for name, rows in contents(log.database).items() if name in ("jobs", "job_events")] == [2, 2]


def test_a_key_belongs_to_its_user(log: EventLog, new_job: JobMaker) -> None:
    mine = submitted(log, new_job(idempotency_key="k", fingerprint="f"))
    other = new_job(user_id=another_user(log.database), idempotency_key="k", fingerprint="g")
    assert submit(log, other, FIRST, max_queued=ENOUGH) == Submitted(other.id, is_new=True)
    assert mine != other.id


def test_jobs_without_a_key_are_all_new(log: EventLog, new_job: JobMaker) -> None:
    answers = [submit(log, new_job(), FIRST, max_queued=ENOUGH) for _ in range(3)]
    assert all(answer.is_new for answer in answers)


def test_a_key_used_for_another_request_is_refused_and_names_the_job(log: EventLog, new_job: JobMaker) -> None:
    held = submitted(log, new_job(idempotency_key="k", fingerprint="f"))
    before = contents(log.database)
    with pytest.raises(IdempotencyConflict) as refused:
        submitted(log, new_job(idempotency_key="k", fingerprint="another"))
    assert refused.value.job_id == held
    assert contents(log.database) == before


@pytest.mark.parametrize("status", Status)
def test_a_job_that_failed_or_was_ended_frees_its_key(log: EventLog, new_job: JobMaker, status: Status) -> None:
    """Contract 1.1."""
    brought_to(log, new_job(idempotency_key="k", fingerprint="f"), status)
    answer = submit(log, new_job(idempotency_key="k", fingerprint="f"), FIRST, max_queued=ENOUGH)
    assert answer.is_new == (status not in HOLDS_KEY)


def test_a_full_queue_refuses_a_job_and_keeps_no_row_of_it(log: EventLog, new_job: JobMaker) -> None:
    """I10."""
    held = submitted(log, new_job(idempotency_key="k", fingerprint="f"))
    submitted(log, new_job())
    before = contents(log.database)
    refused = new_job()
    with pytest.raises(QueueFull):
        submit(log, refused, FIRST, max_queued=2)
    assert contents(log.database) == before
    assert log.stream.range(refused.id, START, 10) == []
    repeated = submit(log, new_job(idempotency_key="k", fingerprint="f"), FIRST, max_queued=2)
    assert repeated == Submitted(held, is_new=False)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.QUEUED])
def test_only_queued_jobs_fill_the_queue(log: EventLog, new_job: JobMaker, status: Status) -> None:
    brought_to(log, new_job(), status)
    assert submit(log, new_job(), FIRST, max_queued=1).is_new


def test_a_backlog_of_background_runs_turns_nobody_away_who_waits(log: EventLog, new_job: JobMaker) -> None:
    """The two lanes are counted apart."""
    submitted(log, new_job())
    with pytest.raises(QueueFull):
        submit(log, new_job(), FIRST, max_queued=1)
    assert submit(log, new_job(mode=Mode.SYNC), FIRST, max_queued=1).is_new
