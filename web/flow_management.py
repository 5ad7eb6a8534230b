"""The routes under /api/v1/flows: stored flows and exported files."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from flows.definition import flow_data
from flows.errors import FlowRefused, UnknownComponents
from flows.secrets import redacted
from storage.errors import FlowIdTaken, LiveJobs, NameTaken, TooMany
from storage.flow_store import (
    MOST,
    NewFlow,
    change_flow,
    create_flows,
    delete_flow,
    find_flow,
    load_version,
    load_versions,
    taken_ids,
)
from storage.levels import Access
from storage.rights import FlowRights, reachable_flows
from web.access import load_flow
from web.bodies import parse_json, read_bytes, read_form, read_model, validated
from web.callers.caller import Caller
from web.errors import Refusal, flow_not_found
from web.flow_schemas import AccessType, FlowBody, FlowPatch, FlowPath
from web.json import json_response
from web.services import Services, admit, admit_account
from web.workflows.accepting import invalid_flow

MOST_AT_ONCE = 100
"""Flows in one upload (I10)."""


async def flows(request: Request) -> Response:
    """GET /api/v1/flows/: the caller's flows by name; with `header_flows=true` without their data."""
    services, caller = await admit(request)
    with_data = request.query_params.get("header_flows", "false").lower() != "true"
    return json_response(await run_in_threadpool(_list, services, caller, with_data))


async def post_flow(request: Request) -> Response:
    """POST /api/v1/flows/: stores a flow that can run; 201."""
    services, caller = await admit_account(request)
    body = await read_model(request, FlowBody, services.limits.max_body_bytes)
    [created] = await run_in_threadpool(_create, services, caller, [body])
    return json_response(created, 201)


async def get_flow(request: Request) -> Response:
    """GET /api/v1/flows/{flow_id}."""
    services, caller = await admit(request)
    return json_response(await run_in_threadpool(_get, services, caller, request.path_params["flow_id"]))


async def patch_flow(request: Request) -> Response:
    """PATCH /api/v1/flows/{flow_id}: changes what is sent; new data makes a new version."""
    services, caller = await admit_account(request)
    patch = await read_model(request, FlowPatch, services.limits.max_body_bytes)
    changes = patch.model_dump(exclude_unset=True)
    return json_response(await run_in_threadpool(_change, services, caller, request.path_params["flow_id"], changes))


async def put_flow(request: Request) -> Response:
    """PUT /api/v1/flows/{flow_id}: the flow is what is sent, created (201) if there was none (200)."""
    services, caller = await admit_account(request)
    body = await read_model(request, FlowBody, services.limits.max_body_bytes)
    body.id = validated({"id": request.path_params["flow_id"]}, FlowPath, "path").id
    content, status = await run_in_threadpool(_put, services, caller, body)
    return json_response(content, status)


async def remove_flow(request: Request) -> Response:
    """DELETE /api/v1/flows/{flow_id}: 204; 409 while jobs of it live. Finished jobs stay readable."""
    services, caller = await admit_account(request)
    await run_in_threadpool(_delete, services, caller, request.path_params["flow_id"])
    return Response(status_code=204)


async def upload_flow(request: Request) -> Response:
    """POST /api/v1/flows/upload/: an exported file, as a form's `file` or as the body; 201 with the flows in it."""
    services, caller = await admit_account(request)
    document = parse_json(await _uploaded(request, services.limits.max_body_bytes))
    items = document["flows"] if isinstance(document, dict) and isinstance(document.get("flows"), list) else [document]
    if len(items) > MOST_AT_ONCE:
        raise _too_many(f"An upload may hold {MOST_AT_ONCE} flows.", MOST_AT_ONCE)
    bodies = [validated(item, FlowBody, "body") for item in items]
    return json_response(await run_in_threadpool(_create, services, caller, bodies), 201)


async def _uploaded(request: Request, limit: int) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await read_bytes(request, limit)
    async with read_form(request, limit) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal(400, "Missing file", "MISSING_PARAMETER", "Send the exported flow as the form field `file`.")
        return await file.read()


def _list(services: Services, caller: Caller, with_data: bool) -> list[dict[str, Any]]:
    found = [_seen(caller, one) for one in reachable_flows(services.store.database, caller.account)]
    wanted = {one.flow.version_id for one in found} if with_data else ()
    definitions = load_versions(services.store.database, wanted)
    return [_shown(one, definitions.get(one.flow.version_id)) for one in found]


def _get(services: Services, caller: Caller, flow_id: str) -> dict[str, Any]:
    return _whole(services, _seen(caller, load_flow(services, caller, flow_id)))


def _create(services: Services, caller: Caller, bodies: Sequence[FlowBody]) -> list[dict[str, Any]]:
    """Stores all of them or none: each under its own id, or a new one when it has none or may not have that."""
    definitions = [_check(services, body.data) for body in bodies]
    wanted = {str(body.id) for body in bodies if body.id is not None}
    taken = taken_ids(services.store.database, wanted, caller.user_id)
    flows: list[NewFlow] = []
    for body, definition in zip(bodies, definitions, strict=True):
        flow_id = str(body.id) if body.id is not None and str(body.id) not in taken else str(uuid4())
        taken.add(flow_id)
        flows.append(_new_flow(caller, body, flow_id, definition))
    try:
        return _store(services, flows)
    except FlowIdTaken as late:
        raise _name_taken(late) from None


def _store(services: Services, flows: Sequence[NewFlow]) -> list[dict[str, Any]]:
    """Raises `FlowIdTaken`; everything else that is in their way is refused."""
    try:
        created = create_flows(services.store.database, flows)
    except FlowIdTaken:
        raise
    except NameTaken as taken:
        raise _name_taken(taken) from None
    except TooMany as many:
        raise _too_many(str(many), MOST) from None
    return [_whole(services, FlowRights(flow, Access.OWN)) for flow in created]


def _new_flow(caller: Caller, body: FlowBody, flow_id: str, definition: dict[str, Any]) -> NewFlow:
    return NewFlow(
        id=flow_id,
        user_id=caller.user_id,
        name=body.name,
        definition=definition,
        description=body.description,
        endpoint_name=body.endpoint_name,
        tags=tuple(body.tags or ()),
        is_component=bool(body.is_component),
        is_public=body.access_type is AccessType.PUBLIC,
        max_tokens=body.max_tokens,
    )


def _put(services: Services, caller: Caller, body: FlowBody) -> tuple[dict[str, Any], Literal[200, 201]]:
    """What is put under an id that may not be had is refused as a change of a flow that is not there; one that somebody
    put there at the same moment is changed."""
    flow_id = str(body.id)
    if find_flow(services.store.database, flow_id) is None:
        try:
            [created] = _store(services, [_new_flow(caller, body, flow_id, _check(services, body.data))])
        except FlowIdTaken:
            pass
        else:
            return created, 201
    changes = body.model_dump(exclude={"id", "is_component"} | (set() if body.access_type else {"access_type"}))
    return _change(services, caller, flow_id, {**changes, "tags": changes["tags"] or []}), 200


def _change(services: Services, caller: Caller, flow_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes what is given; only its owner publishes a flow."""
    values = dict(changes)
    access_type = values.pop("access_type", None)
    found = load_flow(services, caller, flow_id, Access.WRITE if access_type is None else Access.OWN)
    if access_type is not None:
        values["is_public"] = access_type is AccessType.PUBLIC
    if values.get("name", "") is None:
        del values["name"]
    data = values.pop("data", None)
    if data is not None:
        values["definition"] = _check(services, data)
    if "tags" in values:
        values["tags"] = values["tags"] or []
    try:
        changed = change_flow(services.store.database, found.flow.id, values, caller.actor)
    except NameTaken as taken:
        raise _name_taken(taken) from None
    except LookupError:
        raise flow_not_found(flow_id) from None
    return _whole(services, FlowRights(changed, found.access))


def _delete(services: Services, caller: Caller, flow_id: str) -> None:
    flow, files = load_flow(services, caller, flow_id, Access.OWN).flow, services.store.files
    held = files.of_flow(flow.id)
    try:
        was_there = delete_flow(services.store.database, flow.id, caller.actor)
    except LiveJobs as live:
        in_use = {"flow_id": flow.id, "job_ids": live.job_ids}
        raise Refusal(409, "Flow in use", "FLOW_HAS_LIVE_JOBS", str(live), **in_use) from None
    if not was_there:
        raise flow_not_found(flow_id)
    files.clear_deleted(held)


def _check(services: Services, data: dict[str, Any]) -> dict[str, Any]:
    """The definition, if it can run. Refuses with every unknown type named."""
    try:
        definition = flow_data(data)
        services.store.graphs.check(definition)
    except UnknownComponents as unknown:
        raise Refusal(
            400, "Invalid flow data", "INVALID_FLOW_DATA", str(unknown), unknown_types=list(unknown.types)
        ) from None
    except FlowRefused as refused:
        raise invalid_flow(str(refused)) from None
    return definition


def _name_taken(taken: NameTaken) -> Refusal:
    return Refusal(409, "Name taken", "NAME_TAKEN", str(taken), name=taken.name)


def _too_many(message: str, limit: int) -> Refusal:
    return Refusal(422, "Too many flows", "TOO_MANY_FLOWS", message, limit=limit)


def _seen(caller: Caller, found: FlowRights) -> FlowRights:
    """A flow as a caller may know it: whoever a service calls for may run what it owns, and no more (contract 6.4)."""
    return found if caller.end_user is None else FlowRights(found.flow, min(found.access, Access.EXECUTE))


def _whole(services: Services, found: FlowRights) -> dict[str, Any]:
    return _shown(found, load_version(services.store.database, found.flow.version_id))


def _shown(found: FlowRights, definition: Mapping[str, Any] | None) -> dict[str, Any]:
    """A flow as it is answered; the definition without its secrets for whoever may not change it."""
    flow, may_write = found.flow, found.access >= Access.WRITE
    return {
        "id": flow.id,
        "name": flow.name,
        "description": flow.description,
        "endpoint_name": flow.endpoint_name,
        "tags": list(flow.tags),
        "is_component": flow.is_component,
        "access_type": AccessType.PUBLIC if flow.is_public else AccessType.PRIVATE,
        "access": found.access.name.lower(),
        "max_tokens": flow.max_tokens,
        "user_id": flow.user_id,
        # The hash of the whole definition: it would tell a guess at a secret from a miss.
        "version_id": flow.version_id if may_write else None,
        "created_at": flow.created_at,
        "updated_at": flow.updated_at,
        "data": definition if definition is None or may_write else redacted(definition),
    }
