"""What faults cost: how soon interrupted jobs went on, what was repeated, what was lost."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.component import Effect
from flows.execution.recovery import RETRY
from tests.chaos.contents import EventRow
from tests.chaos.evidence import Evidence
from tests.chaos.history import FaultDone
from tests.chaos.invariants.effects import THAW_SECONDS, first_stops
from tests.chaos.invariants.violation import Violation
from tests.chaos.plan import LEASE_SECONDS, RECOVERY_SECONDS, FaultKind, SetUp

HAND_ON_SECONDS = 1.0
"""Within how long the next pass of a job begins that a worker handed on: the promise, where another worker is there."""


@dataclass(frozen=True)
class Resumed:
    """One job that a fault interrupted and that went on: after how long, and whether that fault was alone meanwhile."""

    fault: FaultDone
    job_id: str
    seconds: float
    is_alone: bool


@dataclass(frozen=True)
class Spread:
    """How often something was measured, its median and its worst."""

    count: int
    median: float
    worst: float


def spread(seconds: Sequence[float]) -> Spread | None:
    """None when nothing was measured."""
    return Spread(len(seconds), statistics.median(seconds), max(seconds)) if seconds else None


def recoveries(evidence: Evidence, kind: FaultKind = FaultKind.KILL_WORKER) -> list[Resumed]:
    """The jobs whose worker was killed (or frozen) under them: seconds from then until their next pass began."""
    return [
        _resumed(evidence, fault, passes, fault.began_at)
        for fault in evidence.faults
        if fault.kind is kind
        for passes in _interrupted(evidence, fault)
    ]


def hand_ons(evidence: Evidence) -> list[Resumed]:
    """The jobs that a worker handed on when it was asked to end: seconds until their next pass began.

    They count from the end of the last vertex that was still running, for vertices may come to their end; in the
    embedded set-up from the moment at which the one process is ready again.
    """
    return [
        _resumed(evidence, fault, passes, _let_go_at(evidence, fault, passes))
        for fault in evidence.faults
        if fault.kind is FaultKind.DEPLOY_WORKER
        for passes in _interrupted(evidence, fault)
    ]


def recoveries_keep_their_time(evidence: Evidence) -> Iterator[Violation]:
    """Promise: what nothing else disturbs goes on within lease + 5 s after kill -9, within 1 s after SIGTERM.

    In the embedded set-up no other worker is there: a job may also take 5 s from when the process is ready again.
    """
    embedded = evidence.moments.set_up is SetUp.EMBEDDED
    for resumed in recoveries(evidence):
        ready = resumed.fault.ended_at - resumed.fault.began_at - LEASE_SECONDS if embedded else 0.0
        if resumed.is_alone and resumed.seconds > RECOVERY_SECONDS + max(0.0, ready):
            yield Violation("recovery", resumed.job_id, f"went on {resumed.seconds:.1f} s after its worker was killed")
    if embedded:
        return
    for resumed in hand_ons(evidence):
        if resumed.is_alone and resumed.seconds > HAND_ON_SECONDS:
            yield Violation("recovery", resumed.job_id, f"went on {resumed.seconds:.1f} s after it was handed on")


def repeated(evidence: Evidence, effect: Effect) -> int:
    """How many builds of interrupted vertices of an effect class were repetitions that nobody had asked for."""
    return sum(
        max(0, len(lines) - 1 - evidence.told_of_effect(job_id, vertex_id).count(RETRY))
        for (job_id, vertex_id, _), lines in evidence.visits.items()
        if lines[0].effect == effect
    )


def latest_begin_after_a_stop(evidence: Evidence) -> float:
    """Seconds from the answer to a stop until the last vertex of its job began, but for what a freeze excuses; 0 when
    none did."""
    answered = first_stops(evidence)
    begins = (line for line in evidence.begins if not evidence.was_just_thawed(line, THAW_SECONDS))
    late = (line.at - answered.get(line.job_id, line.at) for line in begins)
    return max(0.0, *late, 0.0)


def settling_seconds(evidence: Evidence) -> float:
    """Seconds from the last fault until the last job had ended."""
    ended = [job.finished_at for job in evidence.contents.jobs if job.finished_at is not None]
    return max(0.0, max(ended, default=0.0) - evidence.moments.calm_at)


def _interrupted(evidence: Evidence, fault: FaultDone) -> Iterator[tuple[EventRow, EventRow, list[EventRow]]]:
    """The passes that ran in the program of a fault when it began: their beginning, that of the pass after each, and
    the events of the job. A pass that may have ended because the job was suspended is none."""
    for job_id, events in evidence.events.items():
        starts = [event for event in events if event.type == "build_start"]
        before = [event for event in starts if event.created_at <= fault.began_at]
        after = [event for event in starts if event.created_at > fault.began_at]
        if not before or not after or job_id in evidence.pauses or _decided_between(before[-1], after[0], events):
            continue
        if _worked(evidence, fault, job_id, before[-1].created_at):
            yield before[-1], after[0], events


def _decided_between(before: EventRow, after: EventRow, events: Sequence[EventRow]) -> bool:
    return any(event.type == "human_input_resolved" for event in events if before.seq < event.seq < after.seq)


def _worked(evidence: Evidence, fault: FaultDone, job_id: str, since: float) -> bool:
    """Whether the program of a fault built a vertex of a job between a moment and the fault."""
    return any(
        line.group == fault.group and since <= line.at <= fault.began_at for line in evidence.begins_of.get(job_id, ())
    )


def _let_go_at(evidence: Evidence, fault: FaultDone, passes: tuple[EventRow, EventRow, list[EventRow]]) -> float:
    _, after, events = passes
    if evidence.moments.set_up is SetUp.EMBEDDED:
        return fault.ended_at
    finished = [event.created_at for event in events if event.seq < after.seq]
    return max(fault.began_at, *finished)


def _resumed(
    evidence: Evidence, fault: FaultDone, passes: tuple[EventRow, EventRow, list[EventRow]], since: float
) -> Resumed:
    _, after, _ = passes
    others = (other for other in evidence.faults if other is not fault)
    is_alone = not any(other.overlaps(fault.began_at - 1, after.created_at) for other in others)
    return Resumed(fault, after.job_id, max(0.0, after.created_at - since), is_alone)
