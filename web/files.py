"""The routes of uploaded files: /api/v2/files, and /api/v1/files/upload for those of a flow."""

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO
from uuid import UUID

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from storage.errors import FileTooLarge, FileTypeRefused, TooMany
from storage.files import MEDIA_TYPES, FileView
from storage.flow_store import FlowView
from storage.levels import Access
from storage.rights import flow_rights
from web.access import canonical, load_flow
from web.bodies import read_form, validated_query
from web.callers.caller import Caller
from web.errors import Refusal, flow_not_found
from web.json import json_response
from web.services import Services, admit, admit_account

FRAME_BYTES = 64 * 1024
"""What a form may have around its file."""
UPLOAD_SECONDS = 300.0
"""How long a whole upload may take to come."""


class FilesQuery(BaseModel):
    """`GET /api/v2/files`."""

    flow_id: UUID | None = None


class FileDetail(BaseModel):
    """A file as Langflow shows it; `flow_id` and `created_at` are added."""

    id: str
    name: str
    path: str
    size: int
    provider: None = None
    flow_id: str | None
    created_at: datetime


class FlowFileDetail(BaseModel):
    """A file that was stored for a flow: `file_path` is what a run names it by."""

    flowId: str  # noqa: N815 - Langflow's word
    file_path: str


async def post_file(request: Request) -> Response:
    """POST /api/v2/files: stores the form's `file` for the caller's own runs; 201."""
    services, caller = await admit(request)
    return json_response(_shown(await _take(request, services, partial(_add, services, caller))), 201)


async def post_flow_file(request: Request) -> Response:
    """POST /api/v1/files/upload/{flow_id}: stores the form's `file` for all runs of a flow, the public's among them;
    201."""
    services, caller = await admit_account(request)
    found = await run_in_threadpool(load_flow, services, caller, request.path_params["flow_id"], Access.WRITE)
    file = await _take(request, services, partial(_add_to_flow, services, caller, found.flow))
    return json_response(FlowFileDetail(flowId=found.flow.id, file_path=file.path), 201)


async def files(request: Request) -> Response:
    """GET /api/v2/files: the caller's files, the newest first; with `flow_id` those of a flow, for whoever may change
    it."""
    services, caller = await (admit_account if "flow_id" in request.query_params else admit)(request)
    query = validated_query(request, FilesQuery)
    return json_response(await run_in_threadpool(_list, services, caller, query))


async def get_file(request: Request) -> Response:
    """GET /api/v2/files/{file_id}: the bytes, to be kept and not to be shown."""
    services, caller = await admit(request)
    return await run_in_threadpool(_download, services, caller, request.path_params["file_id"])


async def remove_file(request: Request) -> Response:
    """DELETE /api/v2/files/{file_id}: deletes a file; 204."""
    services, caller = await admit(request)
    await run_in_threadpool(_delete, services, caller, request.path_params["file_id"])
    return Response(status_code=204)


async def _take(request: Request, services: Services, store: Callable[[str, BinaryIO], FileView]) -> FileView:
    """Stores what a form brings; whatever its size, little of it is in memory at a time. Refuses with 400, 413, 415 and
    422."""
    bounds = services.store.files.bounds
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _missing()
    async with read_form(request, bounds.max_bytes + FRAME_BYTES, UPLOAD_SECONDS) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise _missing()
        try:
            return await run_in_threadpool(store, sent.filename or "", sent.file)
        except FileTooLarge as large:
            raise Refusal(413, "Payload too large", "PAYLOAD_TOO_LARGE", str(large), limit=large.limit) from None
        except FileTypeRefused as refused:
            code = "UNSUPPORTED_FILE_TYPE"
            raise Refusal(415, "Unsupported file type", code, str(refused), available=sorted(MEDIA_TYPES)) from None
        except TooMany as many:
            raise Refusal(422, "Too many files", "TOO_MANY_FILES", str(many), limit=bounds.max_files) from None


def _add(services: Services, caller: Caller, name: str, content: BinaryIO) -> FileView:
    return services.store.files.add(caller.user_id, name, content, caller.end_user, by=caller.actor)


def _add_to_flow(services: Services, caller: Caller, flow: FlowView, name: str, content: BinaryIO) -> FileView:
    try:
        return services.store.files.add_to_flow(flow, name, content, by=caller.actor)
    except LookupError:
        raise flow_not_found(flow.id) from None


def _list(services: Services, caller: Caller, query: FilesQuery) -> list[dict[str, Any]]:
    stored = services.store.files
    if query.flow_id is None:
        found = stored.of_user(caller.user_id, caller.end_user)
    else:
        found = stored.of_flow(load_flow(services, caller, str(query.flow_id), Access.WRITE).flow.id)
    return [_shown(file) for file in found]


def _load(services: Services, caller: Caller, file_id: str) -> FileView:
    """A file of the caller's, and of the person they call for; one of a flow is everybody's who may change that.
    Refuses with 404."""
    file = services.store.files.find(canonical(file_id))
    if file is None or not _is_theirs(services, caller, file):
        raise _file_not_found(file_id)
    return file


def _is_theirs(services: Services, caller: Caller, file: FileView) -> bool:
    if file.flow_id is None:
        return (file.user_id, file.end_user) == (caller.user_id, caller.end_user)
    found = flow_rights(services.store.database, caller.account, file.flow_id)
    return caller.end_user is None and found is not None and found.access >= Access.WRITE


def _delete(services: Services, caller: Caller, file_id: str) -> None:
    if not services.store.files.delete(_load(services, caller, file_id), caller.actor):
        raise _file_not_found(file_id)


def _download(services: Services, caller: Caller, file_id: str) -> Response:
    file = _load(services, caller, file_id)
    place = services.store.files.place_of(file)
    try:
        found = os.stat(place)
    except FileNotFoundError:
        raise _file_not_found(file_id) from None
    headers = {"X-Content-Type-Options": "nosniff"}
    return FileResponse(place, headers=headers, media_type=file.media_type, filename=file.name, stat_result=found)


def _missing() -> Refusal:
    return Refusal(400, "Missing file", "MISSING_PARAMETER", "Send the file as the form field `file`.")


def _file_not_found(file_id: str) -> Refusal:
    """Missing, or not this caller's: the answer is the same (I9)."""
    return Refusal(404, "File not found", "FILE_NOT_FOUND", f"File {file_id} not found.", file_id=file_id)


def _shown(file: FileView) -> dict[str, Any]:
    return FileDetail.model_validate(file, from_attributes=True).model_dump()
