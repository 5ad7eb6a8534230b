"""POST /api/v2/workflows/public: anybody runs a flow that its owner has published, as it is (contract 6.1 to 6.3)."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated, Literal
from uuid import NAMESPACE_DNS, UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from flows.events import EventType
from storage.cursor import START, Cursor
from storage.flow_store import FlowView
from storage.levels import Access, Trust
from storage.rights import public_rights
from storage.states import Mode
from storage.stream import Entry
from web.bodies import read_model
from web.callers.proxies import client_address, customer_of
from web.errors import Refusal
from web.protocols import PROTOCOLS
from web.protocols.place import BEGINNING
from web.protocols.projection import Projection, View
from web.services import Services, services_of
from web.streams.sse import event_stream
from web.texts import CleanText, Name
from web.workflows.accepting import Accepted, Asked, Standing, check_protocol, take_on
from web.workflows.schemas import Files, RunBody

CLIENT_COOKIE = "client_id"
MAX_INPUT = 65_536
MAX_SESSION = 256
MAX_BODY_BYTES = 8 * MAX_INPUT
"""Room for the longest input with every character escaped, and for the rest; less than whoever is known may send."""
_NOT_FOR_THE_PUBLIC = frozenset(
    {
        EventType.WARNING,
        EventType.HUMAN_INPUT_REQUIRED,
        EventType.HUMAN_INPUT_REMINDER,
        EventType.HUMAN_INPUT_RESOLVED,
        EventType.HUMAN_INPUT_EXPIRED,
    }
)
"""What is between the flow and its owner."""


class PublicRunBody(BaseModel):
    """What anybody may ask for. Unknown fields, and those that would change what runs, are refused; a part of the graph
    may be named, as the contract has it, and all of it runs."""

    model_config = ConfigDict(extra="forbid")

    flow_id: UUID
    input_value: Annotated[CleanText, Field(max_length=MAX_INPUT)] = ""
    session_id: Annotated[CleanText, Field(max_length=MAX_SESSION)] | None = None
    mode: Literal["stream"] = "stream"
    stream_protocol: str = "langflow"
    files: Files | None = None
    start_component_id: Name | None = None
    stop_component_id: Name | None = None


class PublicProjection:
    """What a visitor sees of a run."""

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    @property
    def starts_at(self) -> Cursor:
        return self._projection.starts_at

    def tells_pauses(self) -> bool:
        return False

    def wire(self, entries: Sequence[Entry]) -> bytes:
        return self._projection.wire([entry for entry in entries if entry.type not in _NOT_FOR_THE_PUBLIC])

    def at_rest(self, is_paused: bool) -> bytes:
        return b""


async def run_public_workflow(request: Request) -> Response:
    """Runs a published flow for a visitor and streams what it tells. The stream waits while the owner is asked
    something, for a visitor has no other way back to the run."""
    services = services_of(request)
    body = await read_model(request, PublicRunBody, min(MAX_BODY_BYTES, services.limits.max_body_bytes))
    await run_in_threadpool(services.rates.public_run, client_address(request))
    _check_files(body)
    visitor = await _visitor(services, request)
    with ExitStack() as holding:
        holding.enter_context(services.public_seats.seat(customer_of(client_address(request))))
        accepted = await run_in_threadpool(_accept, services, visitor, body)
        job_id = accepted.submitted.job_id
        view = View(exposes_graph=False, job_id=job_id, thread_id=accepted.session_id, run_id=job_id, is_public=True)
        projection = PublicProjection(PROTOCOLS[body.stream_protocol](view, BEGINNING))
        batches = services.following.read(job_id, START, across_pauses=True)
        return event_stream(batches, projection, {}, holding.pop_all())


def _accept(services: Services, visitor: str, body: PublicRunBody) -> Accepted:
    flow = _published(services, str(body.flow_id))
    check_protocol(body.stream_protocol)
    standing = Standing(flow, flow.user_id, _session(visitor, flow.id, body.session_id), Trust.PUBLIC)
    try:
        return take_on(services, standing, Asked(_as_run(body), {}))
    except Refusal as refusal:
        if refusal.detail["code"] == "INVALID_FLOW_DATA":
            raise HTTPException(400, "This flow cannot be executed.") from None
        raise


def _published(services: Services, flow_id: str) -> FlowView:
    """The version that runs is the one that was published: both are read in one statement."""
    found = public_rights(services.store.database, flow_id)
    if found is None or found.access < Access.EXECUTE:
        raise HTTPException(404, "Flow not found")
    return found.flow


def _as_run(body: PublicRunBody) -> RunBody:
    """The run of the whole graph: a part could leave out whatever guards the rest (fault F1)."""
    return RunBody(
        flow_id=str(body.flow_id),
        input_value=body.input_value,
        mode=Mode.STREAM,
        stream_protocol=body.stream_protocol,
        expose_graph_state=False,
        files=body.files,
    )


async def _visitor(services: Services, request: Request) -> str:
    """Who visits: a user who is signed in, else whoever has the cookie."""
    account = await services.identity.visitor(request)
    if account is not None:
        return f"user:{account.user_id}"
    cookie = request.cookies.get(CLIENT_COOKIE)
    if not cookie:
        raise HTTPException(400, "No client_id cookie found")
    return f"client:{cookie}"


def _session(visitor: str, flow_id: str, session_id: str | None) -> str:
    """A session that no other visitor, and no other flow, can name."""
    virtual = str(uuid5(NAMESPACE_DNS, f"{visitor}_{flow_id}"))
    prefix = f"{virtual}:"
    asked = session_id or virtual
    return asked if asked.startswith(prefix) else prefix + asked


def _check_files(body: PublicRunBody) -> None:
    """Refuses files but those that lie in the flow's own folder."""
    for path in body.files or ():
        if ".." in path or "\\" in path or path.startswith("/"):
            raise HTTPException(400, "Invalid file path")
        folder, slash, name = path.partition("/")
        if not slash or not folder or not name or "/" in name:
            raise HTTPException(400, "Invalid file path format")
        if folder != str(body.flow_id):
            raise HTTPException(400, "File not in this flow's namespace")
