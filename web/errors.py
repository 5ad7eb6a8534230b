"""Refusals: every way a request is turned down, with its status, code and message (contract section 1)."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from storage.errors import SecretUnreadable
from web.gates.headers import SECURITY_HEADERS
from web.json import json_response

logger = structlog.get_logger(__name__)


class Refusal(Exception):
    """A request turned down. `code` is for programs, the message for people; nothing was changed."""

    def __init__(self, status: int, error: str, code: str, message: str, **more: Any) -> None:
        self.status = status
        self.detail: dict[str, Any] = {"error": error, "code": code, "message": message, **more}
        self.headers: dict[str, str] = {}
        super().__init__(message)


class Unauthenticated(Exception):
    """Nobody known made the request (contract 1.0)."""

    def __init__(self, detail: str, status: int = 403) -> None:
        self.status = status
        super().__init__(detail)


class Invalid(Exception):
    """A body or query that does not fit; `errors` are pydantic's, without input and url."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        self.errors = errors
        super().__init__("The request does not fit its schema.")


MOST_FAULTS = 1_000
"""Faults of one request that are told (I10): each is told in many times the bytes that make it."""


def invalid_from(error: ValidationError, where: str) -> Invalid:
    """Pydantic's errors as the contract shows them, located in the body or the query; of too many, how many."""
    if error.error_count() > MOST_FAULTS:
        message = f"The request has {error.error_count()} faults, too many to tell them. Is it of this route?"
        return Invalid([{"type": "too_many_faults", "loc": [where], "msg": message}])
    faults = error.errors(include_url=False, include_input=False)
    return Invalid([_fault(dict(fault), where) for fault in faults])


def _fault(fault: dict[str, Any], where: str) -> dict[str, Any]:
    shown = {"type": fault["type"], "loc": [where, *fault["loc"]], "msg": fault["msg"]}
    if context := fault.get("ctx"):
        shown["ctx"] = {
            name: value if isinstance(value, str | int | float) else str(value) for name, value in context.items()
        }
    return shown


def flow_not_found(flow_id: str) -> Refusal:
    """Missing, or not for this caller: the answer is the same (I9)."""
    return Refusal(404, "Flow not found", "FLOW_NOT_FOUND", f"Flow {flow_id} not found.", flow_id=flow_id)


def project_not_found(project_id: str) -> Refusal:
    """Missing, or not for this caller: the answer is the same (I9)."""
    message = f"Project {project_id} not found."
    return Refusal(404, "Project not found", "PROJECT_NOT_FOUND", message, project_id=project_id)


def job_not_found(job_id: str) -> Refusal:
    """Missing, or not for this caller: the answer is the same (I9)."""
    return Refusal(404, "Job not found", "JOB_NOT_FOUND", f"Job {job_id} not found.", job_id=job_id)


def busy(message: str) -> Refusal:
    """More than this server takes on; the caller may try again."""
    refusal = Refusal(429, "Service busy", "SERVICE_BUSY", message)
    refusal.headers["Retry-After"] = "1"
    return refusal


def unavailable(code: str, message: str) -> Refusal:
    """Something that this server needs is not there now."""
    refusal = Refusal(503, "Service unavailable", code, message)
    refusal.headers["Retry-After"] = "1"
    return refusal


async def on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return json_response({"detail": error.detail}, error.status, error.headers)


async def on_unauthenticated(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unauthenticated)
    return json_response({"detail": str(error)}, error.status)


async def on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, Invalid)
    return json_response({"detail": error.errors}, 422)


async def on_disconnect(request: Request, error: Exception) -> Response:
    """The client left before its request was whole; nobody reads this answer."""
    return Response(status_code=400)


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return json_response({"detail": error.detail}, error.status_code, dict(error.headers or {}))


async def on_database_error(request: Request, error: Exception) -> Response:
    """The database is locked, away or full: nothing was promised, the caller may try again."""
    logger.error("database_error", path=request.url.path, error=str(error))
    message = "The database did not answer in time. Try again."
    detail = {"error": "Database error", "code": "DATABASE_ERROR", "message": message}
    return json_response({"detail": detail}, 503, {"Retry-After": "1"})


async def on_secrets_unreadable(request: Request, error: Exception) -> Response:
    """What is stored was encrypted with a key that this process does not have; nothing was changed."""
    logger.error("secrets_unreadable", path=request.url.path, error=str(error))
    message = "What is needed for this request cannot be decrypted here; the log of the server says more."
    detail = {"error": "Secrets unavailable", "code": "SECRETS_UNAVAILABLE", "message": message}
    return json_response({"detail": detail}, 503)


async def on_unexpected(request: Request, error: Exception) -> Response:
    """A defect of this program: logged whole, told without detail."""
    logger.error("unexpected_error", path=request.url.path, exc_info=error)
    detail = {
        "error": "Internal server error",
        "code": "INTERNAL_SERVER_ERROR",
        "message": "Something went wrong here.",
    }
    # Outside of what adds the headers to other answers.
    return json_response({"detail": detail}, 500, SECURITY_HEADERS)


HANDLERS: Mapping[Any, Any] = {
    Refusal: on_refusal,
    Unauthenticated: on_unauthenticated,
    Invalid: on_invalid,
    HTTPException: on_http_exception,
    ClientDisconnect: on_disconnect,
    SQLAlchemyError: on_database_error,
    SecretUnreadable: on_secrets_unreadable,
    Exception: on_unexpected,
}
