from collections.abc import Callable
from functools import partial

import pytest

from storage.claiming import Claimed
from storage.clock import after
from storage.ending import Stopped, stop, time_out
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import complete
from storage.states import LIVE, TERMINAL, Status
from tests.storage.situations import (
    END,
    JobMaker,
    at_once,
    brought_to,
    change,
    claimed,
    contents,
    events_of,
    submitted,
    value_of,
)


@pytest.mark.parametrize("status", LIVE)
def test_a_stop_cancels_a_job_that_lives_under_a_new_fence(log: EventLog, new_job: JobMaker, status: Status) -> None:
    """Rule 9."""
    owner = brought_to(log, new_job(overrides=b"sealed"), status)
    assert stop(log, owner.job_id, owner.user_id) == Stopped(Status.CANCELLED, changed=True)
    names = ("status", "fence", "overrides", "lease_until", "worker")
    assert [value_of(log.database, owner.job_id, name) for name in names] == [
        Status.CANCELLED, owner.fence + 1, None, None, None,
    ]  # fmt: skip
    assert value_of(log.database, owner.job_id, "finished_at") is not None


@pytest.mark.parametrize("status", LIVE)
def test_a_stop_ends_the_log_with_its_terminal_event(log: EventLog, new_job: JobMaker, status: Status) -> None:
    """I2."""
    owner = brought_to(log, new_job(), status)
    stop(log, owner.job_id, owner.user_id)
    events = events_of(log, owner.job_id)
    assert events[-1] == (value_of(log.database, owner.job_id, "seq"), "cancelled", True)
    assert [seq for seq, _, _ in events] == list(range(1, len(events) + 1))
    assert [terminal for _, _, terminal in events].count(True) == 1


@pytest.mark.parametrize("status", TERMINAL)
def test_a_late_stop_changes_nothing_and_tells_the_state(log: EventLog, new_job: JobMaker, status: Status) -> None:
    """I2, I12."""
    owner = brought_to(log, new_job(), status)
    before = contents(log.database)
    assert stop(log, owner.job_id, owner.user_id) == Stopped(status, changed=False)
    assert contents(log.database) == before


def test_a_stop_is_recorded_as_a_signal_that_is_consumed_already(log: EventLog, new_job: JobMaker) -> None:
    job = new_job()
    submitted(log, job)
    stop(log, job.id, job.user_id)
    [(_, job_id, kind, user_id, created, consumed)] = contents(log.database)["execution_signals"]
    assert (job_id, kind, user_id) == (job.id, "stop", job.user_id)
    assert created <= consumed


def test_a_stop_of_a_job_that_does_not_exist_is_told_so(log: EventLog) -> None:
    with pytest.raises(LookupError):
        stop(log, "nowhere", "nobody")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
def test_a_job_times_out_after_its_deadline_and_not_before(log: EventLog, new_job: JobMaker, status: Status) -> None:
    owner = brought_to(log, new_job(overrides=b"sealed", seconds_allowed=600), status)
    before = contents(log.database)
    assert not time_out(log, owner.job_id)
    assert contents(log.database) == before
    change(log.database, owner.job_id, deadline_at=after(-0.001))
    assert time_out(log, owner.job_id)
    names = ("status", "fence", "overrides", "lease_until")
    assert [value_of(log.database, owner.job_id, name) for name in names] == [
        Status.TIMED_OUT, owner.fence + 1, None, None,
    ]  # fmt: skip
    assert events_of(log, owner.job_id)[-1] == (value_of(log.database, owner.job_id, "seq"), "timed_out", True)


@pytest.mark.parametrize(
    ("deadline", "told"), [("deadline_at", "The run took longer"), ("vertex_deadline_at", "A vertex took longer")]
)
def test_a_job_that_timed_out_is_told_which_of_its_deadlines_has_passed(
    log: EventLog, new_job: JobMaker, deadline: str, told: str
) -> None:
    owner = claimed(log, new_job(seconds_allowed=600), vertex_seconds=600)
    change(log.database, owner.job_id, **{deadline: after(-1)})
    assert time_out(log, owner.job_id)
    assert told.encode() in log.stored(owner.job_id, 0)[-1].payload


def test_a_job_without_deadline_never_times_out(log: EventLog, new_job: JobMaker) -> None:
    assert not time_out(log, submitted(log, new_job()))


def _completed(log: EventLog, owner: Claimed) -> bool:
    complete(log, owner, END)
    return True


@pytest.mark.parametrize("attempt", range(5))
def test_of_all_that_would_end_a_job_at_once_exactly_one_does(log: EventLog, new_job: JobMaker, attempt: int) -> None:
    """I2: two stops, two time-outs and the pass's own end."""
    owner = claimed(log, new_job())
    change(log.database, owner.job_id, deadline_at=after(-1))
    ends: list[Callable[[], bool]] = [
        lambda: stop(log, owner.job_id, owner.user_id).changed,
        lambda: stop(log, owner.job_id, owner.user_id).changed,
        partial(time_out, log, owner.job_id),
        partial(time_out, log, owner.job_id),
        lambda: _completed(log, owner),
    ]
    races = at_once(ends)
    lost = [race.exception() for race in races if race.exception() is not None]
    won = [race for race in races if race.exception() is None and race.result()]
    assert len(won) == 1
    assert all(isinstance(error, PassLost) for error in lost)
    events = events_of(log, owner.job_id)
    assert [terminal for _, _, terminal in events] == [False, False, True]
    agrees = {"end": Status.COMPLETED, "cancelled": Status.CANCELLED, "timed_out": Status.TIMED_OUT}
    assert value_of(log.database, owner.job_id, "status") == agrees[events[-1][1]]
