"""However a stream ends, what it holds is given back and nothing of it goes on."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack

import pytest
from anyio.to_thread import current_default_thread_limiter
from starlette.concurrency import run_in_threadpool
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

    async def run(self, method: str = "GET", chunks: AsyncGenerator[bytes] | None = None) -> None:
        holding = ExitStack()
        holding.callback(self.ended.append, "holding")
        stream = Stream(chunks or self._chunks(), {}, holding, b"\n")
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


def test_clients_that_leave_cannot_start_more_threads_than_there_may_be() -> None:
    """Whoever leaves while a thread reads for them keeps their place among the threads until it is done."""
    reads, goes_on = threading.Event(), threading.Event()

    def read() -> None:
        reads.set()
        goes_on.wait(PATIENCE)

    async def chunks() -> AsyncGenerator[bytes]:
        yield b"one"
        await run_in_threadpool(read)

    async def scenario() -> tuple[int, int, bool]:
        scene = Scene()
        running = asyncio.create_task(scene.run(chunks=chunks()))
        await asyncio.to_thread(reads.wait, PATIENCE)
        scene.is_left.set()
        for _ in range(10):
            await asyncio.sleep(0)
        taken, is_over = current_default_thread_limiter().borrowed_tokens, running.done()
        goes_on.set()
        await running
        return taken, current_default_thread_limiter().borrowed_tokens, is_over

    assert asyncio.run(scenario()) == (1, 0, False)


def test_whoever_asks_for_the_head_starts_nothing() -> None:
    """The chunks are never asked for, and what they would need is given back."""

    async def scenario() -> Scene:
        scene = Scene()
        await scene.run("HEAD")
        return scene

    scene = asyncio.run(scenario())
    assert scene.ended == ["holding"]
    assert [message.get("body") for message in scene.sent] == [None, b""]
