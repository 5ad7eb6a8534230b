"""Answers to interrupts: each is a decision on the human request of its id (contract 4.6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from ag_ui.core import ResumeEntry

from flows.deciding import Ruling
from flows.events import EventType
from flows.human import FALLBACK, Decision, RequestKind
from storage.cursor import Cursor
from storage.human_requests import RequestView, job_of_request, requests_of
from storage.jobs import JobView
from storage.levels import Access
from storage.log import EventLog
from storage.states import Status
from web.access import canonical, load_job
from web.bodies import validated
from web.callers.caller import Caller
from web.callers.end_users import session_of
from web.errors import Invalid, Refusal
from web.protocols.agui.interrupts import PAUSED
from web.services import Services
from web.workflows.resume import check_answer, give_answer, let_go_on
from web.workflows.schemas import DecisionBody
from web.workflows.stop import stop_job

PAGE = 500


@dataclass(frozen=True)
class Resumed:
    """A job that goes on, and behind which event the run begins that goes on with it."""

    job: JobView
    behind: Cursor


@dataclass(frozen=True)
class Reply:
    """The decision on one request; None abandons the whole run."""

    request: RequestView
    decision: Decision | None

    @property
    def is_taken(self) -> bool:
        """Whether it was taken before, by a try whose answer was lost."""
        return not self.request.is_open and self.request.decided == self.decision


def answer_interrupts(
    services: Services, caller: Caller, entries: Sequence[ResumeEntry], flow_id: str, thread_id: str
) -> Resumed:
    """Answers interrupts of one run. All are checked before any is taken; those that are taken are kept, whatever
    becomes of the others, and what is still open ends the next run again. A retry has no further effect (I12).

    Refuses with 404 what is no interrupt of this thread for this caller, with 409 what was answered otherwise, with 422
    what does not fit.
    """
    job = _job(services, caller, entries, flow_id, thread_id)
    asked = {one.id: one for one in requests_of(services.store.database, job.id)}
    replies = [Reply(request, _decision(request, entry)) for request, entry in _answered(entries, asked)]
    if any(one.decision is None for one in replies) or any(_abandons_pause(one) for one in entries):
        return _abandon(services, caller, job, replies)
    for one in replies:
        if one.decision is not None and not one.is_taken:
            check_answer(services, caller, job, one.request.id, one.decision)
    for one in replies:
        if one.decision is not None and not one.is_taken:
            give_answer(services, caller, job, one.request.id, one.decision)
    if job.is_paused and any(_is_pause(one.interrupt_id) for one in entries):
        let_go_on(services, caller, job)
    return Resumed(job, _behind(services.store.log, job, {one.request.id for one in replies}))


def _abandon(services: Services, caller: Caller, job: JobView, replies: Sequence[Reply]) -> Resumed:
    """Stops the run, or tells its end again. Refuses with 409 when it has gone on from another answer."""
    if job.status is not Status.CANCELLED:
        for one in replies:
            if one.decision is None and not one.request.is_open:
                raise _not_open(job, one.request.id)
        stop_job(services, caller, job.id)
    return Resumed(job, Cursor(job.seq - 1 if job.is_over else job.seq))


def _job(services: Services, caller: Caller, entries: Sequence[ResumeEntry], flow_id: str, thread_id: str) -> JobView:
    """The job that all of them interrupt."""
    ids = {one.interrupt_id: _job_id(services, one.interrupt_id) for one in entries}
    if len(ids) < len(entries) or len(set(ids.values())) > 1:
        message = "Each interrupt is answered once, and all of them belong to one run."
        raise Invalid([{"type": "value_error", "loc": ["body", "resume"], "msg": message}])
    [(interrupt_id, job_id), *_] = ids.items()
    try:
        job = load_job(services, caller, job_id, Access.EXECUTE)
    except Refusal as refused:
        if refused.status != 404:
            raise
        raise _not_found(interrupt_id) from None
    if job.flow_id != canonical(flow_id) or job.session_id != session_of(job.end_user, thread_id):
        raise _not_found(interrupt_id)
    return job


def _job_id(services: Services, interrupt_id: str) -> str:
    if _is_pause(interrupt_id):
        return interrupt_id.partition(":")[2]
    return job_of_request(services.store.database, interrupt_id) or ""


def _is_pause(interrupt_id: str) -> bool:
    return interrupt_id.startswith(f"{PAUSED}:")


def _abandons_pause(entry: ResumeEntry) -> bool:
    return _is_pause(entry.interrupt_id) and entry.status == "cancelled"


def _answered(
    entries: Sequence[ResumeEntry], asked: Mapping[str, RequestView]
) -> Iterator[tuple[RequestView, ResumeEntry]]:
    for one in entries:
        if one.interrupt_id in asked:
            yield asked[one.interrupt_id], one
        elif not _is_pause(one.interrupt_id):
            raise _not_found(one.interrupt_id)


def _decision(request: RequestView, entry: ResumeEntry) -> Decision | None:
    """What somebody answers. Whoever abandons a request rejects the calls that it is about, or takes what stands in for
    an answer; where neither is offered, None."""
    if entry.status == "resolved":
        payload = {"action_id": entry.payload} if isinstance(entry.payload, str) else entry.payload or {}
        return validated(payload, DecisionBody, "payload").to_decision()
    allowed = request.payload["allowed_decisions"]
    if request.kind is RequestKind.TOOL_APPROVAL and Ruling.REJECT in allowed:
        return Decision(Ruling.REJECT)
    return Decision(FALLBACK) if FALLBACK in allowed else None


def _behind(log: EventLog, job: JobView, request_ids: set[str]) -> Cursor:
    """The last event before the first of these answers; for a pause that is over, before the pass that goes on from it.
    Price: a reading of the log, as the stream itself."""
    seq, passed = 0, job.seq
    while entries := log.stored(job.id, seq, limit=PAGE):
        for entry in entries:
            seq = entry.cursor.seq
            if entry.type == EventType.HUMAN_INPUT_RESOLVED and _resolves(entry.payload, request_ids):
                return Cursor(seq - 1)
            if entry.type == EventType.VERTICES_SORTED and not job.is_paused:
                passed = seq - 1
    return Cursor(passed)


def _resolves(payload: bytes, request_ids: set[str]) -> bool:
    return orjson.loads(payload)["data"]["request_id"] in request_ids


def _not_open(job: JobView, request_id: str) -> Refusal:
    message = "The request was answered before, and the run goes on from that; to end it, stop the job."
    return Refusal(409, "Not resumable", "NOT_RESUMABLE", message, job_id=job.id, request_id=request_id)


def _not_found(interrupt_id: str) -> Refusal:
    message = f"No interrupt {interrupt_id} of this thread is known."
    return Refusal(404, "Interrupt not found", "INTERRUPT_NOT_FOUND", message, interrupt_id=interrupt_id)
