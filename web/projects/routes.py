"""The routes under /api/v1/projects. A project is its owner's alone, whoever shares the flows in it."""

from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from flows.secrets import redacted
from storage.errors import LiveJobs, TooMany
from storage.flow_store import FlowView, load_version, load_versions
from storage.levels import Access
from storage.projects import (
    MOST,
    ProjectView,
    change_project,
    create_project,
    delete_project,
    find_project,
    flows_in,
    list_projects,
)
from storage.rights import FlowRights
from web.access import canonical, load_flow
from web.bodies import parse_json, read_model, read_upload, validated
from web.callers.caller import Caller
from web.errors import Refusal, flow_not_found, project_not_found
from web.flow_creating import new_flows, refusing
from web.flow_showing import shown, whole
from web.json import json_response
from web.projects.archives import is_archive, pack, unpack
from web.projects.schemas import ProjectBody, ProjectDetail, ProjectFile, ProjectPatch
from web.services import Services, admit_account

_EXPORTED = ("id", "name", "description", "endpoint_name", "tags", "is_component", "icon", "icon_bg_color", "locked")


async def projects(request: Request) -> Response:
    """GET /api/v1/projects/: the caller's projects by name, the default one first, which everybody has."""
    services, caller = await admit_account(request)
    found = await run_in_threadpool(list_projects, services.store.database, caller.user_id)
    return json_response([_detail(project).model_dump() for project in found])


async def post_project(request: Request) -> Response:
    """POST /api/v1/projects/: a new project, into which the named flows of the caller's are moved; 201. There may be
    another of its name."""
    services, caller = await admit_account(request)
    body = await read_model(request, ProjectBody, services.limits.max_body_bytes)
    return json_response(await run_in_threadpool(_create, services, caller, body), 201)


async def get_project(request: Request) -> Response:
    """GET /api/v1/projects/{project_id}: a project with the flows in it."""
    services, caller = await admit_account(request)
    return json_response(await run_in_threadpool(_get, services, caller, request.path_params["project_id"]))


async def patch_project(request: Request) -> Response:
    """PATCH /api/v1/projects/{project_id}: changes its name or its description; the flows in it stay."""
    services, caller = await admit_account(request)
    patch = await read_model(request, ProjectPatch, services.limits.max_body_bytes)
    return json_response(await run_in_threadpool(_change, services, caller, request.path_params["project_id"], patch))


async def remove_project(request: Request) -> Response:
    """DELETE /api/v1/projects/{project_id}: 204. The flows in it are deleted too, as in Langflow; 409, and nothing is
    deleted, while jobs of them live. The default project is emptied so, and is there again when it is asked for."""
    services, caller = await admit_account(request)
    await run_in_threadpool(_delete, services, caller, request.path_params["project_id"])
    return Response(status_code=204)


async def download_project(request: Request) -> Response:
    """GET /api/v1/projects/download/{project_id}: the flows in it as a zip archive, without their secrets."""
    services, caller = await admit_account(request)
    project_id = request.path_params["project_id"]
    project, content = await run_in_threadpool(_download, services, caller, project_id)
    named = f"attachment; filename*=UTF-8''{quote(f'{project.name}.zip', safe='')}"
    return Response(content, media_type="application/zip", headers={"Content-Disposition": named})


async def upload_project(request: Request) -> Response:
    """POST /api/v1/projects/upload/: a new project from a zip archive of flows, or from Langflow's export of a folder;
    as a form's `file`, after which it is named, or as the body; 201 with the flows in it. All are stored, or none."""
    services, caller = await admit_account(request)
    content, file = await read_upload(request, services.limits.max_body_bytes, "project")
    name = PurePath(file or "").stem or None
    return json_response(await run_in_threadpool(_upload, services, caller, content, name), 201)


def _create(services: Services, caller: Caller, body: ProjectBody) -> dict[str, Any]:
    flow_ids = {str(id): None for id in [*(body.flows_list or ()), *(body.components_list or ())]}
    for flow_id in flow_ids:
        load_flow(services, caller, flow_id, Access.OWN)
    try:
        project, _ = create_project(
            services.store.database, caller.user_id, body.name, body.description, flow_ids=list(flow_ids)
        )
    except TooMany as many:
        raise _too_many(many) from None
    except LookupError as missing:
        raise flow_not_found(str(missing.args[0])) from None
    return _detail(project).model_dump()


def _load(services: Services, caller: Caller, project_id: str) -> ProjectView:
    found = find_project(services.store.database, caller.user_id, canonical(project_id))
    if found is None:
        raise project_not_found(project_id)
    return found


def _get(services: Services, caller: Caller, project_id: str) -> dict[str, Any]:
    project, database = _load(services, caller, project_id), services.store.database
    flows = flows_in(database, project)
    definitions = load_versions(database, {flow.version_id for flow in flows})
    inside = [shown(FlowRights(flow, Access.OWN), definitions.get(flow.version_id)) for flow in flows]
    # Not validated again: they were made by the same model.
    return {**_detail(project).model_dump(), "flows": inside}


def _change(services: Services, caller: Caller, project_id: str, patch: ProjectPatch) -> dict[str, Any]:
    changes = patch.model_dump(exclude_unset=True)
    if changes.get("name", "") is None:
        del changes["name"]
    changed = change_project(services.store.database, caller.user_id, canonical(project_id), changes)
    if changed is None:
        raise project_not_found(project_id)
    return _detail(changed).model_dump()


def _delete(services: Services, caller: Caller, project_id: str) -> None:
    project, files = _load(services, caller, project_id), services.store.files
    held = [file for flow in flows_in(services.store.database, project) for file in files.of_flow(flow.id)]
    try:
        was_there = delete_project(services.store.database, project, caller.actor)
    except LiveJobs as live:
        message = "Jobs of flows in this project are still queued, running or suspended. Stop them first."
        in_use = {"project_id": project.id, "job_ids": live.job_ids}
        raise Refusal(409, "Project in use", "PROJECT_HAS_LIVE_JOBS", message, **in_use) from None
    if not was_there:
        raise project_not_found(project_id)
    files.clear_deleted(held)


def _download(services: Services, caller: Caller, project_id: str) -> tuple[ProjectView, bytes]:
    project = _load(services, caller, project_id)
    return project, pack(_exported(services, flow) for flow in flows_in(services.store.database, project))


def _exported(services: Services, flow: FlowView) -> dict[str, Any]:
    """A flow as Langflow exports it: for whoever gets the file, so without secrets, and without what is of here."""
    fields = {name: getattr(flow, name) for name in _EXPORTED}
    return {**fields, "data": redacted(load_version(services.store.database, flow.version_id))}


def _upload(services: Services, caller: Caller, content: bytes, name: str | None) -> list[dict[str, Any]]:
    file = _read(content, name, services.limits.max_body_bytes)
    if not file.flows:
        message = "There are no flows in the file. Send a zip archive of exported flows, or an export of a folder."
        raise Refusal(400, "No flows", "NO_FLOWS", message)
    flows = new_flows(services, caller, file.flows)
    with refusing():
        try:
            _, created = create_project(
                services.store.database, caller.user_id, file.folder_name, file.folder_description, flows=flows
            )
        except TooMany as many:
            raise _too_many(many) from None
    return [whole(services, FlowRights(flow, Access.OWN)) for flow in created]


def _read(content: bytes, name: str | None, limit: int) -> ProjectFile:
    named = {"folder_name": name} if name else {}
    if is_archive(content):
        return validated({**named, "flows": unpack(content, limit)}, ProjectFile, "body")
    document = parse_json(content)
    return validated({**named, **document} if isinstance(document, dict) else document, ProjectFile, "body")


def _too_many(many: TooMany) -> Refusal:
    return Refusal(422, "Too many projects", "TOO_MANY_PROJECTS", str(many), limit=MOST)


def _detail(project: ProjectView) -> ProjectDetail:
    return ProjectDetail(
        id=project.id,
        name=project.name,
        description=project.description,
        is_default=project.is_default,
        created_at=project.created_at,
        updated_at=project.updated_at,
    )
