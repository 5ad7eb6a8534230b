"""The checker finds every way in which decisions can go wrong (I5), and takes none for wrong that is right."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import pytest

from tests.chaos.checker import DECISIONS, check
from tests.chaos.evidence import Evidence
from tests.chaos.history import Call
from tests.chaos.invariants import decisions, effects, jobs
from tests.chaos.invariants.violation import Check
from tests.chaos.inventing import (
    APPROVE,
    APPROVED,
    JOB,
    NONCE,
    PERSON,
    REJECT,
    REJECTED,
    REQUEST,
    WINNER,
    a_line,
    about_effect,
    decision,
    event,
    flawless_asking,
    frame,
    frames_of,
    resolved,
    step_event,
    submit,
    with_event,
    with_job,
    with_lines,
    with_records,
    with_request,
    with_requests,
    without_event,
)

Change: TypeAlias = Callable[[Evidence], Evidence]


def _undecided(run: Evidence, state: str = "open") -> Evidence:
    return with_request(run, state=state, decision=None, decided_by=None, is_applied=False)


def _refused(decided: Mapping[str, Any] = REJECT, **answered: object) -> Call:
    """A refusal that tells of a winner, with something about it changed."""
    return decision(13.0, decided, status=409, answer={"detail": {"answered": {**WINNER, **answered}}})


def _without_lines(run: Evidence) -> Evidence:
    return replace(run, ledger=[])


def _taken(run: Evidence, vertex_id: str) -> Evidence:
    """Another step was done in the place of the right one."""
    return replace(with_event(run, step_event(8, 11.0, vertex_id=vertex_id)), ledger=[a_line(10.5, vertex_id)])


SPOILED: list[tuple[str, Check, str, Change]] = [
    (
        "two decisions are accepted",
        decisions.one_is_accepted,
        "I5",
        lambda run: with_records(run, decision(13.0, REJECT)),
    ),
    (
        "the same choice of two clients is accepted twice",
        decisions.one_is_accepted,
        "I5",
        lambda run: with_records(run, decision(13.0, {**APPROVE, "values": {"value": "another"}})),
    ),
    ("an accepted decision is lost", decisions.one_is_accepted, "I5", _undecided),
    (
        "a decision on nothing is accepted",
        decisions.one_is_accepted,
        "I5",
        lambda run: with_records(run, decision(13.0, APPROVE, "another")),
    ),
    (
        "a loser hears of another decision",
        decisions.losers_hear_of_the_winner,
        "I5",
        lambda run: with_records(run, _refused(decision=REJECT)),
    ),
    (
        "a loser hears of another person",
        decisions.losers_hear_of_the_winner,
        "I5",
        lambda run: with_records(run, _refused(by="somebody")),
    ),
    (
        "a loser hears of nobody",
        decisions.losers_hear_of_the_winner,
        "I5",
        lambda run: with_records(run, decision(13.0, REJECT, status=409, answer={"detail": {}})),
    ),
    (
        "a decision is refused while the request is open",
        decisions.losers_hear_of_the_winner,
        "I5",
        lambda run: with_records(_undecided(run), decision(13.0, REJECT, status=409, answer={"detail": {}})),
    ),
    (
        "the winner is refused when it asks again",
        decisions.losers_hear_of_the_winner,
        "I5",
        lambda run: with_records(run, _refused(APPROVE)),
    ),
    ("a decision is told twice", decisions.all_are_told_once, "I5", lambda run: with_event(run, resolved(6))),
    ("a decision is never told", decisions.all_are_told_once, "I5", lambda run: without_event(run, 5)),
    (
        "another decision is told",
        decisions.all_are_told_once,
        "I5",
        lambda run: with_event(run, resolved(5, decision=REJECT)),
    ),
    (
        "another person is told",
        decisions.all_are_told_once,
        "I5",
        lambda run: with_event(run, resolved(5, by="somebody")),
    ),
    ("a decision is told that nobody made", decisions.all_are_told_once, "I5", _undecided),
    ("a request is never told", decisions.all_are_told_once, "I5", lambda run: without_event(run, 4)),
    (
        "a request is told that is not there",
        decisions.all_are_told_once,
        "I5",
        lambda run: with_event(run, event(6, "human_input_required", 10.3, {"request_id": "another"})),
    ),
    (
        "a decision is not applied",
        decisions.all_are_applied,
        "I5",
        lambda run: with_request(run, is_applied=False),
    ),
    ("nobody decides, and the job completes", decisions.all_are_applied, "I5", _undecided),
    ("the other branch runs", decisions.all_are_applied, "I5", lambda run: _taken(run, REJECTED)),
    (
        "both branches run",
        decisions.all_are_applied,
        "I5",
        lambda run: with_lines(run, a_line(10.6, REJECTED)),
    ),
    (
        "the other branch begins in a job that is stopped",
        decisions.all_are_applied,
        "I5",
        lambda run: with_lines(with_job(run, status="cancelled"), a_line(10.6, REJECTED)),
    ),
    (
        "a branch runs before anybody decides",
        decisions.all_are_applied,
        "I5",
        lambda run: with_job(_undecided(run), status="suspended"),
    ),
    ("the branch never runs", decisions.all_are_applied, "I5", _without_lines),
    (
        "the branch is visited twice",
        decisions.all_are_applied,
        "I5",
        lambda run: with_lines(run, a_line(11.5, APPROVED, visit=2)),
    ),
    (
        "the branch ends twice",
        decisions.all_are_applied,
        "I5",
        lambda run: with_event(run, step_event(6, 10.9, vertex_id=APPROVED)),
    ),
    (
        "a job completes that was to fail",
        decisions.all_are_applied,
        "I5",
        lambda run: with_requests(run, about_effect("fail")),
    ),
    (
        "a decided job stays suspended",
        decisions.decided_jobs_go_on,
        "I5",
        lambda run: with_job(run, status="suspended"),
    ),
    (
        "a job stays suspended that clients know",
        jobs.jobs_end,
        "I1",
        lambda run: with_job(_undecided(run), status="suspended"),
    ),
    (
        "a vertex ends once more than it asked",
        effects.vertices_end_once,
        "I6",
        lambda run: with_event(run, step_event(6, 10.3, vertex_id=PERSON)),
    ),
    (
        "what must not be repeated is, though somebody says that it was done",
        effects.once_begins_once,
        "I6",
        lambda run: with_requests(
            with_lines(run, a_line(10.6, APPROVED, effect="once")), about_effect("done"), about_effect("retry", PERSON)
        ),
    ),
    (
        "a decision is answered with an error of ours",
        jobs.answers_are_promised,
        "answers",
        lambda run: with_records(run, decision(13.0, APPROVE, status=500)),
    ),
]


def _withdrawn(run: Evidence) -> Evidence:
    """The job was stopped before anybody decided."""
    stopped = with_job(_undecided(run, "withdrawn"), status="cancelled", seq=5)
    events = (*run.contents.events[:4], event(5, "cancelled", 12.0, {}))
    contents = replace(stopped.contents, events=events, results=())
    late = decision(13.0, APPROVE, status=409, answer={"detail": {}})
    frames = frames_of(run, "watcher 1")[:4]
    return replace(run, contents=contents, ledger=[], history=[submit(), late, *frames, frame("5", events[-1].payload)])


def _told(run: Evidence, action: str) -> Evidence:
    """The branch was interrupted, and somebody said what became of it."""
    asked = about_effect(action)
    events = [
        *run.contents.events[:-2],
        event(8, "human_input_required", 10.6, {"request_id": asked.id}),
        resolved(9, request_id=asked.id, decision=asked.decided),
        step_event(10, 11.0, vertex_id=APPROVED, nonce=NONCE if action == "retry" else "by hand"),
        event(11, "end", 12.0, {"status": "completed"}),
    ]
    seen = [frame(str(stored.seq), stored.payload) for stored in events]
    told = with_requests(with_job(run, seq=11), asked)
    contents = replace(told.contents, events=tuple(events))
    return replace(told, contents=contents, history=[submit(), decision(10.2, APPROVE), *seen])


ALLOWED: dict[str, Change] = {
    "nothing": lambda run: run,
    "an accepted decision is accepted again": lambda run: with_records(run, decision(13.0, APPROVE)),
    "an answer to a decision is lost": lambda run: with_records(run, decision(13.0, REJECT, status=None)),
    "a decision comes after a stop": _withdrawn,
    "an interrupted branch is repeated because somebody says so": lambda run: with_lines(
        _told(run, "retry"), a_line(10.6, APPROVED, effect="once")
    ),
    "an interrupted branch was done": lambda run: _told(run, "done"),
    "an interrupted branch was done, and cut off before its first moment": lambda run: _without_lines(
        _told(run, "done")
    ),
}


def test_a_run_that_waits_and_that_nobody_heard_of_is_no_violation() -> None:
    """Nobody can decide in it, for the answer to its submit was lost."""
    waiting = with_job(_undecided(flawless_asking()), status="suspended")
    assert list(jobs.jobs_end(replace(waiting, history=[]))) == []


def test_a_job_fails_when_somebody_says_so() -> None:
    failed = with_job(flawless_asking(), status="failed", error='{"type":"EffectUncertain"}')
    assert list(jobs.failures_have_a_reason(with_requests(failed, about_effect("fail")))) == []
    assert list(jobs.failures_have_a_reason(with_requests(failed, about_effect("done"))))


@pytest.mark.parametrize("change", [pytest.param(change, id=id) for id, change in ALLOWED.items()])
def test_what_is_allowed_is_no_violation(change: Change) -> None:
    assert [str(violation) for violation in check(change(flawless_asking()))] == []


@pytest.mark.parametrize(("checking", "invariant", "spoil"), [pytest.param(*rest, id=id) for id, *rest in SPOILED])
def test_a_violation_is_found(checking: Check, invariant: str, spoil: Change) -> None:
    """Each check finds what spoils the run, and names its invariant."""
    found = list(checking(spoil(flawless_asking())))
    assert found
    assert {violation.invariant for violation in found} == {invariant}


def test_every_check_of_decisions_can_fail() -> None:
    assert set(DECISIONS) <= {checking for _, checking, _, _ in SPOILED}


def test_a_violation_names_its_request() -> None:
    [violation] = decisions.one_is_accepted(with_records(flawless_asking(), decision(13.0, REJECT)))
    assert violation.subject == REQUEST
    assert JOB in str(violation)
