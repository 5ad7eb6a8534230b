"""What can go wrong between a client and a server.

PenstockError
├── ConnectionLost       the server cannot be reached (any more), and was tried as long as patience lasts
├── UnexpectedAnswer     what answers is no Penstock, or a proxy before it
├── RunFailed            a run that was waited for has failed; `result` holds it
├── StillRunning         a job did not come to rest in the time given; `job` tells where it stands
└── Refused              the server turned a request down: `status`, `code`, `message`, `detail`
    ├── InvalidRequest   the request does not fit, or is too large
    ├── Unauthenticated  the server does not know who asks
    ├── Forbidden        the server knows who asks, and they may not do this
    ├── NotFound         it does not exist, or not for whoever asks
    ├── Conflict         it cannot be done in the state that things are in
    │   └── AlreadyAnswered  somebody else decided first; `winner` tells who, what and when
    ├── RunTimedOut      a run took longer than it may
    ├── Busy             the server takes on no more now; `retry_after` says when to come again
    └── ServerFailed     something is wrong at the server
"""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from web.workflows.schemas import ExecutionResponse, JobDetail

NOT_HERE = 404
TOO_MANY = 429
UNAVAILABLE = (502, 503, 504)


class PenstockError(Exception):
    """Something went wrong; the message tells what to do."""


class ConnectionLost(PenstockError):
    """The server cannot be reached (any more)."""


class UnexpectedAnswer(PenstockError):
    """What answers does not speak as Penstock does."""


class RunFailed(PenstockError):
    """A run that was waited for has failed."""

    def __init__(self, result: ExecutionResponse) -> None:
        self.result = result
        told = "; ".join(str(error["error"]) for error in result.errors)
        super().__init__(told or f"The run ended as {result.status}.")


class StillRunning(PenstockError):
    """A job did not come to rest in the time given."""

    def __init__(self, job: JobDetail, seconds: float) -> None:
        self.job = job
        super().__init__(f"Job {job.job_id} is {job.status} after {seconds:g} s. It goes on: wait for it again.")


class Refused(PenstockError):
    """The server turned a request down. `code` is for programs; `detail` is all that it said."""

    hint = ""

    def __init__(self, status: int, code: str | None, message: str, detail: Any) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        super().__init__(f"{message} {self.hint}".strip())


class InvalidRequest(Refused):
    """The request does not fit, or is too large."""


class Unauthenticated(Refused):
    """The server does not know who asks."""

    hint = "Give an API key of this server; `penstock keys create` makes one there."


class Forbidden(Refused):
    """The server knows who asks, and they may not do this."""

    hint = "Use the key of somebody who may."


class NotFound(Refused):
    """It does not exist, or not for whoever asks: a server does not tell which."""

    hint = "It does not exist, or belongs to somebody else: check the id, the URL and the key."


class Conflict(Refused):
    """It cannot be done in the state that things are in."""


class AlreadyAnswered(Conflict):
    """Somebody else decided first."""

    @property
    def winner(self) -> Mapping[str, Any]:
        """The decision that stands: `by`, `at`, `decision`."""
        answered: Mapping[str, Any] = self.detail["answered"]
        return answered


class RunTimedOut(Refused):
    """A run took longer than it may."""


class Busy(Refused):
    """The server takes on no more now."""

    hint = "Try again later."
    retry_after: float | None = None
    """Seconds, as far as the server says."""


class ServerFailed(Refused):
    """Something is wrong at the server."""

    hint = "The log of the server says more."


def refusal_of(response: httpx.Response) -> PenstockError:
    """What an answer other than 2xx says; its body has been read."""
    if response.has_redirect_location:
        return UnexpectedAnswer(f"{response.url} leads elsewhere: give {response.headers['location']} as the URL.")
    detail = _detail(response)
    if detail is None and response.status_code not in (TOO_MANY, *UNAVAILABLE):
        told = f"{response.url} answers {response.status_code} without a word of Penstock"
        return UnexpectedAnswer(f"{told}. Check the URL: it is the server's own, without a path of the API.")
    code = detail.get("code") if isinstance(detail, dict) else None
    refused = _kind(response.status_code, detail, code)(response.status_code, code, _message(response, detail), detail)
    if isinstance(refused, Busy):
        refused.retry_after = _seconds(response.headers.get("retry-after"))
    return refused


def _detail(response: httpx.Response) -> Any:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None
    return answer.get("detail") if isinstance(answer, dict) else None


def _kind(status: int, detail: Any, code: str | None) -> type[Refused]:
    if status == 403 and code is None and isinstance(detail, str):
        return Unauthenticated
    if status == 409 and isinstance(detail, dict) and detail.get("answered"):
        return AlreadyAnswered
    if status == 408 and code == "EXECUTION_TIMEOUT":
        return RunTimedOut
    known: Mapping[int, type[Refused]] = {401: Unauthenticated, 403: Forbidden, NOT_HERE: NotFound, 409: Conflict}
    if status == TOO_MANY or status in UNAVAILABLE:
        return Busy
    return known.get(status, InvalidRequest if status < 500 else ServerFailed)


def _message(response: httpx.Response, detail: Any) -> str:
    if isinstance(detail, dict):
        return str(detail.get("message") or detail.get("error") or response.reason_phrase)
    if isinstance(detail, list):
        return "; ".join(map(_fault, detail)) + "."
    told = str(detail or f"The server answers {response.status_code} {response.reason_phrase}")
    return told if told.endswith(".") else f"{told}."


def _fault(fault: Any) -> str:
    """One fault of a schema, with its place."""
    if not isinstance(fault, dict):
        return str(fault)
    place: Sequence[Any] = fault.get("loc", ())
    return f"{'.'.join(map(str, place))}: {fault.get('msg', '')}"


def _seconds(written: str | None) -> float | None:
    """`Retry-After` as Penstock writes it; a date is left to patience."""
    return float(written) if written and written.isdecimal() else None
