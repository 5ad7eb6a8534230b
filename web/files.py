"""The routes of uploaded files: /api/v2/files, and /api/v1/files/upload for those of a flow."""

import os
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from storage.errors import FileTooLarge, FileTypeRefused, TooMany
from storage.files import MEDIA_TYPES, FileView
from storage.levels import Access
from web.access import canonical, load_flow
from web.bodies import read_form
from web.callers.caller import Caller
from web.errors import Refusal
from web.json import json_response
from web.services import Services, admit

FRAME_BYTES = 64 * 1024
"""What a form may have around its file."""
UPLOAD_SECONDS = 300.0
"""How long a whole upload may take to come."""


async def post_file(request: Request) -> Response:
    """POST /api/v2/files: stores the form's `file` for the caller's own runs; 201."""
    services, caller = await admit(request)
    return json_response(_shown(await _take(request, services, caller, None)), 201)


async def post_flow_file(request: Request) -> Response:
    """POST /api/v1/files/upload/{flow_id}: stores the form's `file` for all runs of a flow, the public's among them;
    201."""
    services, caller = await admit(request)
    found = await run_in_threadpool(load_flow, services, caller, request.path_params["flow_id"], Access.WRITE)
    file = await _take(request, services, caller, found.flow.id)
    return json_response({"flowId": found.flow.id, "file_path": file.path}, 201)


async def files(request: Request) -> Response:
    """GET /api/v2/files: what the caller uploaded, the newest first."""
    services, caller = await admit(request)
    found = await run_in_threadpool(services.store.files.of_user, caller.user_id)
    return json_response([_shown(file) for file in found])


async def get_file(request: Request) -> Response:
    """GET /api/v2/files/{file_id}: the bytes, to be kept and not to be shown."""
    services, caller = await admit(request)
    return await run_in_threadpool(_download, services, caller, request.path_params["file_id"])


async def remove_file(request: Request) -> Response:
    """DELETE /api/v2/files/{file_id}: 204."""
    services, caller = await admit(request)
    file_id = request.path_params["file_id"]
    if not await run_in_threadpool(services.store.files.delete, caller.user_id, canonical(file_id)):
        raise _file_not_found(file_id)
    return Response(status_code=204)


async def _take(request: Request, services: Services, caller: Caller, flow_id: str | None) -> FileView:
    """Stores what a form brings; whatever its size, little of it is in memory at a time. Refuses with 400, 413, 415 and
    422."""
    limit = services.store.files.bounds.max_bytes
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _missing()
    async with read_form(request, limit + FRAME_BYTES, UPLOAD_SECONDS) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise _missing()
        return await run_in_threadpool(_store, services, caller, sent.filename or "", sent.file, flow_id)


def _store(services: Services, caller: Caller, name: str, content: BinaryIO, flow_id: str | None) -> FileView:
    try:
        return services.store.files.add(caller.user_id, name, content, flow_id)
    except FileTooLarge as large:
        raise Refusal(413, "Payload too large", "PAYLOAD_TOO_LARGE", str(large), limit=large.limit) from None
    except FileTypeRefused as refused:
        code = "UNSUPPORTED_FILE_TYPE"
        raise Refusal(415, "Unsupported file type", code, str(refused), available=sorted(MEDIA_TYPES)) from None
    except TooMany as many:
        limit = services.store.files.bounds.max_files
        raise Refusal(422, "Too many files", "TOO_MANY_FILES", str(many), limit=limit) from None


def _download(services: Services, caller: Caller, file_id: str) -> Response:
    file = services.store.files.find(caller.user_id, canonical(file_id))
    if file is None:
        raise _file_not_found(file_id)
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
    """As Langflow shows a file; `flow_id` and `created_at` are added."""
    return {
        "id": file.id,
        "name": file.name,
        "path": file.path,
        "size": file.size,
        "provider": None,
        "flow_id": file.flow_id,
        "created_at": file.created_at,
    }
