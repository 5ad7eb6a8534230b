"""A14: what becomes of a job whose worker was lost, however many look at it at once."""

from collections.abc import Callable, Sequence
from functools import partial

import orjson
import pytest

from storage.clock import after
from storage.ending import stop, time_out
from storage.errors import PassLost
from storage.log import EventLog
from storage.losing import Lost, give_up, lost_jobs, requeue
from storage.passes import complete, finish_vertex, release, renew
from storage.states import Mode, Status
from tests.storage.situations import (
    END,
    FINISHED,
    JobMaker,
    at_once,
    brought_to,
    change,
    claim_again,
    claimed,
    contents,
    events_of,
    let_lease_expire,
    lies_in_the_future,
    lost,
    result,
    taken_over,
    value_of,
)

SEVERAL_TIMES = pytest.mark.parametrize("attempt", range(5))


def columns(log: EventLog, job_id: str, *names: str) -> list[object]:
    return [value_of(log.database, job_id, name) for name in names]


def winners(attempts: Sequence[Callable[[], bool]]) -> list[int]:
    """Which of some attempts, made at once, took effect; a pass that is over has not."""
    won: list[int] = []
    for number, race in enumerate(at_once(attempts)):
        error = race.exception()
        assert error is None or isinstance(error, PassLost)
        if error is None and race.result():
            won.append(number)
    return won


def writes(write: Callable[[], object]) -> Callable[[], bool]:
    """A write of a pass as an attempt."""

    def attempt() -> bool:
        write()
        return True

    return attempt


@pytest.mark.parametrize("status", Status)
def test_a_job_is_lost_when_it_is_in_progress_and_its_lease_has_run_out(
    log: EventLog, new_job: JobMaker, status: Status
) -> None:
    owner = brought_to(log, new_job(mode=Mode.STREAM), status)
    assert lost_jobs(log.database) == []
    let_lease_expire(log.database, owner.job_id)
    expected = [Lost(owner.job_id, Mode.STREAM, 1)] if status is Status.IN_PROGRESS else []
    assert lost_jobs(log.database) == expected


def test_a_lost_job_is_queued_again_under_a_new_fence_and_remembers_who_was_lost(
    log: EventLog, new_job: JobMaker
) -> None:
    """The attempt stays counted; what is stored of the run stays as it is."""
    owner = claimed(log, new_job(overrides=b"sealed"), vertex_seconds=60)
    events = events_of(log, owner.job_id)
    change(log.database, owner.job_id, hinted_at=after(-60))
    hinted = value_of(log.database, owner.job_id, "hinted_at")
    assert requeue(log, lost(log, owner).job_id)
    names = ("status", "fence", "attempts", "worker", "lease_until", "vertex_deadline_at", "overrides")
    assert columns(log, owner.job_id, *names) == [
        Status.QUEUED, owner.fence + 1, 1, "a-worker", None, None, b"sealed",
    ]  # fmt: skip
    assert value_of(log.database, owner.job_id, "hinted_at") > hinted
    assert events_of(log, owner.job_id) == events


def test_a_job_that_is_given_up_ends_and_says_how_often_it_was_tried(log: EventLog, new_job: JobMaker) -> None:
    """A8, I2."""
    third = taken_over(log, taken_over(log, claimed(log, new_job(overrides=b"sealed"))))
    assert give_up(log, lost(log, third))
    names = ("status", "fence", "worker", "lease_until", "overrides")
    assert columns(log, third.job_id, *names) == [Status.FAILED, third.fence + 1, None, None, None]
    assert value_of(log.database, third.job_id, "finished_at") is not None
    error = orjson.loads(value_of(log.database, third.job_id, "error"))
    assert error["type"] == "worker_lost"
    assert "lost 3 times" in error["message"]
    last = log.stored(third.job_id, 0)[-1]
    assert (last.cursor.seq, last.type, last.terminal) == (third.seq + 1, "worker_lost", True)
    assert orjson.loads(last.payload)["data"] == {"message": error["message"]}


def test_tries_before_the_last_finished_vertex_do_not_count(log: EventLog, new_job: JobMaker) -> None:
    second = taken_over(log, claimed(log, new_job()))
    finish_vertex(log, second, result(), FINISHED, [])
    assert lost(log, second).attempts == 1


def test_interruptions_by_a_deploy_do_not_count(log: EventLog, new_job: JobMaker) -> None:
    """A18."""
    owner = claimed(log, new_job())
    for _ in range(5):
        release(log, owner, cut_off=True)
        owner = claim_again(log, owner.job_id)
    assert lost(log, owner).attempts == 1


def test_what_a_sweeper_saw_before_the_last_attempt_gives_nothing_up(log: EventLog, new_job: JobMaker) -> None:
    """A sweeper that was frozen meanwhile knows less than the row."""
    first = claimed(log, new_job())
    seen = lost(log, first)
    second = taken_over(log, first)
    let_lease_expire(log.database, second.job_id)
    before = contents(log.database)
    assert not give_up(log, seen)
    assert contents(log.database) == before


def test_of_sixteen_sweepers_at_once_one_queues_a_lost_job_again(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    found = lost(log, owner)
    assert len(winners([partial(requeue, log, found.job_id)] * 16)) == 1
    assert value_of(log.database, owner.job_id, "fence") == owner.fence + 1


def test_of_sixteen_sweepers_at_once_one_gives_a_job_up(log: EventLog, new_job: JobMaker) -> None:
    """I2: two sweepers give one terminal event."""
    owner = claimed(log, new_job())
    found = lost(log, owner)
    assert len(winners([partial(give_up, log, found)] * 16)) == 1
    assert [terminal for _, _, terminal in events_of(log, owner.job_id)] == [False, False, True]


@SEVERAL_TIMES
def test_of_two_sweepers_and_the_pass_that_completes_after_all_one_wins(
    log: EventLog, new_job: JobMaker, attempt: int
) -> None:
    owner = claimed(log, new_job())
    found = lost(log, owner)
    sweep = partial(requeue, log, found.job_id)
    [won] = winners([sweep, sweep, writes(partial(complete, log, owner, END))])
    status, fence = (Status.COMPLETED, owner.fence) if won == 2 else (Status.QUEUED, owner.fence + 1)
    assert columns(log, owner.job_id, "status", "fence") == [status, fence]
    assert [kind for _, kind, _ in events_of(log, owner.job_id)][2:] == ["end"] * (won == 2)


@SEVERAL_TIMES
def test_of_all_that_would_end_a_lost_job_at_once_one_does(log: EventLog, new_job: JobMaker, attempt: int) -> None:
    """I2: two sweepers, the pass, a stop and the deadline."""
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, deadline_at=after(-1))
    found = lost(log, owner)
    ends: list[Callable[[], bool]] = [
        partial(give_up, log, found),
        partial(give_up, log, found),
        writes(partial(complete, log, owner, END)),
        lambda: stop(log, owner.job_id, owner.user_id).changed,
        partial(time_out, log, owner.job_id),
    ]
    [won] = winners(ends)
    status, kind = {
        0: (Status.FAILED, "worker_lost"),
        1: (Status.FAILED, "worker_lost"),
        2: (Status.COMPLETED, "end"),
        3: (Status.CANCELLED, "cancelled"),
        4: (Status.TIMED_OUT, "timed_out"),
    }[won]
    assert value_of(log.database, owner.job_id, "status") == status
    assert events_of(log, owner.job_id)[2:] == [(3, kind, True)]


@SEVERAL_TIMES
def test_a_heartbeat_that_comes_late_keeps_the_job_or_has_lost_it(
    log: EventLog, new_job: JobMaker, attempt: int
) -> None:
    """Never both: a renewed lease on a job that somebody else may claim."""
    owner = claimed(log, new_job())
    found = lost(log, owner)
    sweep = partial(requeue, log, found.job_id)
    [won] = winners([sweep, sweep, lambda: bool(renew(log.database, [owner], owner.terms))])
    if won == 2:
        assert columns(log, owner.job_id, "status", "fence") == [Status.IN_PROGRESS, owner.fence]
        assert lies_in_the_future(log.database, owner.job_id, "lease_until")
    else:
        assert columns(log, owner.job_id, "status", "lease_until") == [Status.QUEUED, None]
