"""The routes under /api/v1/knowledge_bases: what the caller's flows know. Flows add to it, and find it."""

from typing import Any

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from flows.knowledge import Base
from storage.knowledge import delete_base, list_bases
from web.bodies import validated
from web.errors import Refusal
from web.json import json_response
from web.services import admit_account
from web.texts import Name


class KnowledgePath(BaseModel):
    """`DELETE /api/v1/knowledge_bases/{name}`."""

    name: Name


class KnowledgeBaseDetail(BaseModel):
    """What is told of a knowledge base; `size` is that of its texts in bytes."""

    id: str
    name: str
    embedding_model: str
    dimensions: int
    chunks: int
    size: int


async def knowledge_bases(request: Request) -> Response:
    """GET: the caller's knowledge bases by name, without their texts."""
    services, caller = await admit_account(request)
    found = await run_in_threadpool(list_bases, services.store.database, caller.user_id)
    return json_response([_shown(base) for base in found])


async def remove_knowledge_base(request: Request) -> Response:
    """DELETE /{name}: deletes a base with its texts; 204."""
    services, caller = await admit_account(request)
    name = validated(request.path_params, KnowledgePath, "path").name
    if not await run_in_threadpool(delete_base, services.store.database, caller.user_id, name, caller.actor):
        message = f"Knowledge base {name} not found."
        raise Refusal(404, "Knowledge base not found", "KNOWLEDGE_BASE_NOT_FOUND", message, name=name)
    return Response(status_code=204)


def _shown(base: Base) -> dict[str, Any]:
    return KnowledgeBaseDetail(
        id=base.id,
        name=base.name,
        embedding_model=base.embedding,
        dimensions=base.dimensions,
        chunks=base.chunks,
        size=base.bytes,
    ).model_dump()
