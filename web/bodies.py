"""Bodies and queries of requests: bounded, parsed, validated by a model."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from web.errors import Invalid, Refusal, invalid_from

ModelT = TypeVar("ModelT", bound=BaseModel)


async def read_bytes(request: Request, limit: int) -> bytes:
    """The body, never more than `limit` bytes of it held. Refuses a larger one with 413."""
    return b"".join([chunk async for chunk in _bounded(request, limit)])


@asynccontextmanager
async def read_form(request: Request, limit: int) -> AsyncIterator[FormData]:
    """The body as a form with one file at most, and its files until the end of the block. Refuses with 400 and 413."""
    parser = MultiPartParser(request.headers, _bounded(request, limit), max_files=1, max_fields=8, max_part_size=limit)
    try:
        form = await parser.parse()
    except MultiPartException as fault:
        raise HTTPException(400, fault.message) from None
    try:
        yield form
    finally:
        await form.close()


async def _bounded(request: Request, limit: int) -> AsyncGenerator[bytes]:
    """The body piece by piece, up to the piece that is too much."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            message = f"The body may have {limit} bytes at most."
            raise Refusal(413, "Payload too large", "PAYLOAD_TOO_LARGE", message, limit=limit)
        yield chunk


def parse_json(body: bytes) -> Any:
    """The body as JSON. Refuses what is not JSON with 422, NaN, lone surrogates and absurd nesting among it."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ["body", error.pos], "msg": "JSON decode error"}
        raise Invalid([{**fault, "ctx": {"error": error.msg}}]) from None


async def read_model(request: Request, model: type[ModelT], limit: int) -> ModelT:
    """The body as a model. Refuses with 413 and 422."""
    return validated(parse_json(await read_bytes(request, limit)), model, "body")


def validated(value: Any, model: type[ModelT], where: str) -> ModelT:
    """A value as a model. Refuses with 422, naming every fault and its place."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid_from(error, where) from None


def validated_query(request: Request, model: type[ModelT]) -> ModelT:
    """The query parameters as a model. Refuses with 422."""
    return validated(dict(request.query_params), model, "query")
