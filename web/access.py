"""The one way to a flow and to a job: every route comes to them through here, and what is missing and what is not for
the caller look the same (I9)."""

from uuid import UUID

from storage.human_requests import RequestView, requests_of
from storage.jobs import JobView
from storage.levels import Access
from storage.rights import FlowRights, JobRights, flow_rights, job_rights
from web.callers.caller import Caller
from web.errors import Refusal, flow_not_found, job_not_found
from web.services import Services

_FORBIDDEN = {
    Access.EXECUTE: ("FLOW_EXECUTE_FORBIDDEN", "You may see this flow but not run it."),
    Access.WRITE: ("FLOW_WRITE_FORBIDDEN", "You may see this flow but not change it."),
    Access.OWN: ("FLOW_OWNER_REQUIRED", "Only its owner may do that with this flow."),
}


def load_flow(services: Services, caller: Caller, flow_id: str, needed: Access = Access.READ) -> FlowRights:
    """A flow with what the caller may do with it. Refuses with 404 what they may not even see, with 403 what they may
    see but not use as `needed`."""
    found = flow_rights(services.store.database, caller.account, canonical(flow_id))
    if found is None or found.access < Access.READ:
        raise flow_not_found(flow_id)
    _check(found.access, needed, found.flow.id)
    return found


def load_job(services: Services, caller: Caller, job_id: str, needed: Access = Access.READ) -> JobView:
    """A job of the caller's, and of the end user they call for, whose flow they may still use as `needed`. Refuses with
    404 and 403 as `load_flow`."""
    return load_job_rights(services, caller, job_id, needed).job


def load_job_rights(services: Services, caller: Caller, job_id: str, needed: Access = Access.READ) -> JobRights:
    """The same, and what they may do with its flow now."""
    found = job_rights(services.store.database, caller.account, canonical(job_id))
    if found is None or not _is_theirs(caller, found) or found.access < Access.READ:
        raise job_not_found(job_id)
    _check(found.access, needed, found.job.flow_id)
    return found


def check_reader(services: Services, caller: Caller, job_id: str, *, exposes_graph: bool) -> None:
    """Whether somebody may go on reading the events of a job as they began to. Refuses with 404 and 403 as `load_job`,
    with 404 also whoever is shown the state of the graph and may not be by now."""
    found = load_job_rights(services, caller, job_id)
    if exposes_graph and not found.sees_graph:
        raise job_not_found(job_id)


def load_job_to_stop(services: Services, caller: Caller, job_id: str) -> JobView:
    """A job that the caller may stop: one of their own, whatever they may do with its flow by now, or any of a flow
    that they own. Refuses with 404."""
    found = job_rights(services.store.database, caller.account, canonical(job_id))
    governs = found is not None and found.access is Access.OWN and caller.end_user is None
    if found is None or not (_is_theirs(caller, found) or governs):
        raise job_not_found(job_id)
    return found.job


def load_job_to_answer(services: Services, caller: Caller, job_id: str, needed: Access = Access.EXECUTE) -> JobView:
    """A job that is the caller's to run on, or one of somebody else's that asks them something by name (fault B16).
    Refuses as `load_job`."""
    found = job_rights(services.store.database, caller.account, canonical(job_id))
    if found is None or found.is_own or not _is_asked(services, caller, found.job):
        return load_job(services, caller, job_id, needed)
    return found.job


def may_decide(caller: Caller, request: RequestView) -> bool:
    """Whether a caller may decide on a request of a job that was loaded for them: those it names, else the owner of the
    job; a superuser always."""
    if caller.is_superuser:
        return True
    if request.answerers:
        return caller.name in request.answerers
    return request.user_id == caller.user_id


def canonical(id: str) -> str:
    """An id as it is stored; what is no UUID is no id of ours and is looked for in vain."""
    try:
        return str(UUID(id))
    except ValueError:
        return ""


def _check(access: Access, needed: Access, flow_id: str) -> None:
    if access < needed:
        code, message = _FORBIDDEN[needed]
        raise Refusal(403, "Forbidden", code, message, flow_id=flow_id)


def _is_theirs(caller: Caller, found: JobRights) -> bool:
    return found.is_own and found.job.end_user == caller.end_user


def _is_asked(services: Services, caller: Caller, job: JobView) -> bool:
    """Whether a job asks a user by name; not the people for whom a service calls, who all have its name."""
    asked = requests_of(services.store.database, job.id) if caller.end_user is None else ()
    return any(caller.name in found.answerers for found in asked)
