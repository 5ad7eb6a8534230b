"""Invariants of decisions: that one counts for each human request, and that it is carried out (I5)."""

from collections.abc import Iterator, Mapping
from typing import Any

from flows.execution.recovery import DONE, FAIL
from flows.human import RequestKind
from storage.states import RequestState, Status
from tests.chaos.contents import RequestRow
from tests.chaos.evidence import Evidence
from tests.chaos.flows import BRANCHES, step_behind
from tests.chaos.history import Call
from tests.chaos.invariants.violation import Violation

CONFLICT = 409


def one_is_accepted(evidence: Evidence) -> Iterator[Violation]:
    """I5: at most one decision on a request is accepted, however many clients were told so; it is the stored one."""
    stored = {request.id: request for request in evidence.contents.requests}
    for request_id, calls in evidence.decisions.items():
        for call in calls:
            request = stored.get(request_id)
            if call.is_accepted and (request is None or request.decided != call.body["decision"]):
                what = f"accepted {call.body['decision']} and has {request.decided if request else 'no such request'}"
                yield Violation("I5", request_id, what)


def losers_hear_of_the_winner(evidence: Evidence) -> Iterator[Violation]:
    """I5: who comes too late is told what was decided, by whom; or that the job had ended before."""
    for request in evidence.contents.requests:
        for call in evidence.decisions.get(request.id, ()):
            if call.status == CONFLICT and not _is_told(call, request):
                yield Violation("I5", request.id, f"is {request.state} {request.decided} and refused {call.body}")


def all_are_told_once(evidence: Evidence) -> Iterator[Violation]:
    """I5: the log tells once of every request that somebody is asked, and once of every decision, as it was."""
    required = _told(evidence, "human_input_required")
    resolved = _told(evidence, "human_input_resolved")
    for request in evidence.contents.requests:
        asked, decided = required.pop(request.id, []), resolved.pop(request.id, [])
        wanted = [(request.decided, request.decided_by)] if request.decision else []
        if len(asked) != 1 or [(data["decision"], data["by"]) for data in decided] != wanted:
            yield Violation("I5", request.id, f"asked {len(asked)} times, told {decided} of {wanted}")
    for request_id in required | resolved:
        yield Violation("I5", request_id, "is in the log and not there")


def all_are_applied(evidence: Evidence) -> Iterator[Violation]:
    """I5: only the branch that was decided on is taken; a completed job has done its step, and all that was said."""
    for request in evidence.contents.requests:
        is_completed = request.job_id in evidence.jobs and evidence.jobs[request.job_id].status == Status.COMPLETED
        if is_completed and (not request.is_applied or request.action in (None, FAIL)):
            yield Violation("I5", request.id, f"is completed without {request.decided}")
        if request.kind == RequestKind.NODE_INPUT:
            yield from _wrong_steps(evidence, request, is_completed)


def decided_jobs_go_on(evidence: Evidence) -> Iterator[Violation]:
    """I5: no job stays suspended when nobody is left to decide."""
    for job in evidence.contents.jobs:
        asked = evidence.requests_of.get(job.id, ())
        if job.status == Status.SUSPENDED and not any(request.state == RequestState.OPEN for request in asked):
            yield Violation("I5", job.id, "is suspended and asks nobody")


def _is_told(call: Call, request: RequestRow) -> bool:
    """Whether a refusal says why; nobody is refused what was decided."""
    winner = call.answer["detail"].get("answered")
    if winner is None:
        return request.state == RequestState.WITHDRAWN
    if call.body["decision"] == request.decided:
        return False
    return (winner["decision"], winner["by"]) == (request.decided, request.decided_by)


def _told(evidence: Evidence, type: str) -> dict[str, list[Mapping[str, Any]]]:
    """What the log tells of each request in events of a type."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for event in evidence.contents.events:
        if event.type == type:
            found.setdefault(event.data["request_id"], []).append(event.data)
    return found


def _wrong_steps(evidence: Evidence, request: RequestRow, is_completed: bool) -> Iterator[Violation]:
    """The steps behind a request that began though nobody wanted them, or that were not done once though somebody
    did. How often an interrupted step may begin is for I6."""
    for action in BRANCHES:
        step = step_behind(request.vertex_id, action)
        visits = {line.visit for line in evidence.begins_of.get(request.job_id, ()) if line.vertex_id == step}
        done = len(visits), evidence.ends.get((request.job_id, step), 0)
        if action != request.action:
            wanted = {(0, 0)}
        elif DONE in evidence.told_of_effect(request.job_id, step):
            # It may have been cut off before its first moment.
            wanted = {(0, 1), (1, 1)}
        else:
            wanted = {(1, 1)}
        if done not in wanted and (is_completed or action != request.action):
            yield Violation("I5", request.id, f"{request.decided} was decided, and {step} began and ended {done} times")
