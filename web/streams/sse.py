"""Server-sent events: frames, keep-alives and the end of a stream."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, aclosing

import anyio
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from flows.events import EventType
from storage.stream import Entry
from web.protocols import Projection

KEEP_ALIVE_SECONDS = 15
RETRY_MILLISECONDS = 2_000
SEND_SECONDS = 30
"""How long a client may leave its socket full before it is let go."""
GOODBYE_SECONDS = 2
"""How long a stream may take to say goodbye when its process ends."""


class _Stream(EventSourceResponse):
    """An SSE answer that gives back what it holds when it is over, or never began."""

    holding: ExitStack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.holding:
            await super().__call__(scope, receive, send)


def event_stream(
    batches: AsyncGenerator[Sequence[Entry]], projection: Projection, headers: Mapping[str, str], holding: ExitStack
) -> EventSourceResponse:
    """Entries as an SSE answer: `data`, then `id` with the cursor; `retry` first; comments while nothing happens.

    `holding` is closed when the answer is over.
    """
    return _answer(_chunks(batches, projection), headers, holding)


def feed_stream(frames: AsyncGenerator[bytes], holding: ExitStack) -> EventSourceResponse:
    """Frames that are no log of a job, with comments while nothing happens; it ends with the process."""
    return _answer(_with_goodbye(frames), {}, holding)


def _answer(chunks: AsyncIterator[bytes], headers: Mapping[str, str], holding: ExitStack) -> EventSourceResponse:
    response = _Stream(
        chunks,
        headers={"Cache-Control": "no-cache", **headers},
        ping=KEEP_ALIVE_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="keepalive", sep="\n"),
        send_timeout=SEND_SECONDS,
        sep="\n",
        shutdown_event=anyio.Event(),
        shutdown_grace_period=GOODBYE_SECONDS,
    )
    response.holding = holding
    return response


async def _with_goodbye(frames: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    async with aclosing(frames):
        async for frame in frames:
            yield frame
    yield b"retry: %d\n\n" % _spread()


async def _chunks(batches: AsyncGenerator[Sequence[Entry]], projection: Projection) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    is_over = False
    async with aclosing(batches):
        async for entries in batches:
            is_over = entries[-1].terminal or entries[-1].type == EventType.RUN_SUSPENDED
            if chunk := b"".join(_frame(entry, data) for entry in entries for data in projection.frames(entry)):
                yield chunk
    if not is_over:
        yield b"retry: %d\n\n" % _spread()


def _spread() -> int:
    """When to come back after this process has ended: not all clients at the same moment (fault C20)."""
    return random.randint(RETRY_MILLISECONDS // 2, 2 * RETRY_MILLISECONDS)  # noqa: S311 - no secret


def _frame(entry: Entry, data: bytes) -> bytes:
    """One frame. The data is JSON by orjson, which escapes every line break."""
    return b"data: %b\nid: %b\n\n" % (data, str(entry.cursor).encode())
