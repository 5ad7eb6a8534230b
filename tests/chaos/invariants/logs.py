"""Invariants of logs: who writes them, what clients see of them, and that nothing of them is lost (I3, I4, I11)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from flows.execution.recovery import DONE
from storage.states import TERMINAL, Status
from tests.chaos.contents import EventRow
from tests.chaos.evidence import Evidence
from tests.chaos.history import FrameSeen
from tests.chaos.invariants.violation import Violation

CLOCK_SECONDS = 0.005
"""How much a moment of the database may be rounded."""
_NUMBER = re.compile(r"\b(\d+)\.\d+ ")
"""The number of a model call in its tokens."""
_STEP = "Step"
"""How the types of vertices end that write into the ledger."""


def results_belong_to_their_pass(evidence: Evidence) -> Iterator[Violation]:
    """I3: no result of an older pass is stored after a newer one began: each was begun in the pass that holds it, or
    told by somebody."""
    begins = {line.nonce: line for line in evidence.begins}
    for job_id, events in evidence.events.items():
        began_at = 0.0
        for event in events:
            if event.type == "build_start":
                began_at = event.created_at
            elif event.type == "end_vertex" and event.data["output_meta"]["vertex_type"].endswith(_STEP):
                line = begins.get(_output(event))
                if DONE in evidence.told_of_effect(job_id, str(event.data["build_data"]["id"])):
                    continue
                if line is None:
                    yield Violation("I3", job_id, f"event {event.seq} holds a result that no vertex of it produced")
                elif line.at < began_at - CLOCK_SECONDS:
                    yield Violation("I3", job_id, f"event {event.seq} holds {line.vertex_id} of an older pass")


def tokens_belong_to_their_pass(evidence: Evidence) -> Iterator[Violation]:
    """I3: the tokens between two milestones come from one model call, and none from an older call than those before.

    The model of a run numbers its calls, and begins each token with that number.
    """
    for job_id, seqs in _calls(evidence).items():
        newest = 0
        for seq in sorted(seqs):
            if len(seqs[seq]) > 1 or min(seqs[seq]) < newest:
                yield Violation("I3", job_id, f"after event {seq} came tokens of the calls {sorted(seqs[seq])}")
            newest = max(newest, *seqs[seq])


def frames_are_a_prefix(evidence: Evidence) -> Iterator[Violation]:
    """I4: what a watcher got is dense, in order, and nothing twice, over all its connections."""
    for (job_id, watcher), frames in evidence.watched.items():
        for what in _breaks(frames):
            yield Violation("I4", job_id, f"{watcher}: {what}")


def frames_are_the_same(evidence: Evidence) -> Iterator[Violation]:
    """I4: one id, one content, for every watcher and in the database."""
    known = {(event.job_id, str(event.seq)): event.payload for event in evidence.contents.events}
    for (job_id, watcher), frames in evidence.watched.items():
        for frame in frames:
            if known.setdefault((job_id, frame.id), frame.data) != frame.data:
                yield Violation("I4", job_id, f"{watcher}: {frame.id} is another event for others")


def watchers_get_everything(evidence: Evidence) -> Iterator[Violation]:
    """I4, I1: every accepted job had a watcher, and every watcher of a job that ended got its whole log."""
    for (job_id, watcher), frames in evidence.watched.items():
        job = evidence.jobs.get(job_id)
        if job is not None and job.status in TERMINAL and frames[-1].seq != job.seq:
            yield Violation("I4", job_id, f"{watcher} got {frames[-1].seq} of {job.seq} events")
    watched = {job_id for job_id, _ in evidence.watched}
    for job_id in {str(call.job_id) for call in evidence.accepted} - watched:
        yield Violation("I4", job_id, "nobody got any of its events")


def nothing_is_missing(evidence: Evidence) -> Iterator[Violation]:
    """I11: every accepted job is stored, and every milestone that was counted or seen."""
    for call in evidence.accepted:
        if call.job_id not in evidence.jobs:
            yield Violation("I11", str(call.job_id), "was accepted and is not there")
    for job in evidence.contents.jobs:
        seqs = [event.seq for event in evidence.events.get(job.id, [])]
        if seqs != list(range(1, job.seq + 1)):
            yield Violation("I11", job.id, f"has the events {seqs} of {job.seq}")
    for (job_id, watcher), frames in evidence.watched.items():
        last = evidence.jobs[job_id].seq if job_id in evidence.jobs else 0
        for frame in frames:
            if frame.seq > last:
                yield Violation("I11", job_id, f"{watcher} saw {frame.id}, which is not there")


def completed_jobs_are_whole(evidence: Evidence) -> Iterator[Violation]:
    """I11: a job that completed has finished every vertex of its flow, but those on branches not taken."""
    for job in evidence.contents.jobs:
        if job.status != Status.COMPLETED:
            continue
        events = evidence.events.get(job.id, [])
        wanted = {id for event in events if event.type == "vertices_sorted" for id in event.data["to_run"]}
        built = [event.data["build_data"] for event in events if event.type == "end_vertex"]
        had = {part["id"] for part in built} | {id for part in built for id in part["inactivated_vertices"]}
        if wanted - had:
            yield Violation("I11", job.id, f"completed without {', '.join(sorted(wanted - had))}")


def _calls(evidence: Evidence) -> Mapping[str, Mapping[int, set[int]]]:
    """The model calls whose tokens clients saw, by job and the milestone before them."""
    found: dict[str, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for frames in evidence.watched.values():
        for frame in frames:
            if frame.delta and (numbers := _NUMBER.findall(frame.data)):
                found[frame.job_id][frame.seq].update(map(int, numbers))
    return found


def _breaks(frames: Sequence[FrameSeen]) -> Iterator[str]:
    milestone, delta, connection = 0, 0, 0
    for frame in frames:
        if frame.connection != connection:
            # Deltas that nothing holds any more may be told again, under their ids.
            connection, delta = frame.connection, 0
        if frame.delta == 0:
            if frame.seq != milestone + 1:
                yield f"{frame.id} came after {milestone}"
            milestone, delta = frame.seq, 0
        elif frame.seq != milestone or frame.delta <= delta:
            yield f"{frame.id} came after {milestone}-{delta}"
        else:
            delta = frame.delta


def _output(event: EventRow) -> str:
    """What a step put out: the nonce of its build."""
    return str(event.data["build_data"]["data"]["outputs"]["text"]["message"])
