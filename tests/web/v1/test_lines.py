"""Lines of JSON that are no server-sent events: what keeps them alive means nothing to whoever reads them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
from starlette.types import Message

from web.streams import sse

PATIENCE = 30.0


def test_a_silent_stream_is_kept_alive_by_blank_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK takes every other line for an object."""
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.01)
    sent: list[bytes] = []

    async def run() -> None:
        was_pinged = asyncio.Event()

        async def lines() -> AsyncIterator[bytes]:
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

        async with asyncio.timeout(PATIENCE):
            await sse.line_stream(lines(), {}, ExitStack())({"type": "http", "method": "POST"}, receive, send)

    asyncio.run(run())
    told = b"".join(sent).split(b"\n")
    assert b"\n" in sent
    assert [line for line in told if line] == [b'{"event":"token","data":{}}', b'{"event":"end","data":{}}']
