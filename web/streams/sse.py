"""Server-sent events: frames, keep-alives and the end of a stream."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing

import anyio
from anyio.lowlevel import checkpoint
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Message, Receive, Scope, Send

from storage.stream import Entry
from web.protocols.projection import Projection
from web.streams.following import Rest

KEEP_ALIVE_SECONDS = 15
RETRY_MILLISECONDS = 2_000
SEND_SECONDS = 30
"""How long a client may leave its socket full, from the next keep-alive on, before it is let go."""
PART_BYTES = 256 * 1024
"""How much of its log a client is told at a time, so that one that catches up does not hold up all others."""
GOODBYE_SECONDS = 2
"""How long a stream may take to say goodbye when its process ends."""


class _Stream(EventSourceResponse):
    """An SSE answer that gives back what it holds when it is over, or never began.

    A client that does not read is let go by the keep-alive that finds its socket full for `SEND_SECONDS`: a timer for
    every event of every client would cost as much as all the rest.
    """

    holding: ExitStack
    keep_alive: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.holding:
            await super().__call__(scope, receive, send)

    async def _send_with_timeout(self, send: Send, message: Message) -> None:
        if message["body"] == self.keep_alive:
            await super()._send_with_timeout(send, message)
        else:
            await send(message)


def event_stream(
    batches: AsyncGenerator[Sequence[Entry] | Rest],
    projection: Projection,
    headers: Mapping[str, str],
    holding: ExitStack,
) -> EventSourceResponse:
    """Entries as an SSE answer: `data`, then `id` with the cursor; `retry` first; comments while nothing happens.

    `holding` is closed when the answer is over.
    """
    return _answer(_chunks(batches, projection), headers, holding)


def feed_stream(frames: AsyncGenerator[bytes], holding: ExitStack) -> EventSourceResponse:
    """Frames that are no log of a job, with comments while nothing happens; it ends with the process."""
    return _answer(_with_goodbye(frames), {}, holding)


def line_stream(lines: AsyncIterator[bytes], headers: Mapping[str, str], holding: ExitStack) -> EventSourceResponse:
    """Lines of JSON that are no server-sent events, with blank ones while nothing happens."""
    return _answer(lines, headers, holding, keep_alive=None)


def _answer(
    chunks: AsyncIterator[bytes],
    headers: Mapping[str, str],
    holding: ExitStack,
    keep_alive: str | None = "keepalive",
) -> EventSourceResponse:
    sent_when_idle = ServerSentEvent(comment=keep_alive, sep="\n")
    response = _Stream(
        chunks,
        headers={"Cache-Control": "no-cache", **headers},
        ping=KEEP_ALIVE_SECONDS,
        ping_message_factory=lambda: sent_when_idle,
        send_timeout=SEND_SECONDS,
        sep="\n",
        shutdown_event=anyio.Event(),
        shutdown_grace_period=GOODBYE_SECONDS,
    )
    response.holding, response.keep_alive = holding, sent_when_idle.encode()
    return response


async def _with_goodbye(frames: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    async with aclosing(frames):
        async for frame in frames:
            yield frame
    yield b"retry: %d\n\n" % _spread()


async def _chunks(batches: AsyncGenerator[Sequence[Entry] | Rest], projection: Projection) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    is_over = False
    async with aclosing(batches):
        async for batch in batches:
            is_over = isinstance(batch, Rest) or batch[-1].terminal
            if isinstance(batch, Rest):
                if chunk := projection.at_rest(batch.is_paused):
                    yield chunk
                continue
            for part in _parts(batch):
                if chunk := projection.wire(part):
                    yield chunk
                if part is not batch:
                    await checkpoint()
    if not is_over:
        yield b"retry: %d\n\n" % _spread()


def _parts(batch: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """A batch as it is, or what has at least `PART_BYTES` at a time."""
    if sum(len(entry.payload) for entry in batch) <= PART_BYTES:
        yield batch
        return
    begun, size = 0, 0
    for end, entry in enumerate(batch, 1):
        size += len(entry.payload)
        if size >= PART_BYTES or end == len(batch):
            yield batch[begun:end]
            begun, size = end, 0


def _spread() -> int:
    """When to come back after this process has ended: not all clients at the same moment (fault C20)."""
    return random.randint(RETRY_MILLISECONDS // 2, 2 * RETRY_MILLISECONDS)  # noqa: S311 - no secret
