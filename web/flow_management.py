"""The routes under /api/v1/flows: stored flows and exported files."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from flows.definition import flow_data
from flows.errors import FlowRefused, UnknownComponents
from flows.secrets import redacted
from storage.errors import LiveJobs, NameTaken
from storage.flow_store import (
    NewFlow,
    change_flow,
    create_flows,
    delete_flow,
    find_flow,
    load_version,
)
from storage.levels import Access
from storage.rights import FlowRights, reachable_flows
from web.access import load_flow
from web.bodies import parse_json, read_bytes, read_form, read_model, validated
from web.callers.caller import Caller
from web.errors import Refusal
from web.json import json_response
from web.services import Services, admit
from web.workflows.accepting import invalid_flow
from web.workflows.schemas import CleanText, Name

EndpointName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class AccessType(StrEnum):
    """Whether anybody may run a flow (contract 6.2)."""

    PRIVATE = "PRIVATE"
    PUBLIC = "PUBLIC"


class FlowBody(BaseModel):
    """A flow as it is sent, the exported file being one; what else the export holds is ignored."""

    model_config = ConfigDict(extra="ignore")

    id: UUID | None = None
    name: Annotated[Name, Field(min_length=1)]
    description: CleanText | None = None
    data: dict[str, Any]
    endpoint_name: EndpointName | None = None
    tags: list[CleanText] | None = None
    is_component: bool | None = None
    access_type: AccessType | None = None


class FlowPatch(BaseModel):
    """The fields of a flow that change; absent ones stay."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[Name, Field(min_length=1)] | None = None
    description: CleanText | None = None
    data: dict[str, Any] | None = None
    endpoint_name: EndpointName | None = None
    tags: list[CleanText] | None = None
    access_type: AccessType | None = None


async def flows(request: Request) -> Response:
    """GET /api/v1/flows/: the caller's flows by name; with `header_flows=true` without their data."""
    services, caller = await admit(request)
    with_data = request.query_params.get("header_flows", "false").lower() != "true"
    return json_response(await run_in_threadpool(_list, services, caller, with_data))


async def post_flow(request: Request) -> Response:
    """POST /api/v1/flows/: stores a flow that can run; 201."""
    services, caller = await admit(request)
    body = await read_model(request, FlowBody, services.limits.max_body_bytes)
    return json_response(await run_in_threadpool(_create, services, caller, body), 201)


async def get_flow(request: Request) -> Response:
    """GET /api/v1/flows/{flow_id}."""
    services, caller = await admit(request)
    return json_response(await run_in_threadpool(_get, services, caller, request.path_params["flow_id"]))


async def patch_flow(request: Request) -> Response:
    """PATCH /api/v1/flows/{flow_id}: changes what is sent; new data makes a new version."""
    services, caller = await admit(request)
    patch = await read_model(request, FlowPatch, services.limits.max_body_bytes)
    changes = patch.model_dump(exclude_unset=True)
    return json_response(await run_in_threadpool(_change, services, caller, request.path_params["flow_id"], changes))


async def put_flow(request: Request) -> Response:
    """PUT /api/v1/flows/{flow_id}: the flow is what is sent, created (201) if there was none (200)."""
    services, caller = await admit(request)
    body = await read_model(request, FlowBody, services.limits.max_body_bytes)
    flow_id = validated({"id": request.path_params["flow_id"], "name": "-", "data": {}}, FlowBody, "path").id
    body.id = flow_id
    content, status = await run_in_threadpool(_put, services, caller, body)
    return json_response(content, status)


async def remove_flow(request: Request) -> Response:
    """DELETE /api/v1/flows/{flow_id}: 204; 409 while jobs of it live. Finished jobs stay readable."""
    services, caller = await admit(request)
    await run_in_threadpool(_delete, services, caller, request.path_params["flow_id"])
    return Response(status_code=204)


async def upload_flow(request: Request) -> Response:
    """POST /api/v1/flows/upload/: an exported file, as a form's `file` or as the body; 201 with the flows in it."""
    services, caller = await admit(request)
    document = parse_json(await _uploaded(request, services.limits.max_body_bytes))
    items = document["flows"] if isinstance(document, dict) and isinstance(document.get("flows"), list) else [document]
    bodies = [validated(item, FlowBody, "body") for item in items]
    return json_response(await run_in_threadpool(_create_all, services, caller, bodies), 201)


async def _uploaded(request: Request, limit: int) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await read_bytes(request, limit)
    async with read_form(request, limit) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal(400, "Missing file", "MISSING_PARAMETER", "Send the exported flow as the form field `file`.")
        return await file.read()


def _list(services: Services, caller: Caller, with_data: bool) -> list[dict[str, Any]]:
    found = reachable_flows(services.store.database, caller.account)
    return [_shown(services, one, with_data=with_data) for one in found]


def _get(services: Services, caller: Caller, flow_id: str) -> dict[str, Any]:
    return _shown(services, load_flow(services, caller, flow_id))


def _create(services: Services, caller: Caller, body: FlowBody) -> dict[str, Any]:
    [created] = _create_all(services, caller, [body])
    return created


def _create_all(services: Services, caller: Caller, bodies: list[FlowBody]) -> list[dict[str, Any]]:
    """Stores all of them or none."""
    flows = [_new_flow(services, caller, body) for body in bodies]
    try:
        created = create_flows(services.store.database, flows)
    except NameTaken as taken:
        raise _name_taken(taken) from None
    return [_shown(services, FlowRights(flow, Access.OWN)) for flow in created]


def _new_flow(services: Services, caller: Caller, body: FlowBody) -> NewFlow:
    """A flow under its own id, or a new one when it has none or somebody has it already."""
    definition = _check(services, body.data)
    taken = body.id is not None and find_flow(services.store.database, str(body.id)) is not None
    return NewFlow(
        id=str(body.id) if body.id and not taken else str(uuid4()),
        user_id=caller.user_id,
        name=body.name,
        definition=definition,
        description=body.description,
        endpoint_name=body.endpoint_name,
        tags=tuple(body.tags or ()),
        is_component=bool(body.is_component),
        is_public=body.access_type is AccessType.PUBLIC,
    )


def _put(services: Services, caller: Caller, body: FlowBody) -> tuple[dict[str, Any], Literal[200, 201]]:
    existing = find_flow(services.store.database, str(body.id))
    if existing is None:
        return _create(services, caller, body), 201
    changes = body.model_dump(exclude={"id", "is_component"} | (set() if body.access_type else {"access_type"}))
    return _change(services, caller, str(body.id), {**changes, "tags": changes["tags"] or []}), 200


def _change(services: Services, caller: Caller, flow_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    found = load_flow(services, caller, flow_id, Access.WRITE)
    values = dict(changes)
    if access_type := values.pop("access_type", None):
        found = load_flow(services, caller, flow_id, Access.OWN)
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
    return _shown(services, FlowRights(changed, found.access))


def _delete(services: Services, caller: Caller, flow_id: str) -> None:
    flow = load_flow(services, caller, flow_id, Access.OWN).flow
    try:
        delete_flow(services.store.database, flow.id, caller.actor)
    except LiveJobs as live:
        raise Refusal(409, "Flow in use", "FLOW_HAS_LIVE_JOBS", str(live), flow_id=flow.id) from None


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


def _shown(services: Services, found: FlowRights, *, with_data: bool = True) -> dict[str, Any]:
    flow = found.flow
    return {
        "id": flow.id,
        "name": flow.name,
        "description": flow.description,
        "endpoint_name": flow.endpoint_name,
        "tags": list(flow.tags),
        "is_component": flow.is_component,
        "access_type": AccessType.PUBLIC if flow.is_public else AccessType.PRIVATE,
        "access": found.access.name.lower(),
        "user_id": flow.user_id,
        "version_id": flow.version_id,
        "created_at": flow.created_at,
        "updated_at": flow.updated_at,
        "data": _definition(services, found) if with_data else None,
    }


def _definition(services: Services, found: FlowRights) -> dict[str, Any]:
    """The definition; without its secrets for whoever may not change it."""
    definition = load_version(services.store.database, found.flow.version_id)
    return definition if found.access >= Access.WRITE else redacted(definition)
