"""The transport of requests to models, around the one of all outgoing calls: time-outs and retries, in this one place.

The providers' own libraries are told not to try again.
"""

import asyncio
from collections.abc import AsyncIterator

import structlog
from httpx2 import (
    AsyncBaseTransport,
    AsyncByteStream,
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    Request,
    Response,
    WriteError,
)
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, retry_if_result, wait_exponential_jitter

from flows.errors import OutboundFailed
from flows.models.patience import CONNECT_SECONDS, LONGEST_WAIT, Patience, asked_wait, may_pass

logger = structlog.get_logger(__name__)

LEADS_ELSEWHERE = (
    "it leads elsewhere, where the key and the question are not sent. Give the address that it leads to as the base URL"
)
_BROKEN = (ConnectError, ConnectTimeout, ReadError, RemoteProtocolError, WriteError)
"""Connections that came to nothing before there was an answer. One that stays silent is not tried again: whoever was
asked may be at work."""


class PatientTransport(AsyncBaseTransport):
    """Asks again, as `Patience` allows, when an answer is 429 or 5xx, or the connection fails before there is one; an
    answer that has begun is never asked for again. What asks for a longer wait than `LONGEST_WAIT` is handed on at
    once. Waiting ends with the task that waits. Raises `OutboundFailed` for a redirect, which is not followed."""

    def __init__(self, through: AsyncBaseTransport, patience: Patience) -> None:
        self._through = through
        self._patience = patience

    async def handle_async_request(self, request: Request) -> Response:
        deadline = asyncio.get_running_loop().time() + self._patience.answer_seconds
        waits = dict.fromkeys(("read", "write", "pool"), self._patience.wait_seconds)
        request.extensions = {**request.extensions, "timeout": {**waits, "connect": CONNECT_SECONDS}}
        response: Response = await self._trying()(self._through.handle_async_request, request)
        if response.has_redirect_location:
            await response.aclose()
            raise OutboundFailed(request.url.host, LEADS_ELSEWHERE)
        return Response(
            response.status_code,
            headers=response.headers,
            stream=_EndingStream(response, deadline),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Does nothing: the connections belong to the transport that this one stands around."""

    def _trying(self) -> AsyncRetrying:
        backoff = wait_exponential_jitter(
            self._patience.backoff_seconds, self._patience.longest_backoff, jitter=self._patience.backoff_seconds
        )
        return AsyncRetrying(
            retry=retry_if_exception_type(_BROKEN) | retry_if_result(lambda response: may_pass(response.status_code)),
            stop=self._gives_up,
            wait=lambda state: backoff(state) if (asked := _asked_wait(state)) is None else asked,
            before_sleep=_drop,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )

    def _gives_up(self, state: RetryCallState) -> bool:
        return state.attempt_number > self._patience.retries or (_asked_wait(state) or 0.0) > LONGEST_WAIT


class _EndingStream(AsyncByteStream):
    """An answer that ends in time, however small its pieces are."""

    def __init__(self, response: Response, deadline: float) -> None:
        self._response = response
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.stream:  # type: ignore[union-attr]
            if asyncio.get_running_loop().time() > self._deadline:
                raise ReadTimeout("the answer did not end in time")
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


def _answer(state: RetryCallState) -> Response | None:
    """What the try came to, unless that is an exception."""
    if state.outcome is None or state.outcome.failed:
        return None
    response: Response = state.outcome.result()
    return response


def _asked_wait(state: RetryCallState) -> float | None:
    response = _answer(state)
    return None if response is None else asked_wait(response.headers)


async def _drop(state: RetryCallState) -> None:
    """Gives the connection back before it waits."""
    response = _answer(state)
    logger.info("model_asked_again", status=response and response.status_code, tries=state.attempt_number)
    if response is not None:
        await response.aclose()
