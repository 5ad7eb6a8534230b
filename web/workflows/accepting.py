"""From a checked body to a stored job. Every refusal comes before a row is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import orjson
from starlette.exceptions import HTTPException

from flows.errors import FlowRefused, TweaksRefused
from flows.events import Event, vertices_sorted, warning
from flows.graph import Graph
from flows.limits import check_depth
from flows.partial import select
from flows.secrets import hidden_secrets
from flows.tweaks import apply_tweaks
from storage.errors import IdempotencyConflict, IdempotencyKeyBusy, QueueFull
from storage.flow_store import FlowView, version_of
from storage.levels import Access, Trust
from storage.requests import JobRequest, Overrides
from storage.secrets import Secrets
from storage.states import Mode
from storage.submitting import NewJob, Submitted, submit
from web.access import load_flow
from web.callers.caller import Caller
from web.callers.end_users import is_anonymous, session_of
from web.errors import Refusal, busy
from web.protocols import PROTOCOLS, exposes_graph
from web.services import Services
from web.workflows.attachments import check_files
from web.workflows.schemas import RunBody

MAX_OVERRIDE_DEPTH = 64
WHOLE = {"start_component_id": None, "stop_component_id": None}
"""What a run of the whole graph says of its parts."""
_SYNC_REFUSES = ("data", "files", "start_component_id", "stop_component_id")


@dataclass(frozen=True)
class Asked:
    """A request with its header globals merged in: the body's stand before the headers' (contract 1.1)."""

    body: RunBody
    globals: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Standing:
    """On what footing a flow is run: for whom, in which session, and how far they are trusted with it."""

    flow: FlowView
    user_id: str
    session_id: str
    trust: Trust
    end_user: str | None = None


@dataclass(frozen=True)
class Accepted:
    """The job that answers a request, and whether its client may see the state of the graph."""

    submitted: Submitted
    session_id: str
    end_user: str | None
    exposes_graph: bool


def accept(services: Services, caller: Caller, asked: Asked) -> Accepted:
    """Checks in the contract's order, stores the job and sends its hint after the commit. Raises `Refusal`."""
    check_protocol(asked.body.stream_protocol)
    found = load_flow(services, caller, asked.body.flow_id, Access.EXECUTE)
    end_user = services.end_users.of_run(caller)
    services.end_users.check_names(end_user, asked.body.session_id, asked.body.idempotency_key)
    _check_mode(asked.body)
    standing = Standing(
        flow=found.flow,
        user_id=caller.user_id,
        session_id=session_of(end_user, asked.body.session_id or found.flow.id),
        trust=Trust.FULL if found.access >= Access.WRITE else Trust.CONFINED,
        end_user=end_user,
    )
    return take_on(services, standing, asked if standing.trust is Trust.FULL else _confined(asked))


def take_on(services: Services, standing: Standing, asked: Asked) -> Accepted:
    """Stores the job of a request that may be made, and sends its hint after the commit. Raises `Refusal`."""
    body = asked.body
    _check_overrides(body)
    reader = (standing.user_id, standing.flow.id, standing.trust, standing.end_user)
    check_files(services.store.files, body.files or (), *reader)
    graph = _graph(services, standing.flow, body)
    if standing.trust is Trust.CONFINED and asked.globals and hidden_secrets(graph):
        raise HTTPException(400, "Cannot set globals of a shared flow while using its owner's hidden credentials.")
    events = _first_events(graph, body)
    job = _new_job(services, standing, asked)
    return Accepted(_submit(services, job, events), job.session_id, job.end_user, job.expose_graph_state)


def _confined(asked: Asked) -> Asked:
    """A request of somebody who may run a flow but not change it: the stored graph runs, as it is and all of it, or a
    part could leave out whatever guards the rest (contract 6.5, fault F1)."""
    dropped: dict[str, object] = {"data": None, "tweaks": {}, "expose_graph_state": False, **WHOLE}
    return replace(asked, body=asked.body.model_copy(update=dropped))


def _submit(services: Services, job: NewJob, events: list[Event]) -> Submitted:
    try:
        submitted = submit(services.store.log, job, events, services.limits.queued)
    except (QueueFull, IdempotencyKeyBusy) as full:
        raise busy(str(full)) from None
    except IdempotencyConflict as conflict:
        raise Refusal(409, "Duplicate request", "DUPLICATE_REQUEST", str(conflict), job_id=conflict.job_id) from None
    if submitted.is_new:
        services.hints.send(submitted.job_id, job.mode)
    return submitted


def check_protocol(name: str) -> None:
    """Refuses a protocol that nothing here speaks, with the list of those that are spoken."""
    if name not in PROTOCOLS:
        known = sorted(PROTOCOLS)
        message = f"Unknown stream protocol {name!r}; use one of {', '.join(known)}."
        raise Refusal(422, "Unknown stream protocol", "UNKNOWN_STREAM_PROTOCOL", message, available=known)


def _check_mode(body: RunBody) -> None:
    if body.mode is Mode.SYNC:
        fields = [name for name in _SYNC_REFUSES if getattr(body, name) is not None]
        if fields:
            message = f"Mode sync does not take {', '.join(fields)}; use stream or background."
            raise Refusal(422, "Unsupported fields", "SYNC_MODE_UNSUPPORTED_FIELDS", message, fields=fields)
    elif body.output_ids:
        message = f"Mode {body.mode} does not take output_ids; use sync."
        raise Refusal(422, "Unsupported fields", "MODE_UNSUPPORTED_FIELDS", message, fields=["output_ids"])


def _check_overrides(body: RunBody) -> None:
    try:
        check_depth(body.tweaks, MAX_OVERRIDE_DEPTH)
    except FlowRefused:
        message = f"The tweaks are nested deeper than {MAX_OVERRIDE_DEPTH} levels."
        raise Refusal(422, "Invalid overrides", "INVALID_REQUEST_OVERRIDES", message, field="tweaks") from None


def _graph(services: Services, flow: FlowView, body: RunBody) -> Graph:
    """The graph that will run: the one that came with the request, or the stored one."""
    try:
        if body.data is not None:
            return services.store.graphs.check(body.data)
        return services.store.graphs.get(flow.version_id)
    except FlowRefused as refused:
        raise invalid_flow(str(refused), flow_id=flow.id) from None


def invalid_flow(message: str, **more: str) -> Refusal:
    """A definition that cannot run."""
    return Refusal(400, "Invalid flow data", "INVALID_FLOW_DATA", message, **more)


def _first_events(graph: Graph, body: RunBody) -> list[Event]:
    part, warnings = select(graph, body.start_component_id, body.stop_component_id)
    _check_outputs(part, body)
    try:
        apply_tweaks(part, body.tweaks)
    except TweaksRefused as refused:
        raise Refusal(422, "Tweaks refused", "TWEAKS_REFUSED", str(refused), fields=list(refused.fields)) from None
    return [*(warning(message) for message in warnings), vertices_sorted(part.first_layer, list(part.vertices))]


def _check_outputs(graph: Graph, body: RunBody) -> None:
    unknown = [id for id in body.output_ids or [] if id not in graph.terminals]
    if unknown:
        message = f"Not terminal components of the flow: {', '.join(unknown)}."
        raise Refusal(422, "Unknown output ids", "UNKNOWN_OUTPUT_IDS", message, available=graph.terminals)


def _new_job(services: Services, standing: Standing, asked: Asked) -> NewJob:
    body, job_id, flow = asked.body, str(uuid4()), standing.flow
    version_id, definition = (flow.version_id, None) if body.data is None else version_of(body.data)
    key = body.idempotency_key
    overrides = Overrides(tweaks=body.tweaks, globals=dict(asked.globals))
    limits = services.limits
    return NewJob(
        id=job_id,
        user_id=standing.user_id,
        flow_id=flow.id,
        version_id=version_id,
        definition=definition,
        mode=body.mode,
        session_id=standing.session_id,
        request=_stored_request(standing, body).stored(),
        overrides=overrides.seal(services.store.secrets, job_id),
        trust=standing.trust,
        end_user=standing.end_user,
        expose_graph_state=exposes_graph(body.stream_protocol, body.expose_graph_state),
        stream_protocol=body.stream_protocol,
        idempotency_key=key if key is None or standing.end_user is None else f"{standing.end_user}::{key}",
        fingerprint=_fingerprint(services.store.secrets, asked) if key else None,
        max_tokens=min(filter(None, (body.max_tokens, flow.max_tokens)), default=None),
        seconds_allowed=limits.background_seconds if body.mode is Mode.BACKGROUND else limits.sync_seconds,
    )


def _stored_request(standing: Standing, body: RunBody) -> JobRequest:
    return JobRequest(
        input_value=body.input_value,
        files=tuple(body.files or ()),
        start_component_id=body.start_component_id,
        stop_component_id=body.stop_component_id,
        is_remembered=standing.end_user is None or not is_anonymous(standing.end_user),
    )


def _fingerprint(secrets: Secrets, asked: Asked) -> str:
    """What tells one request from another under the same idempotency key; keyed, for it outlives the globals."""
    fields: dict[str, Any] = asked.body.model_dump(mode="json", exclude={"idempotency_key", "globals"})
    content = orjson.dumps({**fields, "globals": dict(asked.globals)}, option=orjson.OPT_SORT_KEYS)
    return secrets.digest(content.decode())
