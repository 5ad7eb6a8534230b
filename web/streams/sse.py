"""Server-sent events: frames, keep-alives and the end of a stream."""

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing

from storage.stream import Entry
from web.protocols.projection import Projection
from web.streams.following import Rest
from web.streams.response import Stream

RETRY_MILLISECONDS = 2_000
PART_BYTES = 256 * 1024
"""How much of its log a client is told at a time, so that one that catches up does not hold up all others."""
_COMMENT = b": keepalive\n\n"
_BLANK_LINE = b"\n"


def event_stream(
    batches: AsyncGenerator[Sequence[Entry] | Rest],
    projection: Projection,
    headers: Mapping[str, str],
    holding: ExitStack,
) -> Stream:
    """Entries as an SSE answer: `data`, then `id` with the cursor; `retry` first; comments while nothing happens.

    `holding` is closed when the answer is over.
    """
    return Stream(_chunks(batches, projection), headers, holding, _COMMENT)


def feed_stream(frames: AsyncGenerator[bytes], holding: ExitStack) -> Stream:
    """Frames that are no log of a job, with comments while nothing happens; it ends with the process."""
    return Stream(_with_goodbye(frames), {}, holding, _COMMENT)


def line_stream(lines: AsyncGenerator[bytes], headers: Mapping[str, str], holding: ExitStack) -> Stream:
    """Lines of JSON that are no server-sent events, with blank ones while nothing happens."""
    return Stream(lines, headers, holding, _BLANK_LINE)


async def _with_goodbye(frames: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MILLISECONDS
    async with aclosing(frames):
        async for frame in frames:
            yield frame
    yield b"retry: %d\n\n" % _spread()


async def _chunks(batches: AsyncGenerator[Sequence[Entry] | Rest], projection: Projection) -> AsyncGenerator[bytes]:
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
                    await asyncio.sleep(0)
    if not is_over:
        yield b"retry: %d\n\n" % _spread()


def _parts(batch: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """A batch as it is, or what has at least `PART_BYTES` at a time."""
    if len(batch) == 1 or sum(len(entry.payload) for entry in batch) <= PART_BYTES:
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
