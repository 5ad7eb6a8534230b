"""Invariants of effects: what vertices may do to the world, by the ledger that they write themselves (I6, I7)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from flows.component import Effect
from flows.execution.recovery import RETRY
from flows.human import RequestKind
from storage.states import TERMINAL, Status
from tests.chaos.evidence import Evidence
from tests.chaos.invariants.logs import CLOCK_SECONDS
from tests.chaos.invariants.violation import Violation
from tests.chaos.ledger import Line
from tests.chaos.plan import HEARTBEAT_SECONDS

STOP_SECONDS = HEARTBEAT_SECONDS + 1.0
"""How long after a stop or a pause a vertex may begin that had been let through before: without Redis a worker hears of
it with its next heartbeat at the latest."""
THAW_SECONDS = 0.5
"""How long after a thaw a vertex may begin that was let through before the freeze: nobody can look and begin in one
step. It is a repetition like that of a crash, and none for a vertex that must not be repeated."""


def vertices_end_once(evidence: Evidence) -> Iterator[Violation]:
    """I6: `end_vertex` comes once for every visit of a vertex, once for everything that it asks, and for nothing
    else."""
    stored = Counter((result.job_id, result.vertex_id) for result in evidence.contents.results)
    stored.update(
        (request.job_id, request.vertex_id)
        for request in evidence.contents.requests
        if request.kind == RequestKind.NODE_INPUT
    )
    for job_id, vertex_id in {**stored, **evidence.ends}:
        counts = evidence.ends.get((job_id, vertex_id), 0), stored[job_id, vertex_id]
        if counts[0] != counts[1]:
            yield Violation("I6", job_id, f"{vertex_id} ended {counts[0]} times, has {counts[1]} results and requests")


def nothing_begins_after_its_end(evidence: Evidence) -> Iterator[Violation]:
    """I6: no vertex begins again once its end is stored."""
    yield from _violations("I6", evidence, _after_their_end(evidence))


def nothing_begins_after_the_job(evidence: Evidence) -> Iterator[Violation]:
    """I6: no vertex of a job begins once the job has ended by itself."""
    yield from _violations("I6", evidence, _after_their_job(evidence))


def once_begins_once(evidence: Evidence) -> Iterator[Violation]:
    """I6: what must not be repeated begins once at most, whatever interrupted it, and again only when somebody says
    so."""
    for (job_id, vertex_id, _), lines in evidence.visits.items():
        wanted = 1 + evidence.told_of_effect(job_id, vertex_id).count(RETRY)
        if len(lines) > wanted and lines[0].effect == Effect.ONCE:
            yield Violation("I6", job_id, f"{vertex_id} must not be repeated and began {len(lines)} times")


def keys_are_kept(evidence: Evidence) -> Iterator[Violation]:
    """I6: every build of a visit has the visit's idempotency key."""
    for line in evidence.begins:
        if line.key != f"{line.job_id}:{line.vertex_id}:{line.visit}":
            yield Violation("I6", line.job_id, f"{line.vertex_id} had the key {line.key}")


def nothing_begins_after_a_stop(evidence: Evidence) -> Iterator[Violation]:
    """I7: after the answer to a stop no vertex begins, but for what had been let through before."""
    yield from _violations("I7", evidence, _after_a_stop(evidence))


def nothing_begins_in_a_pause(evidence: Evidence) -> Iterator[Violation]:
    """I7: after the answer to a pause no vertex begins, but for what had been let through before, until somebody lets
    the job go on."""
    yield from _violations("I7", evidence, _in_a_pause(evidence))


def stopped_jobs_stay_stopped(evidence: Evidence) -> Iterator[Violation]:
    """I7: a job whose stop was answered has ended by then; as cancelled, when the answer says so."""
    for call in evidence.stopped:
        job = evidence.jobs.get(call.job_id or "")
        if job is None:
            continue
        if job.status not in TERMINAL:
            yield Violation("I7", job.id, f"was stopped and is {job.status}")
        elif "cancelled" in call.answer["message"] and job.status != Status.CANCELLED:
            yield Violation("I7", job.id, f"was cancelled and is {job.status}")
        elif job.finished_at is not None and job.finished_at > call.answered_at + CLOCK_SECONDS:
            yield Violation(
                "I7", job.id, f"ended {job.finished_at - call.answered_at:.3f} s after its stop was answered"
            )


def excused(evidence: Evidence) -> int:
    """How many vertices began too late because their program was frozen between look and begin."""
    late = [*_after_their_end(evidence), *_after_their_job(evidence), *_after_a_stop(evidence), *_in_a_pause(evidence)]
    return len({line.nonce for line, _ in late if evidence.was_just_thawed(line, THAW_SECONDS)})


def first_stops(evidence: Evidence) -> Mapping[str, float]:
    """When the first successful stop of each job was answered."""
    answered: dict[str, float] = {}
    for call in evidence.stopped:
        job_id = str(call.job_id)
        answered[job_id] = min(call.answered_at, answered.get(job_id, call.answered_at))
    return answered


def _violations(invariant: str, evidence: Evidence, late: Iterable[tuple[Line, str]]) -> Iterator[Violation]:
    for line, what in late:
        if not evidence.was_just_thawed(line, THAW_SECONDS):
            yield Violation(invariant, line.job_id, f"{line.vertex_id} began {what}")


def _after_their_end(evidence: Evidence) -> Iterator[tuple[Line, str]]:
    ended = _ended(evidence)
    for line in evidence.begins:
        late = line.at - ended.get(line.visited, line.at)
        if late > CLOCK_SECONDS:
            yield line, f"again {late:.3f} s after its end"


def _after_their_job(evidence: Evidence) -> Iterator[tuple[Line, str]]:
    for line in evidence.begins:
        job = evidence.jobs.get(line.job_id)
        if job is None or job.finished_at is None or job.status not in (Status.COMPLETED, Status.FAILED):
            continue
        late = line.at - job.finished_at
        if late > CLOCK_SECONDS:
            yield line, f"{late:.3f} s after the job was {job.status}"


def _after_a_stop(evidence: Evidence) -> Iterator[tuple[Line, str]]:
    answered = first_stops(evidence)
    for line in evidence.begins:
        late = line.at - answered.get(line.job_id, line.at)
        if late > STOP_SECONDS:
            yield line, f"{late:.3f} s after the stop was answered"


def _in_a_pause(evidence: Evidence) -> Iterator[tuple[Line, str]]:
    for job_id, (paused_at, went_on_at) in evidence.pauses.items():
        for line in evidence.begins_of.get(job_id, ()):
            if paused_at + STOP_SECONDS < line.at < went_on_at:
                yield line, f"{line.at - paused_at:.3f} s after the pause was answered"


def _ended(evidence: Evidence) -> Mapping[tuple[str, str, int], float]:
    """When the end of each visit was stored."""
    ended: dict[tuple[str, str, int], float] = {}
    visits: Counter[tuple[str, str]] = Counter()
    for event in evidence.contents.events:
        if event.type == "end_vertex":
            vertex = event.job_id, str(event.data["build_data"]["id"])
            visits[vertex] += 1
            ended[*vertex, visits[vertex]] = event.created_at
    return ended
