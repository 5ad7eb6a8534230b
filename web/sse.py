"""Server-sent events: frames, keep-alives and the end of a stream."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from sse_starlette import EventSourceResponse, ServerSentEvent

from storage.stream import Entry
from web.protocols import Projection

KEEP_ALIVE_SECONDS = 15
RETRY_MILLISECONDS = 2_000
SEND_SECONDS = 30
"""How long a client may leave its socket full before it is let go."""


def event_stream(
    batches: AsyncGenerator[Sequence[Entry]], projection: Projection, headers: Mapping[str, str]
) -> EventSourceResponse:
    """Entries as an SSE answer: `data`, then `id` with the cursor; `retry` first; comments while nothing happens."""
    return EventSourceResponse(
        _chunks(batches, projection),
        headers={"Cache-Control": "no-cache", **headers},
        ping=KEEP_ALIVE_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="keepalive", sep="\n"),
        send_timeout=SEND_SECONDS,
        sep="\n",
    )


async def _chunks(batches: AsyncGenerator[Sequence[Entry]], projection: Projection) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    async with aclosing(batches):
        async for entries in batches:
            if chunk := b"".join(_frame(entry, data) for entry in entries for data in projection.frames(entry)):
                yield chunk


def _frame(entry: Entry, data: bytes) -> bytes:
    """One frame. The data is JSON by orjson, which escapes every line break."""
    return b"data: %b\nid: %b\n\n" % (data, str(entry.cursor).encode())
