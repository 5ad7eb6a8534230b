"""The routes under /api/v1/flows: stored flows and exported files."""

from collections.abc import Sequence
from typing import Any, Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.errors import FlowIdTaken, LiveJobs, NameTaken
from storage.flow_store import FlowView, change_flow, create_flows, delete_flow, find_flow, load_versions
from storage.levels import Access
from storage.projects import find_project, stored_project_id
from storage.rights import FlowRights, reachable_flows
from web.access import load_flow
from web.bodies import parse_json, read_model, read_upload, validated, validated_query
from web.callers.caller import Caller
from web.errors import Refusal, flow_not_found, project_not_found
from web.flow_creating import check, name_taken, new_flow, new_flows, refusing, too_many
from web.flow_schemas import AccessType, FlowBody, FlowPatch, FlowPath, FlowsQuery
from web.flow_showing import folder_of, seen, shown, whole
from web.json import json_response
from web.services import Services, admit, admit_account

MOST_AT_ONCE = 100
"""Flows in one upload (I10)."""
NEVER_NULL = ("name", "locked", "mcp_enabled")
"""What a change to null leaves as it is."""


async def flows(request: Request) -> Response:
    """GET /api/v1/flows/: the flows that the caller may see, by name, all or a page of them; of one project with
    `folder_id`, with `header_flows=true` without their data."""
    services, caller = await admit(request)
    query = validated_query(request, FlowsQuery)
    return json_response(await run_in_threadpool(_list, services, caller, query))


async def post_flow(request: Request) -> Response:
    """POST /api/v1/flows/: stores a flow that can run; 201."""
    services, caller = await admit_account(request)
    body = await read_model(request, FlowBody, services.limits.max_body_bytes)
    [created] = await run_in_threadpool(_create, services, caller, [body])
    return json_response(created, 201)


async def get_flow(request: Request) -> Response:
    """GET /api/v1/flows/{flow_id}: a flow."""
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
    """DELETE /api/v1/flows/{flow_id}: deletes a flow; 204; 409 while jobs of it live. Finished jobs stay readable."""
    services, caller = await admit_account(request)
    await run_in_threadpool(_delete, services, caller, request.path_params["flow_id"])
    return Response(status_code=204)


async def upload_flow(request: Request) -> Response:
    """POST /api/v1/flows/upload/: an exported file, as a form's `file` or as the body; 201 with the flows in it."""
    services, caller = await admit_account(request)
    content, _ = await read_upload(request, services.limits.max_body_bytes, "exported flow")
    document = parse_json(content)
    items = document["flows"] if isinstance(document, dict) and isinstance(document.get("flows"), list) else [document]
    if len(items) > MOST_AT_ONCE:
        raise too_many(f"An upload may hold {MOST_AT_ONCE} flows.", MOST_AT_ONCE)
    bodies = [validated(item, FlowBody, "body") for item in items]
    return json_response(await run_in_threadpool(_create, services, caller, bodies), 201)


def _list(services: Services, caller: Caller, query: FlowsQuery) -> list[dict[str, Any]]:
    reachable = [seen(caller, one) for one in reachable_flows(services.store.database, caller.account)]
    found = [one for one in reachable if _is_listed(one.flow, query)][query.part]
    wanted = () if query.header_flows else {one.flow.version_id for one in found}
    definitions = load_versions(services.store.database, wanted)
    return [shown(one, definitions.get(one.flow.version_id)) for one in found]


def _is_listed(flow: FlowView, query: FlowsQuery) -> bool:
    if query.components_only and not flow.is_component:
        return False
    return query.folder_id is None or folder_of(flow) == str(query.folder_id)


def _get(services: Services, caller: Caller, flow_id: str) -> dict[str, Any]:
    return whole(services, seen(caller, load_flow(services, caller, flow_id)))


def _create(services: Services, caller: Caller, bodies: Sequence[FlowBody]) -> list[dict[str, Any]]:
    """Stores all of them or none."""
    flows = new_flows(services, caller, bodies)
    with refusing():
        created = create_flows(services.store.database, flows)
    return [whole(services, FlowRights(flow, Access.OWN)) for flow in created]


def _put(services: Services, caller: Caller, body: FlowBody) -> tuple[dict[str, Any], Literal[200, 201]]:
    """What is put under an id that may not be had is refused as a change of a flow that is not there; one that somebody
    put there at the same moment is changed."""
    flow_id = str(body.id)
    if find_flow(services.store.database, flow_id) is None:
        flow = new_flow(services, caller, body, flow_id, check(services, body.data))
        with refusing():
            try:
                [created] = create_flows(services.store.database, [flow])
            except FlowIdTaken:
                pass
            else:
                return whole(services, FlowRights(created, Access.OWN)), 201
    return _change(services, caller, flow_id, _changes(services, caller, body)), 200


def _changes(services: Services, caller: Caller, body: FlowBody) -> dict[str, Any]:
    """What a whole flow changes of the one that has its id: everything but what it does not say of where it is, who may
    run it and how it is shown; a project that its owner does not have is one of another server."""
    unsaid = {name for name in ("access_type", "locked", "mcp_enabled") if getattr(body, name) is None}
    folder = body.folder_id
    if folder is None or find_project(services.store.database, caller.user_id, str(folder)) is None:
        unsaid.add("folder_id")
    changes = body.model_dump(exclude={"id", "is_component"} | unsaid)
    return {**changes, "tags": changes["tags"] or []}


def _change(services: Services, caller: Caller, flow_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes what is given; only its owner publishes a flow, or puts it into another project."""
    values = {name: value for name, value in changes.items() if value is not None or name not in NEVER_NULL}
    access_type = values.pop("access_type", None)
    found = load_flow(services, caller, flow_id, Access.WRITE if access_type is None else Access.OWN)
    if access_type is not None:
        values["is_public"] = access_type is AccessType.PUBLIC
    data, folder_id = values.pop("data", None), values.pop("folder_id", None)
    if folder_id is not None and str(folder_id) != folder_of(found.flow):
        values["project_id"] = _new_place(services, caller, found.flow, str(folder_id))
    if data is not None:
        values["definition"] = check(services, data)
    if "tags" in values:
        values["tags"] = values["tags"] or []
    try:
        changed = change_flow(services.store.database, found.flow.id, values, caller.actor)
    except NameTaken as taken:
        raise name_taken(taken) from None
    except LookupError:
        raise flow_not_found(flow_id) from None
    return whole(services, FlowRights(changed, found.access))


def _new_place(services: Services, caller: Caller, flow: FlowView, folder_id: str) -> str | None:
    """What a flow stores of the project that it is put into, which must be its owner's."""
    load_flow(services, caller, flow.id, Access.OWN)
    if find_project(services.store.database, flow.user_id, folder_id) is None:
        raise project_not_found(folder_id)
    return stored_project_id(flow.user_id, folder_id)


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
