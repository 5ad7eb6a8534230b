"""The checker finds nothing in a flawless run, and every violation in a spoiled one."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from tests.chaos.checker import CHECKS, DECISIONS, check
from tests.chaos.contents import SignalRow
from tests.chaos.evidence import Evidence
from tests.chaos.history import Purpose
from tests.chaos.invariants import effects, jobs, logs
from tests.chaos.invariants.violation import Check
from tests.chaos.inventing import (
    JOB,
    OLDER_TOKEN,
    STEP,
    TOKEN,
    call,
    event,
    fault,
    flawless,
    frame,
    frames_of,
    interrupted,
    line,
    step_event,
    stop,
    submit,
    with_another_job,
    with_event,
    with_frames,
    with_job,
    with_lines,
    with_records,
    without_event,
    without_results,
)
from tests.chaos.measures import recoveries_keep_their_time
from tests.chaos.plan import FaultKind

Spoil: TypeAlias = Callable[[Evidence], Evidence]

FROZEN = fault(FaultKind.FREEZE_WORKER, 10.6, 16.0)
KILLED = fault(FaultKind.KILL_WORKER, 10.6, 13.0)
ENDED = fault(FaultKind.DEPLOY_WORKER, 10.6, 13.0)


def _without_watchers(evidence: Evidence) -> Evidence:
    return with_frames(with_frames(evidence, "watcher 1"), "watcher 2")


def _stopped_twice(evidence: Evidence) -> Evidence:
    signals = (SignalRow(JOB, "stop"), SignalRow(JOB, "stop"))
    return replace(evidence, contents=replace(evidence.contents, signals=signals))


SPOILED: list[tuple[str, Check, str, Spoil]] = [
    ("a job goes on for ever", jobs.jobs_end, "I1", lambda run: with_job(run, status="in_progress")),
    ("a job ends too late", jobs.jobs_end, "I1", lambda run: with_job(run, finished_at=81.0)),
    ("a job ends without its event", jobs.one_terminal_event, "I2", lambda run: without_event(run, 4)),
    (
        "an event comes after the terminal one",
        jobs.one_terminal_event,
        "I2",
        lambda run: with_event(with_job(run, seq=5), event(5, "warning", 13.0, {})),
    ),
    (
        "a job has two ends",
        jobs.one_terminal_event,
        "I2",
        lambda run: with_event(run, event(3, "cancelled", 11.0, {})),
    ),
    ("row and event disagree", jobs.one_terminal_event, "I2", lambda run: with_job(run, status="failed")),
    (
        "a live job has a terminal event",
        jobs.one_terminal_event,
        "I2",
        lambda run: with_job(run, status="in_progress"),
    ),
    ("a job that had ended ends otherwise", jobs.ends_stay, "I2", lambda run: with_job(run, status="cancelled")),
    ("a job that had ended goes on", jobs.ends_stay, "I2", lambda run: with_job(run, seq=5)),
    (
        "a job fails for no good reason",
        jobs.failures_have_a_reason,
        "I6",
        lambda run: with_job(run, status="failed", error='{"type":"VertexFailed"}'),
    ),
    (
        "a job fails for an interrupted vertex though nobody says so",
        jobs.failures_have_a_reason,
        "I6",
        lambda run: with_job(run, status="failed", error='{"type":"EffectUncertain"}'),
    ),
    (
        "a job is given up that lost one worker",
        jobs.failures_have_a_reason,
        "I6",
        lambda run: with_records(with_job(run, status="failed", error='{"type":"worker_lost"}'), KILLED),
    ),
    ("a job runs out of time", jobs.failures_have_a_reason, "I6", lambda run: with_job(run, status="timed_out")),
    (
        "a result of an older pass is stored after a newer one began",
        logs.results_belong_to_their_pass,
        "I3",
        lambda run: with_event(run, event(2, "build_start", 10.7, {})),
    ),
    (
        "a result that nobody built is stored",
        logs.results_belong_to_their_pass,
        "I3",
        lambda run: with_event(run, step_event(3, 11.0, nonce="another")),
    ),
    (
        "a token of an older pass comes between those of a newer one",
        logs.tokens_belong_to_their_pass,
        "I3",
        lambda run: with_records(run, frame("2-2", OLDER_TOKEN)),
    ),
    (
        "a token of an older pass comes later",
        logs.tokens_belong_to_their_pass,
        "I3",
        lambda run: with_records(run, frame("3-1", OLDER_TOKEN)),
    ),
    (
        "a milestone is left out",
        logs.frames_are_a_prefix,
        "I4",
        lambda run: with_frames(run, "watcher 2", *frames_of(run, "watcher 2")[::2]),
    ),
    (
        "a milestone comes again after a broken connection",
        logs.frames_are_a_prefix,
        "I4",
        lambda run: with_records(run, frame("4", frames_of(run, "watcher 1")[-1].data, connection=3)),
    ),
    (
        "a token comes twice",
        logs.frames_are_a_prefix,
        "I4",
        lambda run: with_frames(run, "watcher 1", frame("1", "{}"), frame("1-1", TOKEN), frame("1-1", TOKEN)),
    ),
    (
        "a token comes before its milestone",
        logs.frames_are_a_prefix,
        "I4",
        lambda run: with_frames(run, "watcher 1", frame("1", "{}"), frame("2-1", TOKEN)),
    ),
    (
        "two watchers get different tokens under one id",
        logs.frames_are_the_same,
        "I4",
        lambda run: with_records(run, frame("2-1", "{}", watcher="watcher 3")),
    ),
    (
        "a watcher gets another event than the stored one",
        logs.frames_are_the_same,
        "I4",
        lambda run: with_records(run, frame("3", "{}", watcher="watcher 3")),
    ),
    (
        "a watcher never hears of the end",
        logs.watchers_get_everything,
        "I4",
        lambda run: with_frames(run, "watcher 2", *frames_of(run, "watcher 2")[:-1]),
    ),
    ("nobody hears of a job", logs.watchers_get_everything, "I4", _without_watchers),
    ("a vertex ends twice", effects.vertices_end_once, "I6", lambda run: with_event(run, step_event(4, 11.5))),
    ("a vertex ends without a result", effects.vertices_end_once, "I6", without_results),
    (
        "a vertex begins again after its end",
        effects.nothing_begins_after_its_end,
        "I6",
        lambda run: with_lines(run, line(11.1, nonce="again")),
    ),
    (
        "a vertex begins again long after a thaw",
        effects.nothing_begins_after_its_end,
        "I6",
        lambda run: with_records(with_lines(run, line(17.0)), FROZEN),
    ),
    (
        "a vertex begins after its job",
        effects.nothing_begins_after_the_job,
        "I6",
        lambda run: with_lines(run, line(12.1, vertex_id="PureStep-2")),
    ),
    (
        "what must not be repeated is",
        effects.once_begins_once,
        "I6",
        lambda run: with_lines(run, *[line(at, vertex_id="OnceStep-1", effect="once") for at in (10.1, 10.2)]),
    ),
    (
        "a repetition has another key",
        effects.keys_are_kept,
        "I6",
        lambda run: with_lines(run, line(10.6, key="another")),
    ),
    (
        "a vertex begins after a stop",
        effects.nothing_begins_after_a_stop,
        "I7",
        lambda run: with_records(with_lines(run, line(14.0)), stop(11.0)),
    ),
    (
        "a vertex begins in a pause",
        effects.nothing_begins_in_a_pause,
        "I7",
        lambda run: with_records(
            with_lines(run, line(14.0)), call(Purpose.PAUSE, 11.0, {}), call(Purpose.GO_ON, 15.0, {})
        ),
    ),
    ("a stopped job completes", effects.stopped_jobs_stay_stopped, "I7", lambda run: with_records(run, stop(12.5))),
    (
        "a stopped job ends later",
        effects.stopped_jobs_stay_stopped,
        "I7",
        lambda run: with_records(run, stop(11.5, message="Job already finished (completed).")),
    ),
    (
        "a stopped job goes on",
        effects.stopped_jobs_stay_stopped,
        "I7",
        lambda run: with_records(with_job(run, status="queued"), stop(12.5)),
    ),
    ("an accepted job is gone", logs.nothing_is_missing, "I11", lambda run: with_job(run, id="job-2")),
    ("a milestone is gone", logs.nothing_is_missing, "I11", lambda run: without_event(run, 2)),
    (
        "a milestone that was seen is gone",
        logs.nothing_is_missing,
        "I11",
        lambda run: with_records(run, frame("5", "{}")),
    ),
    (
        "a job completes without a vertex",
        logs.completed_jobs_are_whole,
        "I11",
        lambda run: with_event(run, event(1, "vertices_sorted", 9.0, {"ids": [STEP], "to_run": [STEP, "lost"]})),
    ),
    ("a key has two jobs", jobs.keys_have_one_job, "I12", with_another_job),
    (
        "a key has a new job before its old one has ended",
        jobs.keys_have_one_job,
        "I12",
        lambda run: with_another_job(with_job(run, status="failed"), created_at=10.0),
    ),
    (
        "a key is answered with the job of another",
        jobs.keys_have_one_job,
        "I12",
        lambda run: with_job(run, idempotency_key="key-2"),
    ),
    ("a job is stopped twice", jobs.stops_have_one_effect, "I12", _stopped_twice),
    (
        "a submit is answered with an error of ours",
        jobs.answers_are_promised,
        "answers",
        lambda run: with_records(run, submit(status=500)),
    ),
    (
        "a job goes on too late after a kill",
        recoveries_keep_their_time,
        "recovery",
        lambda run: interrupted(run, KILLED, 8.5),
    ),
    (
        "a job goes on too late after it was handed on",
        recoveries_keep_their_time,
        "recovery",
        lambda run: interrupted(run, ENDED, 1.5),
    ),
]


def test_a_flawless_run_has_no_violation() -> None:
    assert check(flawless()) == []


@pytest.mark.parametrize(("checking", "invariant", "spoil"), [pytest.param(*rest, id=id) for id, *rest in SPOILED])
def test_a_violation_is_found(checking: Check, invariant: str, spoil: Spoil) -> None:
    """Each check finds what spoils the run, and names its invariant."""
    found = list(checking(spoil(flawless())))
    assert found
    assert {violation.invariant for violation in found} == {invariant}


def test_every_check_can_fail() -> None:
    """No check is listed that no spoiled run above makes fail; those of decisions have tests of their own."""
    assert set(CHECKS) - set(DECISIONS) == {checking for _, checking, _, _ in SPOILED}


def test_a_violation_names_its_subject() -> None:
    """The line that is printed says which job it was and what was seen."""
    [violation] = jobs.jobs_end(with_job(flawless(), status="queued"))
    assert str(violation) == f"I1: {JOB}: is queued"
