"""Evidence of runs that never happened: one job without a flaw, and ways to spoil it, for the tests of the checker.

The job runs one step, `PureStep-1`: submitted at 9, claimed at 10, begun at 10.5, ended at 11, completed at 12; the
last fault is over at 20. Two watchers see all of it, the first one over two connections.

Or it asks at 10 first, is approved at 10.2 and rejected, too late, at 10.3; then it runs the step behind the approval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from tests.chaos.contents import Contents, EventRow, JobRow, RequestRow, ResultRow
from tests.chaos.evidence import Evidence, Moments
from tests.chaos.flows import step_behind
from tests.chaos.history import Call, FaultDone, FrameSeen, Purpose, Record
from tests.chaos.ledger import Line, What
from tests.chaos.plan import FaultKind, SetUp

JOB, KEY, STEP, NONCE = "job-1", "key-1", "PureStep-1", "a-nonce"
PERSON, APPROVED, REJECTED = (
    "HumanInput-1",
    step_behind("HumanInput-1", "approve"),
    step_behind("HumanInput-1", "reject"),
)
REQUEST = f"{PERSON}:{JOB}"
APPROVE: Mapping[str, Any] = {"action_id": "approve", "values": {}}
REJECT: Mapping[str, Any] = {"action_id": "reject", "values": {}}
WINNER = {"by": "local", "at": "2026-11-26T00:00:00+00:00", "decision": APPROVE}
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


def flawless_asking() -> Evidence:
    """The run that asks, as it should be."""
    events = (
        event(1, "vertices_sorted", 9.0, {"ids": [PERSON], "to_run": [PERSON, APPROVED, REJECTED]}),
        event(2, "build_start", 10.0, {}),
        step_event(3, 10.0, vertex_id=PERSON),
        event(4, "human_input_required", 10.0, {"request_id": REQUEST}),
        resolved(5),
        event(6, "build_start", 10.3, {}),
        step_event(7, 10.4, vertex_id=PERSON, inactivated=[REJECTED]),
        step_event(8, 11.0, vertex_id=APPROVED),
        event(9, "end", 12.0, {"status": "completed"}),
    )
    contents = Contents(
        jobs=(a_job(seq=9),),
        events=events,
        results=tuple(ResultRow(JOB, vertex_id, 1, "{}") for vertex_id in (PERSON, APPROVED)),
        requests=(a_request(),),
    )
    decided = decision(10.2, APPROVE), decision(10.3, REJECT, status=409, answer={"detail": {"answered": WINNER}})
    watching = [frame(str(stored.seq), stored.payload) for stored in events]
    begun = a_line(10.5, APPROVED, effect="once")
    return Evidence(
        moments=Moments(1, SetUp.SCALED, 0.0, 20.0, 30.0),
        history=[submit(), *decided, *watching],
        ledger=[begun, replace(begun, at=10.9, what=What.END)],
        contents=contents,
    )


def a_request(**columns: Any) -> RequestRow:
    """The request that the job asks."""
    decided = orjson.dumps(APPROVE).decode()
    made = RequestRow(REQUEST, JOB, PERSON, "node_input", "answered", decided, "local", is_applied=True)
    return replace(made, **columns)


def about_effect(action: str, vertex_id: str = APPROVED) -> RequestRow:
    """What somebody said of a step that was interrupted."""
    decided = orjson.dumps({"action_id": action, "values": {}}).decode()
    return a_request(id=f"{vertex_id}:{JOB}:1-0", vertex_id=vertex_id, kind="uncertain_effect", decision=decided)


def resolved(seq: int, **data: Any) -> EventRow:
    """What the log tells of a decision."""
    told = {"request_id": REQUEST, "decision": APPROVE, "by": "local", "late": False, **data}
    return event(seq, "human_input_resolved", 10.2, told)


def decision(at: float, decided: Mapping[str, Any], request_id: str = REQUEST, **fields: Any) -> Call:
    """A decision that a client sent; it is accepted unless the fields say otherwise."""
    body = {"request_id": request_id, "decision": decided}
    return call(Purpose.RESUME, at, **{"answer": {"status": "resuming"}, "body": body, **fields})


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


def step_event(
    seq: int, at: float, nonce: str = NONCE, vertex_id: str = STEP, inactivated: Sequence[str] = ()
) -> EventRow:
    """The end of a step, with what it put out."""
    result = {"outputs": {"text": {"message": nonce, "type": "text"}}}
    built = {"id": vertex_id, "inactivated_vertices": inactivated, "data": result}
    meta = {"vertex_type": vertex_id.partition("-")[0]}
    return event(seq, "end_vertex", at, {"build_data": built, "output_meta": meta})


def line(at: float, **fields: Any) -> Line:
    """A beginning of the step."""
    return replace(a_line(at, STEP), **fields)


def a_line(at: float, vertex_id: str, visit: int = 1, effect: str = "pure") -> Line:
    """A beginning of any step."""
    return Line(at, What.BEGIN, JOB, vertex_id, visit, f"{JOB}:{vertex_id}:{visit}", effect, NONCE, 101, GROUP)


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


def with_request(evidence: Evidence, **columns: Any) -> Evidence:
    """The first request with other columns."""
    first, *others = evidence.contents.requests
    return _with(evidence, requests=(replace(first, **columns), *others))


def with_requests(evidence: Evidence, *requests: RequestRow) -> Evidence:
    """More requests."""
    return _with(evidence, requests=(*evidence.contents.requests, *requests))


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
