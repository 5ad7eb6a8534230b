"""The checker does not mistake what faults may cost for a violation."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.evidence import Evidence
from tests.chaos.history import Purpose
from tests.chaos.invariants import effects, jobs
from tests.chaos.inventing import (
    GROUP,
    TOKEN,
    call,
    event,
    fault,
    flawless,
    frame,
    frames_of,
    interrupted,
    line,
    stop,
    submit,
    with_another_job,
    with_event,
    with_frames,
    with_job,
    with_lines,
    with_records,
)
from tests.chaos.plan import MAX_ATTEMPTS, FaultKind

FROZEN = fault(FaultKind.FREEZE_WORKER, 10.6, 16.0)
CUT_OFF = fault(FaultKind.DEPLOY_WEB, 9.0, 9.2)
KILLED = fault(FaultKind.KILL_WORKER, 10.6, 13.0)


def _freed_key(run: Evidence) -> Evidence:
    """The job failed and everybody was told so; then its key was used again."""
    told = call(Purpose.LOOK, 13.0, {"status": "failed", "last_event": 4})
    ended = event(4, "end", 12.0, {"status": "failed"})
    killed = [fault(FaultKind.KILL_WORKER, 9.0 + number / 10, 9.1 + number / 10) for number in range(MAX_ATTEMPTS)]
    failed = with_event(with_job(run, status="failed", error='{"type":"worker_lost"}'), ended)
    frames = [frame(str(stored.seq), stored.payload) for stored in failed.contents.events]
    again = with_another_job(failed, status="cancelled", seq=1, created_at=12.5, finished_at=13.0)
    stopped = replace(event(1, "cancelled", 13.0, {}), job_id="job-2")
    again = replace(again, contents=replace(again.contents, events=(*again.contents.events, stopped)))
    return replace(again, history=[submit(), told, *frames, *killed])


def _told_again(run: Evidence) -> Evidence:
    """After a broken connection a token comes again, under its id."""
    frames = frames_of(run, "watcher 1")
    return with_frames(run, "watcher 1", *frames[:3], frame("2-1", TOKEN, connection=2), *frames[3:])


ALLOWED: dict[str, Callable[[Evidence], Evidence]] = {
    "a vertex begins right after a thaw": lambda run: with_records(with_lines(run, line(16.2)), FROZEN),
    "an interrupted vertex is repeated": lambda run: with_lines(run, line(10.2, nonce="first")),
    "a freed key gets a new job": _freed_key,
    "a token is told again": _told_again,
    "a job goes on in time": lambda run: interrupted(run, KILLED, 4.0),
    "a job goes on late, because more was broken": lambda run: interrupted(run, KILLED, 8.5, FROZEN),
    "an answer is lost": lambda run: with_records(run, submit(status=None, job_id=None, fault="reset")),
    "the database is away": lambda run: with_records(run, submit(status=503, job_id=None)),
    "the server cuts off what is open when its process ends": lambda run: with_records(
        run, submit(status=500, job_id=None, answer={"text": "Internal Server Error"}), CUT_OFF
    ),
    "a paused job goes on": lambda run: with_records(run, call(Purpose.PAUSE, 8.0, {}), call(Purpose.GO_ON, 10.5, {})),
    "a stop comes too late": lambda run: with_records(run, stop(12.5, "Job already finished (completed).")),
}


@pytest.mark.parametrize("change", [pytest.param(change, id=id) for id, change in ALLOWED.items()])
def test_what_is_allowed_is_no_violation(change: Callable[[Evidence], Evidence]) -> None:
    assert [str(violation) for violation in check(change(flawless()))] == []


def test_a_job_that_lost_as_many_workers_as_it_may_is_given_up() -> None:
    lost = with_job(flawless(), status="failed", error='{"type":"worker_lost"}')
    kills = [fault(FaultKind.KILL_WORKER, 9.0 + number / 10, 9.1 + number / 10) for number in range(MAX_ATTEMPTS)]
    assert list(jobs.failures_have_a_reason(with_records(lost, *kills))) == []


def test_what_a_thaw_excuses_is_counted() -> None:
    """Only what began too late, and once however many invariants it would break."""
    run = with_records(with_lines(flawless(), line(16.2, nonce="late"), line(10.7, nonce="in time")), FROZEN)
    assert effects.excused(run) == 1


def test_only_a_thaw_of_its_own_program_excuses_a_vertex() -> None:
    other = fault(FaultKind.FREEZE_WORKER, 10.6, 16.0, group=GROUP + 1)
    late = with_records(with_lines(flawless(), line(16.2)), other)
    assert list(effects.nothing_begins_after_its_end(late))
