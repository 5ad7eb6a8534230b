"""Lines of JSON that are no server-sent events: what keeps them alive means nothing to whoever reads them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack

from starlette.types import Message

from web.streams.sse import line_stream

PATIENCE = 30.0


def test_a_silent_stream_is_kept_alive_by_blank_lines() -> None:
    """The SDK takes every other line for an object."""
    sent: list[bytes] = []

    async def run() -> None:
        was_pinged = asyncio.Event()

        async def lines() -> AsyncGenerator[bytes]:
            yield b'{"event":"token","data":{}}\n\n'
            await was_pinged.wait()
            yield b'{"event":"end","data":{}}\n\n'

        async def send(message: Message) -> None:
            sent.append(message.get("body", b""))
            if sent[-1] == b"\n":
                was_pinged.set()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        response = line_stream(lines(), {}, ExitStack())
        response.keep_alive_seconds = 0.01
        async with asyncio.timeout(PATIENCE):
            await response({"type": "http", "method": "POST"}, receive, send)

    asyncio.run(run())
    told = b"".join(sent).split(b"\n")
    assert b"\n" in sent
    assert [line for line in told if line] == [b'{"event":"token","data":{}}', b'{"event":"end","data":{}}']
