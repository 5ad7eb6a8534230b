"""Bodies and queries of requests: bounded in size and time, parsed, validated by a model."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from web.errors import Invalid, Refusal, invalid_from

ModelT = TypeVar("ModelT", bound=BaseModel)


BODY_SECONDS = 30.0
"""How long a whole body may take to come, so that nobody holds a connection by sending slowly (fault F18)."""
_DIGITS_AS_ZEROS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 19
"""What an integer beyond 64 bits has in it, all digits being zeros; rare elsewhere, so that few bodies are parsed
twice."""
_INTEGERS = range(-(2**63), 2**64)


async def read_bytes(request: Request, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """The body, never more than `limit` bytes of it held. Refuses a larger one with 413, a slower one with 408."""
    async with _in_time(seconds):
        return b"".join([chunk async for chunk in _bounded(request, limit)])


@asynccontextmanager
async def read_form(request: Request, limit: int, seconds: float = BODY_SECONDS) -> AsyncIterator[FormData]:
    """The body as a form with one file at most, and its files until the end of the block. Refuses with 400, 408 and
    413."""
    parser = MultiPartParser(request.headers, _bounded(request, limit), max_files=1, max_fields=8, max_part_size=limit)
    try:
        async with _in_time(seconds):
            form = await parser.parse()
    except MultiPartException as fault:
        raise HTTPException(400, fault.message) from None
    try:
        yield form
    finally:
        await form.close()


async def read_upload(request: Request, limit: int, what: str) -> tuple[bytes, str | None]:
    """What was sent, as a form's `file` with its name or as the body. Refuses with 400, 408 and 413."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await read_bytes(request, limit), None
    async with read_form(request, limit) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal(400, "Missing file", "MISSING_PARAMETER", f"Send the {what} as the form field `file`.")
        return await file.read(), file.filename


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    """Refuses with 408 what has not ended by then, and gives the connection up: the rest of the body may still come."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        message = f"The body did not come within {seconds:g} seconds."
        refusal = Refusal(408, "Request timeout", "BODY_TIMEOUT", message)
        refusal.headers["Connection"] = "close"
        raise refusal from None


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
    """The body as JSON. Refuses what is not JSON with 422, NaN, lone surrogates and absurd nesting among it, and
    integers that would be rounded."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _not_json(error.pos, error.msg) from None
    if _LONG_NUMBER in body.translate(_DIGITS_AS_ZEROS):
        _check_integers(body)
    return parsed


def _check_integers(body: bytes) -> None:
    try:
        json.loads(body, parse_int=_check_64_bits)
    except RecursionError:
        raise _not_json(0, "nested too deeply") from None


def _check_64_bits(digits: str) -> None:
    if len(digits) > 20 or int(digits) not in _INTEGERS:
        raise _not_json(0, f"the integer {digits[:20]} has more than 64 bits; send it as a string")


def _not_json(place: int, fault: str) -> Invalid:
    shown = {"type": "json_invalid", "loc": ["body", place], "msg": "JSON decode error"}
    return Invalid([{**shown, "ctx": {"error": fault}}])


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
