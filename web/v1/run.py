"""POST /api/v1/run/{id_or_endpoint}: a run as the Langflow SDK asks for it, done by the same jobs as every other."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from flows.asking import asking
from flows.errors import FlowRefused
from flows.graph import Graph
from storage.flow_store import flow_of_endpoint
from storage.levels import Access
from storage.rights import FlowRights
from storage.states import Mode
from web.access import load_flow, load_job
from web.bodies import parse_json, read_bytes, validated, validated_query
from web.callers.caller import Caller
from web.errors import Refusal, flow_not_found
from web.json import json_response
from web.services import Services, admit
from web.streams.sse import line_stream
from web.v1.lines import lines
from web.v1.results import Wanted, needs_people, response_of
from web.v1.schemas import V1RunBody, V1RunQuery, V1RunResponse
from web.workflows.accepting import Accepted, Asked, accept, invalid_flow
from web.workflows.header_globals import with_header_globals
from web.workflows.schemas import RunBody
from web.workflows.waiting import followed, run_to_rest

TEXT_INPUT = "TextInput"


async def run_v1(request: Request) -> Response:
    """Runs a flow, by its id or its endpoint name, and answers with its results, or streams them as lines of JSON. A
    flow that asks people is refused with 400: `POST /api/v2/workflows` runs it. A run that fails is answered 500."""
    services, caller = await admit(request)
    query = validated_query(request, V1RunQuery)
    sent = await read_bytes(request, services.limits.max_body_bytes)
    body = validated(parse_json(sent) if sent else {}, V1RunBody, "body")
    mode = Mode.STREAM if query.stream or body.stream else Mode.SYNC
    named = request.path_params["id_or_endpoint"]
    run = await run_in_threadpool(_as_run, services, caller, named, body, mode)
    asked = Asked(run, with_header_globals(request, {}))
    if mode is Mode.STREAM:
        return await _stream(request, services, caller, asked, body)
    accepted = await run_in_threadpool(accept, services, caller, asked)
    job = await run_to_rest(services, replace(caller, end_user=accepted.end_user), accepted.submitted.job_id)
    return json_response(await run_in_threadpool(response_of, services, job, _wanted(body, accepted)))


async def _stream(request: Request, services: Services, caller: Caller, asked: Asked, body: V1RunBody) -> Response:
    with ExitStack() as holding:
        holding.enter_context(services.seats.seat(caller.user_id))
        accepted = await run_in_threadpool(accept, services, caller, asked)
        runner, job_id = replace(caller, end_user=accepted.end_user), accepted.submitted.job_id
        result = partial(_result, services, runner, job_id, _wanted(body, accepted))
        batches = followed(request, services, job_id, accepted.end_user, exposes_graph=accepted.exposes_graph)
        told = lines(batches, exposes_graph=accepted.exposes_graph, result=result)
        return line_stream(told, {"X-Job-Id": job_id}, holding.pop_all())


def _result(services: Services, caller: Caller, job_id: str, wanted: Wanted) -> V1RunResponse:
    return response_of(services, load_job(services, caller, job_id), wanted)


def _wanted(body: V1RunBody, accepted: Accepted) -> Wanted:
    return Wanted(body.input_value or "", body.output_type, body.output_component, accepted.exposes_graph)


def _as_run(services: Services, caller: Caller, named: str, body: V1RunBody, mode: Mode) -> RunBody:
    """The request in the words of `POST /api/v2/workflows`. Refuses what cannot be said in them."""
    found = _find(services, caller, named)
    graph = _graph(services, found)
    if asked_by := asking(graph):
        instead = "Run it with POST /api/v2/workflows and mode background, and answer there"
        message = f"This flow asks people ({', '.join(asked_by)}), which this route cannot tell you. {instead}."
        raise needs_people(message, flow_id=found.flow.id)
    _check_output(graph, found, body.output_component)
    return RunBody(
        flow_id=found.flow.id,
        input_value=(body.input_value or "") if body.input_type != "text" else "",
        tweaks={**_text_inputs(graph, found, body), **(body.tweaks or {})},
        session_id=body.session_id,
        mode=mode,
    )


def _find(services: Services, caller: Caller, named: str) -> FlowRights:
    """A flow that the caller may run, by its id, or one of their own by its endpoint name."""
    try:
        return load_flow(services, caller, str(UUID(named)), Access.EXECUTE)
    except ValueError:
        flow_id = flow_of_endpoint(services.store.database, caller.user_id, named)
    except Refusal as refusal:
        if refusal.status == 404:
            raise flow_not_found(named) from None
        raise
    if flow_id is None:
        raise flow_not_found(named)
    return load_flow(services, caller, flow_id, Access.EXECUTE)


def _graph(services: Services, found: FlowRights) -> Graph:
    try:
        return services.store.graphs.get(found.flow.version_id)
    except FlowRefused as refused:
        raise invalid_flow(str(refused), flow_id=found.flow.id) from None


def _text_inputs(graph: Graph, found: FlowRights, body: V1RunBody) -> Mapping[str, Any]:
    """The tweaks that give the input to components that take a text, when it is meant for them. They change the flow,
    so it is refused to whoever may not."""
    if body.input_type == "chat" or not body.input_value:
        return {}
    ids = [id for id, vertex in graph.vertices.items() if TEXT_INPUT in vertex.component.types]
    if ids and found.access < Access.WRITE:
        message = f"You may run this flow as it is stored, so {', '.join(ids)} cannot be given an input; use type chat."
        raise Refusal(422, "Input not taken", "INPUT_TYPE_REFUSED", message, fields=["input_type"])
    return {id: {"input_value": body.input_value} for id in ids}


def _check_output(graph: Graph, found: FlowRights, wanted: str | None) -> None:
    sees_all = found.access >= Access.WRITE
    known = [id for id, vertex in graph.vertices.items() if sees_all or vertex.component.is_output]
    if wanted and wanted not in known:
        message = f"Not a component of the flow whose result you may see: {wanted}."
        raise Refusal(422, "Unknown output ids", "UNKNOWN_OUTPUT_IDS", message, available=known)
