"""Evidence of a run that never happened: one job without a flaw, and ways to spoil it, for the tests of the checker.

The job runs one step, `PureStep-1`: submitted at 9, claimed at 10, begun at 10.5, ended at 11, completed at 12; the
last fault is over at 20. Two watchers see all of it, the first one over two connections.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from tests.chaos.contents import Contents, EventRow, JobRow, ResultRow
from tests.chaos.evidence import Evidence, Moments
from tests.chaos.history import Call, FaultDone, FrameSeen, Purpose, Record
from tests.chaos.ledger import Line, What
from tests.chaos.plan import FaultKind, SetUp

JOB, KEY, STEP, NONCE = "job-1", "key-1", "PureStep-1", "a-nonce"
GROUP = 100
TOKEN = '{"event":"token","data":{"chunk":"7.0 "}}'
OLDER_TOKEN = '{"event":"token","data":{"chunk":"6.0 "}}'


def flawless() -> Evidence:
    """The run as it should be."""
    contents = Contents(
        jobs=(a_job(),),
        events=(
            event(1, "vertices_sorted", 9.0, {"ids": [STEP], "to_run": [STEP]}),
            event(2, "build_start", 10.0, {}),
            step_event(3, 11.0),
            event(4, "end", 12.0, {"status": "completed"}),
        ),
        results=(ResultRow(JOB, STEP, 1, "{}"),),
    )
    watching = [*_frames("watcher 1", "watcher 2", contents.events)]
    asked = [submit(), call(Purpose.LOOK, 13.0, {"status": "completed", "last_event": 4})]
    return Evidence(
        moments=Moments(1, SetUp.SCALED, 0.0, 20.0, 30.0),
        history=[*asked, *watching],
        ledger=[line(10.5), line(10.9, what=What.END)],
        contents=contents,
    )


def a_job(**columns: Any) -> JobRow:
    made = JobRow(
        id=JOB,
        mode="background",
        status="completed",
        session_id="session-1",
        idempotency_key=KEY,
        seq=4,
        created_at=9.0,
        finished_at=12.0,
        error=None,
    )
    return replace(made, **columns)


def event(seq: int, type: str, at: float, data: Any) -> EventRow:
    payload = orjson.dumps({"event": type, "data": data}).decode()
    return EventRow(JOB, seq, type, type in ("end", "cancelled", "timed_out", "worker_lost"), payload, at)


def step_event(seq: int, at: float, nonce: str = NONCE) -> EventRow:
    """The end of the step, with what it put out."""
    result = {"outputs": {"text": {"message": nonce, "type": "text"}}}
    built = {"id": STEP, "inactivated_vertices": [], "data": result}
    return event(seq, "end_vertex", at, {"build_data": built, "output_meta": {"vertex_type": "PureStep"}})


def line(at: float, **fields: Any) -> Line:
    """A beginning of the step."""
    made = Line(at, What.BEGIN, JOB, STEP, 1, f"{JOB}:{STEP}:1", "pure", NONCE, 101, GROUP)
    return replace(made, **fields)


def call(purpose: Purpose, at: float, answer: dict[str, Any], **fields: Any) -> Call:
    """An answered request about the job."""
    return replace(Call(purpose, 1, "http://web", at - 0.1, at, {}, 200, answer, JOB), **fields)


def submit(**fields: Any) -> Call:
    return call(Purpose.SUBMIT, 9.1, **{"answer": {"status": "queued"}, "body": {"idempotency_key": KEY}, **fields})


def stop(at: float, message: str = "Job cancelled successfully.") -> Call:
    return call(Purpose.STOP, at, {"message": message})


def fault(kind: FaultKind, began_at: float, ended_at: float, group: int | None = GROUP) -> FaultDone:
    return FaultDone(kind, "worker-1", began_at, ended_at, group)


def frame(id: str, data: str, watcher: str = "watcher 1", connection: int = 1) -> FrameSeen:
    return FrameSeen(12.0, JOB, watcher, connection, id, data)


def with_job(evidence: Evidence, **columns: Any) -> Evidence:
    """The job with other columns."""
    return _with(evidence, jobs=tuple(replace(job, **columns) for job in evidence.contents.jobs))


def with_another_job(evidence: Evidence, **columns: Any) -> Evidence:
    other = a_job(**{"id": "job-2", **columns})
    return _with(evidence, jobs=(*evidence.contents.jobs, other))


def with_event(evidence: Evidence, changed: EventRow) -> Evidence:
    """The log with one event in the place of the one that had its number, or behind all others."""
    events = {stored.seq: stored for stored in evidence.contents.events} | {changed.seq: changed}
    return _with(evidence, events=tuple(events[seq] for seq in sorted(events)))


def without_event(evidence: Evidence, seq: int) -> Evidence:
    return _with(evidence, events=tuple(stored for stored in evidence.contents.events if stored.seq != seq))


def without_results(evidence: Evidence) -> Evidence:
    return _with(evidence, results=())


def with_records(evidence: Evidence, *records: Record) -> Evidence:
    """More of what clients saw, after all else."""
    return replace(evidence, history=[*evidence.history, *records])


def with_frames(evidence: Evidence, watcher: str, *frames: FrameSeen) -> Evidence:
    """Other frames for one watcher."""
    others = [one for one in evidence.history if not (isinstance(one, FrameSeen) and one.watcher == watcher)]
    return replace(evidence, history=[*others, *frames])


def with_lines(evidence: Evidence, *lines: Line) -> Evidence:
    """More lines of the ledger."""
    return replace(evidence, ledger=[*evidence.ledger, *lines])


def interrupted(evidence: Evidence, by: FaultDone, after: float, *others: FaultDone) -> Evidence:
    """A fault interrupted the step, and the next pass began so many seconds later; other faults were done too."""
    at = by.began_at + after
    events = (
        *evidence.contents.events[:2],
        event(3, "build_start", at, {}),
        step_event(4, at + 1),
        event(5, "end", at + 2, {"status": "completed"}),
    )
    jobs = tuple(replace(job, seq=5, finished_at=at + 2) for job in evidence.contents.jobs)
    return replace(
        evidence,
        contents=replace(evidence.contents, jobs=jobs, events=events),
        history=[submit(), *(frame(str(stored.seq), stored.payload) for stored in events), by, *others],
        ledger=[line(10.5, nonce="interrupted"), line(at + 0.1)],
    )


def frames_of(evidence: Evidence, watcher: str) -> list[FrameSeen]:
    return evidence.watched[JOB, watcher]


def _frames(first: str, second: str, events: Sequence[EventRow]) -> list[FrameSeen]:
    stored = [frame(str(event.seq), event.payload) for event in events]
    again = [replace(seen, connection=2) for seen in stored[2:]]
    return [*stored[:2], frame("2-1", TOKEN), *again, *(replace(seen, watcher=second) for seen in stored)]


def _with(evidence: Evidence, **rows: Any) -> Evidence:
    return replace(evidence, contents=replace(evidence.contents, **rows))
