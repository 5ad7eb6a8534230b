"""However a stream ends, what it holds is given back and nothing of it goes on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack

import pytest
from starlette.types import Message

from web.streams.response import Stream

PATIENCE = 30.0


class Scene:
    """A stream of one chunk, then silence or an error, and its client."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.is_left = asyncio.Event()
        self.has_heard = asyncio.Event()
        self.sent: list[Message] = []
        self.ended: list[str] = []

    async def run(self, method: str = "GET") -> None:
        holding = ExitStack()
        holding.callback(self.ended.append, "holding")
        stream = Stream(self._chunks(), {}, holding, b"\n")
        async with asyncio.timeout(PATIENCE):
            await stream({"type": "http", "method": method}, self._receive, self._send)

    async def _chunks(self) -> AsyncGenerator[bytes]:
        try:
            yield b"one"
            if self.error is not None:
                raise self.error
            await asyncio.Event().wait()
        finally:
            self.ended.append("chunks")

    async def _receive(self) -> Message:
        await self.is_left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.has_heard.set()


async def leaves(scene: Scene) -> None:
    """The client closes the connection."""
    running = asyncio.create_task(scene.run())
    await scene.has_heard.wait()
    scene.is_left.set()
    await running


async def is_cut(scene: Scene) -> None:
    """The server does not wait any longer."""
    running = asyncio.create_task(scene.run())
    await scene.has_heard.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def fails(scene: Scene) -> None:
    """What it tells cannot be read."""
    scene.error = LookupError("lost")
    with pytest.raises(LookupError, match="lost"):
        await scene.run()


@pytest.mark.parametrize("way", [leaves, is_cut, fails])
def test_the_ends_of_a_stream(way: Callable[[Scene], Awaitable[None]]) -> None:
    """The chunks are closed first, then what they needed is given back; no task is left."""

    async def scenario() -> tuple[list[str], int]:
        scene = Scene()
        await way(scene)
        return scene.ended, len(asyncio.all_tasks())

    assert asyncio.run(scenario()) == (["chunks", "holding"], 1)


def test_whoever_asks_for_the_head_starts_nothing() -> None:
    """The chunks are never asked for, and what they would need is given back."""

    async def scenario() -> Scene:
        scene = Scene()
        await scene.run("HEAD")
        return scene

    scene = asyncio.run(scenario())
    assert scene.ended == ["holding"]
    assert [message.get("body") for message in scene.sent] == [None, b""]
