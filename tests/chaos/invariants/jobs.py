"""Invariants of jobs: that they end, stay ended, and are as many as were asked for (I1, I2, I12)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

import orjson

from flows.execution.recovery import FAIL
from storage.states import HOLDS_KEY, TERMINAL, Order, Status
from tests.chaos.contents import EventRow, JobRow
from tests.chaos.evidence import Evidence, grouped
from tests.chaos.history import Call, Purpose
from tests.chaos.invariants.violation import Violation
from tests.chaos.plan import MAX_ATTEMPTS, FaultKind

STATED_SECONDS = 60.0
"""How long after the last fault every job that was accepted has ended, those among them that had to wait their turn."""
PROMISED: Mapping[Purpose, frozenset[int]] = {
    Purpose.SUBMIT: frozenset({200, 429, 503}),
    Purpose.STOP: frozenset({200, 503}),
    Purpose.LOOK: frozenset({200, 503}),
    Purpose.ATTACH: frozenset({200, 204, 503}),
    Purpose.PENDING: frozenset({200, 503}),
    Purpose.RESUME: frozenset({200, 409, 503}),
    Purpose.PAUSE: frozenset({200, 409, 503}),
    Purpose.GO_ON: frozenset({200, 409, 503}),
}
"""How each request may be answered here, where every one is right."""
_ENDS = {"cancelled": Status.CANCELLED, "timed_out": Status.TIMED_OUT, "worker_lost": Status.FAILED}
_SAME_MOMENT = 1.0
"""Seconds by which a job may seem to begin before the one that freed its key: each takes its time before it waits."""


def jobs_end(evidence: Evidence) -> Iterator[Violation]:
    """I1: every stored job has ended within the stated time after the last fault. Only one that no client heard of may
    wait for a person, for nobody could decide what it asks."""
    last = evidence.moments.calm_at + STATED_SECONDS
    known = {call.job_id for call in evidence.accepted}
    for job in evidence.contents.jobs:
        is_settled = job.status in TERMINAL or (job.status == Status.SUSPENDED and job.id not in known)
        if not is_settled:
            yield Violation("I1", job.id, f"is {job.status}")
        elif job.finished_at is not None and job.finished_at > last:
            late = job.finished_at - evidence.moments.calm_at
            yield Violation("I1", job.id, f"ended {late:.1f} s after the last fault")


def one_terminal_event(evidence: Evidence) -> Iterator[Violation]:
    """I2: a job that ended has one terminal event; it is the last one and says what the row says."""
    for job in evidence.contents.jobs:
        events = evidence.events.get(job.id, [])
        terminal = [event for event in events if event.terminal]
        if job.status not in TERMINAL:
            if terminal:
                yield Violation("I2", job.id, f"is {job.status} and has the event {terminal[0].type}")
        elif len(terminal) != 1:
            yield Violation("I2", job.id, f"has {len(terminal)} terminal events")
        elif terminal[0] is not events[-1] or terminal[0].seq != job.seq:
            yield Violation("I2", job.id, f"its terminal event is {terminal[0].seq} of {job.seq}")
        elif _told(terminal[0]) != job.status:
            yield Violation("I2", job.id, f"is {job.status}, and its last event says {_told(terminal[0])}")


def failures_have_a_reason(evidence: Evidence) -> Iterator[Violation]:
    """I6: every flow here succeeds, but when somebody says that it fails for an interrupted vertex that must not be
    repeated, or when it loses as many workers in a row as it may; nothing else lets a job fail or run out of time."""
    for job in evidence.contents.jobs:
        if job.status not in (Status.FAILED, Status.TIMED_OUT):
            continue
        reason = orjson.loads(job.error)["type"] if job.error else job.status
        lost = sum(fault.overlaps(job.created_at, job.finished_at or job.created_at) for fault in evidence.faults)
        said = any(request.action == FAIL for request in evidence.requests_of.get(job.id, ()))
        if not (reason == "EffectUncertain" and said) and not (reason == "worker_lost" and lost >= MAX_ATTEMPTS):
            yield Violation("I6", job.id, f"{job.status} because of {job.error}")


def ends_stay(evidence: Evidence) -> Iterator[Violation]:
    """I2: what a client was told of a job that had ended is what is stored in the end."""
    for call in evidence.calls:
        job = evidence.jobs.get(call.job_id or "")
        if job is None or not call.is_accepted or call.answer.get("status") not in TERMINAL:
            continue
        if call.answer["status"] != job.status:
            yield Violation("I2", job.id, f"was told to be {call.answer['status']} and is {job.status}")
        if call.answer.get("last_event", job.seq) != job.seq:
            yield Violation("I2", job.id, f"had ended with event {call.answer['last_event']} and has {job.seq}")


def keys_have_one_job(evidence: Evidence) -> Iterator[Violation]:
    """I12: requests under one key are answered with one job; another one only after the first has freed the key."""
    by_key = grouped(evidence.contents.jobs, lambda job: job.idempotency_key)
    for key, jobs in by_key.items():
        if key is not None:
            yield from _shared(key, sorted(jobs, key=lambda job: job.created_at))
    for call in evidence.accepted:
        key, job = call.body.get("idempotency_key"), evidence.jobs.get(call.job_id or "")
        if job is not None and key != job.idempotency_key:
            yield Violation("I12", str(key), f"was answered with job {job.id} of key {job.idempotency_key}")


def stops_have_one_effect(evidence: Evidence) -> Iterator[Violation]:
    """I12: however often a job is stopped, it is stopped once."""
    stops = (signal.job_id for signal in evidence.contents.signals if signal.kind == Order.STOP)
    for job_id, count in Counter(stops).items():
        if count > 1:
            yield Violation("I12", job_id, f"was stopped {count} times")


def answers_are_promised(evidence: Evidence) -> Iterator[Violation]:
    """Rightful requests succeed, or are told to come again: no other answer, whatever is broken."""
    for call in evidence.calls:
        if call.status is not None and call.status not in PROMISED[call.purpose] and not _was_cut_off(evidence, call):
            yield Violation("answers", _subject(call), f"{call.purpose} was answered {call.status}: {call.answer}")


def _shared(key: str, jobs: list[JobRow]) -> Iterator[Violation]:
    for earlier, later in pairwise(jobs):
        if earlier.status in HOLDS_KEY:
            yield Violation("I12", key, f"has job {later.id} beside {earlier.id}, which is {earlier.status}")
        elif earlier.finished_at is not None and earlier.finished_at > later.created_at + _SAME_MOMENT:
            yield Violation("I12", key, f"has job {later.id} made before {earlier.id} had ended")


def _told(event: EventRow) -> str:
    """The status that a terminal event tells."""
    return _ENDS[event.type] if event.type in _ENDS else str(event.data["status"])


def _was_cut_off(evidence: Evidence, call: Call) -> bool:
    """Whether the server, and not Penstock, answered: it does so to what is still open at the end of its grace."""
    ending = (FaultKind.DEPLOY_WEB, FaultKind.DEPLOY_WORKER)
    return "text" in call.answer and any(
        fault.kind in ending and fault.overlaps(call.asked_at, call.answered_at) for fault in evidence.faults
    )


def _subject(call: Call) -> str:
    return call.job_id or f"planned job {call.number}"
