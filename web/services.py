"""What the routes work with, put together once per process and kept in the application's state."""

from dataclasses import dataclass, replace
from typing import cast

from starlette.requests import Request

from actors.hints import Hints, wake
from storage.answering import Woken
from storage.store import Store
from storage.submitting import QueueBounds
from web.callers.caller import Caller
from web.callers.end_users import EndUsers
from web.callers.identity import Identity
from web.callers.proxies import TrustedProxies, from_trusted_proxy
from web.errors import Refusal
from web.gates.rates import Rates
from web.gates.seats import Seats
from web.openapi.document import Description
from web.streams.following import Following
from web.streams.hub import Hub
from web.streams.rechecking import Rechecks


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
    rechecks: Rechecks
    seats: Seats
    public_seats: Seats
    """Of visitors, who must not take those of users (fault F16)."""
    end_users: EndUsers
    proxies: TrustedProxies
    rates: Rates
    origins: tuple[str, ...]
    """Of the pages elsewhere that may call from a browser; `*` alone for all."""
    description: Description

    @property
    def following(self) -> Following:
        return Following(self.hub, self.store.log)

    def wake(self, woken: Woken) -> None:
        """Tells whoever is to go on with a job; to be called after the commit."""
        wake(woken, self.hints, self.store.control)


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    return cast("Services", request.app.state.services)


async def admit(request: Request) -> tuple[Services, Caller]:
    """The services and who calls, with whom every route but the health checks begins. Raises `Unauthenticated`, and
    refuses with 429 whoever asks too often."""
    services, caller = await recognise(request)
    await services.rates.request(caller.user_id)
    return services, caller


async def recognise(request: Request) -> tuple[Services, Caller]:
    """The same without counting the request: for one that was admitted and still goes on. Raises `Unauthenticated`."""
    services = services_of(request)
    caller = await services.identity.caller(request)
    is_proxied = from_trusted_proxy(request)
    end_user = services.end_users.named_in(request, is_trusted=is_proxied)
    return services, replace(caller, end_user=end_user, is_proxied=is_proxied)


async def admit_account(request: Request) -> tuple[Services, Caller]:
    """As `admit`, for what belongs to a whole account. Refuses with 403 whoever stands behind it with others (contract
    6.4), superusers' services too."""
    services, caller = await admit(request)
    if caller.end_user is not None:
        message = "This belongs to the service that you use, with everybody else who uses it."
        raise Refusal(403, "Forbidden", "NOT_FOR_END_USERS", message)
    return services, caller
