"""What faults cost is measured from the ledger and the log."""

from dataclasses import replace

import pytest

from flows.component import Effect
from tests.chaos.history import Purpose
from tests.chaos.inventing import (
    GROUP,
    STEP,
    about_effect,
    call,
    fault,
    flawless,
    interrupted,
    line,
    resolved,
    stop,
    with_lines,
    with_records,
    with_requests,
)
from tests.chaos.measures import (
    Spread,
    hand_ons,
    latest_begin_after_a_stop,
    recoveries,
    repeated,
    settling_seconds,
    spread,
)
from tests.chaos.plan import FaultKind, SetUp

KILLED = fault(FaultKind.KILL_WORKER, 10.6, 13.0)
ENDED = fault(FaultKind.DEPLOY_WORKER, 10.6, 13.0)


def test_a_recovery_lasts_from_the_kill_to_the_next_pass() -> None:
    [resumed] = recoveries(interrupted(flawless(), KILLED, 4.0))
    assert resumed.seconds == pytest.approx(4.0)
    assert resumed.is_alone


def test_a_job_of_another_program_was_not_interrupted() -> None:
    killed = replace(KILLED, group=GROUP + 1)
    assert recoveries(interrupted(flawless(), killed, 4.0)) == []


def test_a_job_that_was_suspended_was_not_interrupted() -> None:
    """Its next pass began because somebody decided, or let it go on."""
    run = interrupted(flawless(), KILLED, 4.0)
    assert recoveries(with_records(run, call(Purpose.PAUSE, 10.2, {}))) == []
    first, start, again, *others = run.contents.events
    later = [replace(event, seq=event.seq + 1) for event in (again, *others)]
    events = (first, start, resolved(3), *later)
    assert recoveries(replace(run, contents=replace(run.contents, events=events))) == []


def test_a_fault_beside_it_is_told() -> None:
    flushed = fault(FaultKind.FLUSH_REDIS, 12.0, 12.0, None)
    [resumed] = recoveries(interrupted(flawless(), KILLED, 4.0, flushed))
    assert not resumed.is_alone


def test_a_hand_on_counts_from_the_last_vertex_that_ended() -> None:
    """What was still running when the worker was asked to end may come to its end."""
    run = interrupted(flawless(), ENDED, 4.0)
    vertex_ended = replace(run.contents.events[0], seq=2, created_at=14.0)
    events = (run.contents.events[0], run.contents.events[1], vertex_ended, *run.contents.events[2:])
    [resumed] = hand_ons(replace(run, contents=replace(run.contents, events=events)))
    assert resumed.seconds == pytest.approx(0.6)


def test_an_embedded_hand_on_counts_from_the_restart() -> None:
    run = interrupted(flawless(), ENDED, 4.0)
    [resumed] = hand_ons(replace(run, moments=replace(run.moments, set_up=SetUp.EMBEDDED)))
    assert resumed.seconds == pytest.approx(1.6)


def test_repetitions_are_counted_by_effect() -> None:
    run = with_lines(flawless(), line(10.6, nonce="again"), line(10.7, vertex_id="other", effect="idempotent"))
    assert repeated(run, Effect.PURE) == 1
    assert repeated(run, Effect.IDEMPOTENT) == 0
    assert repeated(with_requests(run, about_effect("retry", STEP)), Effect.PURE) == 0


def test_the_last_begin_after_a_stop_is_found() -> None:
    assert latest_begin_after_a_stop(with_records(flawless(), stop(10.2), stop(10.4))) == pytest.approx(0.3)
    assert latest_begin_after_a_stop(with_records(flawless(), stop(11.0))) == 0


def test_settling_lasts_until_the_last_job_has_ended() -> None:
    run = flawless()
    early = replace(run, moments=replace(run.moments, calm_at=11.5))
    assert settling_seconds(early) == pytest.approx(0.5)
    assert settling_seconds(run) == 0


def test_a_spread_has_the_median_and_the_worst() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(3, 2.0, 3.0)
    assert spread([]) is None
