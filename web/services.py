"""What the routes work with, put together once per process and kept in the application's state."""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

from starlette.requests import Request

from actors.hints import Hints, wake
from storage.accounts import Account
from storage.answering import Woken
from storage.flow_store import FlowView, find_flow
from storage.human_requests import RequestView, requests_of
from storage.jobs import JobView, find_job
from storage.store import Store
from storage.submitting import QueueBounds
from web.errors import flow_not_found, job_not_found
from web.following import Following
from web.hub import Hub
from web.identity import Identity
from web.seats import Seats


@dataclass(frozen=True)
class WebLimits:
    """What one request may ask for."""

    max_body_bytes: int
    queued: QueueBounds
    alive_seconds: float
    """How lately a worker process must have reported itself to count as alive."""
    sync_seconds: float
    background_seconds: float | None


@dataclass(frozen=True)
class Services:
    """The parts of a web process."""

    store: Store
    hints: Hints
    hub: Hub
    identity: Identity
    limits: WebLimits
    seats: Seats

    @property
    def following(self) -> Following:
        return Following(self.hub, self.store.log)

    def flow_for(self, account: Account, flow_id: str) -> FlowView:
        """The flow, if it is this caller's. The one way to a flow: refuses with the same 404 what is missing and what
        is not theirs (I9)."""
        flow = find_flow(self.store.database, _canonical(flow_id))
        if flow is None or flow.user_id != account.user_id:
            raise flow_not_found(flow_id)
        return flow

    def job_to_answer(self, account: Account, job_id: str) -> JobView:
        """The job, if it is this caller's or asks them something, and its flow may be run by them now (B16): else the
        same 404 as `job_for`."""
        job = find_job(self.store.database, _canonical(job_id))
        if job is None or not (self._runs(account, job) or self._is_asked(account, job)):
            raise job_not_found(job_id)
        return job

    def may_answer(self, account: Account, request: RequestView) -> bool:
        """Whether a caller may decide on a request: those it names, else the owner of its job; a superuser always."""
        if account.is_superuser:
            return True
        if request.answerers:
            return account.name in request.answerers
        return request.user_id == account.user_id

    def wake(self, woken: Woken) -> None:
        """Tells whoever is to go on with a job; to be called after the commit."""
        wake(woken, self.hints, self.store.control)

    def _runs(self, account: Account, job: JobView) -> bool:
        if account.is_superuser:
            return True
        flow = find_flow(self.store.database, job.flow_id)
        return job.user_id == account.user_id and flow is not None and flow.user_id == account.user_id

    def _is_asked(self, account: Account, job: JobView) -> bool:
        return any(account.name in found.answerers for found in requests_of(self.store.database, job.id))

    def job_for(self, account: Account, job_id: str) -> JobView:
        """The job, if it is this caller's. The one way to a job, with the same 404 for missing and foreign (I9)."""
        job = find_job(self.store.database, _canonical(job_id))
        if job is None or job.user_id != account.user_id:
            raise job_not_found(job_id)
        return job


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    return cast("Services", request.app.state.services)


async def admit(request: Request) -> tuple[Services, Account]:
    """The services, and the account of the caller, with whom every route but the health checks begins. Raises
    `Unauthenticated`."""
    services = services_of(request)
    return services, await services.identity.account(request)


def _canonical(id: str) -> str:
    """The id as it is stored; what is no UUID is no id of ours and is looked for in vain."""
    try:
        return str(UUID(id))
    except ValueError:
        return ""
