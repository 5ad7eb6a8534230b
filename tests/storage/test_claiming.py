"""Who gets a job: exactly one, under a new fence. `test_turns.py` says in which order."""

from functools import partial

import pytest

from flows.events import build_start
from storage.claiming import VERTEX_MARGIN, Claimed, claim, claim_next
from storage.lanes import Lane
from storage.log import EventLog
from storage.losing import requeue
from storage.passes import release
from storage.states import Mode, Status
from storage.sweeping import take_due
from tests.storage.situations import (
    LEASE_SECONDS,
    JobMaker,
    at_once,
    change,
    claim_again,
    claimed,
    contents,
    events_of,
    let_lease_expire,
    lost,
    submitted,
    taken_over,
    terms_of,
    value_of,
)

WORKERS = 16


def drain(log: EventLog, lane: Lane, worker: str) -> list[Claimed]:
    """Everything that one worker claims until nothing waits that nobody else is claiming."""
    won: list[Claimed] = []
    while (one := claim_next(log, lane, terms_of(worker), [build_start()])) is not None:
        won.append(one)
    return won


def test_of_sixteen_workers_that_claim_at_once_one_wins(log: EventLog, new_job: JobMaker) -> None:
    """I3."""
    job_id = submitted(log, new_job())
    attempts = [partial(claim, log, job_id, terms_of(f"w{number}"), [build_start()]) for number in range(WORKERS)]
    [won] = [answer for race in at_once(attempts) if (answer := race.result()) is not None]
    assert (won.fence, won.attempts, won.seq) == (1, 1, 2)
    assert value_of(log.database, job_id, "worker") == won.terms.worker
    assert events_of(log, job_id) == [(1, "warning", False), (2, "build_start", False)]


def test_sixteen_workers_at_once_claim_each_of_forty_jobs_once(log: EventLog, new_job: JobMaker) -> None:
    """E4."""
    jobs = [submitted(log, new_job()) for _ in range(40)]
    races = at_once([partial(drain, log, Lane.BACKGROUND, f"w{number}") for number in range(WORKERS)])
    won = [one for race in races for one in race.result()]
    assert sorted(one.job_id for one in won) == sorted(jobs)
    assert {(one.fence, one.attempts) for one in won} == {(1, 1)}
    assert {one.job_id: one.terms.worker for one in won} == {
        job_id: value_of(log.database, job_id, "worker") for job_id in jobs
    }


def test_no_job_is_passed_by_because_a_sweeper_looks_at_it(log: EventLog, new_job: JobMaker) -> None:
    """A job that a sweeper holds while workers claim has its hint sent again, or is claimed."""
    jobs = [submitted(log, new_job()) for _ in range(20)]
    sweeps = [lambda: [due.job_id for _ in range(5) for due in take_due(log.database, Lane.BACKGROUND, -1.0)]] * 2
    claims = [lambda: [one.job_id for one in drain(log, Lane.BACKGROUND, "w")]] * 4
    moving = {job_id for race in at_once([*sweeps, *claims]) for job_id in race.result()}
    assert moving == set(jobs)


def test_of_sixteen_workers_that_take_over_at_once_one_wins(log: EventLog, new_job: JobMaker) -> None:
    """I3: a job whose worker was lost is queued again first, under a fence of its own."""
    owner = claimed(log, new_job())
    requeue(log, lost(log, owner).job_id)
    attempts = [partial(claim, log, owner.job_id, terms_of(f"w{n}"), [build_start()]) for n in range(WORKERS)]
    [won] = [answer for race in at_once(attempts) if (answer := race.result()) is not None]
    assert (won.fence, won.attempts) == (owner.fence + 2, 2)


def test_a_lease_that_ran_out_lets_nobody_claim_until_the_job_is_queued_again(log: EventLog, new_job: JobMaker) -> None:
    """A14: who was lost is decided in one place."""
    owner = claimed(log, new_job())
    let_lease_expire(log.database, owner.job_id)
    before = contents(log.database)
    assert claim(log, owner.job_id, terms_of("b"), [build_start()]) is None
    assert claim_next(log, Lane.BACKGROUND, terms_of("b"), [build_start()]) is None
    assert contents(log.database) == before
    assert requeue(log, owner.job_id)
    assert claim(log, owner.job_id, terms_of("b"), [build_start()]) is not None


def test_a_claim_hands_over_what_was_submitted(log: EventLog, new_job: JobMaker) -> None:
    job = new_job(request='{"input_value":"x"}', overrides=b"sealed", session_id="s", seconds_allowed=60)
    won = claimed(log, job)
    assert (won.job_id, won.user_id, won.flow_id, won.version_id) == (job.id, job.user_id, job.flow_id, job.version_id)
    assert (won.request, won.overrides, won.session_id) == (job.request, job.overrides, job.session_id)
    assert won.mode is Mode.BACKGROUND
    assert won.seconds_left is not None
    assert 0 < won.seconds_left <= 60
    assert won.created_at <= won.claimed_at


def test_both_ways_to_claim_hand_over_the_same(log: EventLog, new_job: JobMaker) -> None:
    """By its id or because it is its turn."""
    job_id = submitted(log, new_job())
    won = claim_next(log, Lane.BACKGROUND, terms_of("a-worker"), [build_start()])
    assert won is not None
    assert (won.job_id, won.fence, won.attempts, won.seq, won.taken_from) == (job_id, 1, 1, 2, None)
    assert events_of(log, job_id) == [(1, "warning", False), (2, "build_start", False)]


def test_the_next_pass_goes_on_with_the_numbers_of_the_last(log: EventLog, new_job: JobMaker) -> None:
    """It tells that it begins when it knows what there is to go on from."""
    old = claimed(log, new_job())
    started = value_of(log.database, old.job_id, "started_at")
    new = taken_over(log, old)
    assert (new.fence, new.attempts, new.seq) == (old.fence + 2, 2, old.seq)
    assert value_of(log.database, old.job_id, "started_at") == started


def test_a_pass_is_told_whose_pass_was_cut_off_before_it(log: EventLog, new_job: JobMaker) -> None:
    """Nothing was cut off where every vertex came to its end; then there is nothing to tell a client either."""
    first = claimed(log, new_job(), "first")
    second = taken_over(log, first)
    release(log, second, cut_off=True)
    third = claim_again(log, first.job_id, "third")
    release(log, third, cut_off=False)
    fourth = claim_again(log, first.job_id, "fourth")
    told = [one.taken_from for one in (first, second, third, fourth)]
    assert told == [None, "first", "another-worker", None]


def test_a_lease_starts_in_the_claim_itself(log: EventLog, new_job: JobMaker) -> None:
    """A13: no job is without a lease while its worker is still to renew it."""
    owner = claimed(log, new_job())
    left = value_of(log.database, owner.job_id, "lease_until") - owner.claimed_at
    assert left.total_seconds() == pytest.approx(LEASE_SECONDS, abs=2)


@pytest.mark.parametrize(("allowed", "bound"), [(None, None), (60.0, 60.0 + LEASE_SECONDS + VERTEX_MARGIN)])
def test_a_vertex_is_bounded_from_the_claim_on(
    log: EventLog, new_job: JobMaker, allowed: float | None, bound: float | None
) -> None:
    owner = claimed(log, new_job(), vertex_seconds=allowed)
    deadline = value_of(log.database, owner.job_id, "vertex_deadline_at")
    left = None if deadline is None else (deadline - owner.claimed_at).total_seconds()
    assert left == (None if bound is None else pytest.approx(bound, abs=2))


@pytest.mark.parametrize("lane", Lane)
def test_a_worker_of_one_lane_takes_jobs_of_its_modes_only(log: EventLog, new_job: JobMaker, lane: Lane) -> None:
    jobs = {mode: submitted(log, new_job(mode=mode)) for mode in Mode}
    won = drain(log, lane, "a-worker")
    assert {one.job_id for one in won} == {jobs[mode] for mode in lane.modes}
    assert {one.mode for one in won} == set(lane.modes)


def test_every_mode_waits_in_one_lane() -> None:
    assert sorted(mode for lane in Lane for mode in lane.modes) == sorted(Mode)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.QUEUED])
def test_nothing_is_claimed_next_where_nothing_waits(log: EventLog, new_job: JobMaker, status: Status) -> None:
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, status=status)
    before = contents(log.database)
    assert claim_next(log, Lane.BACKGROUND, terms_of("b"), [build_start()]) is None
    assert contents(log.database) == before
