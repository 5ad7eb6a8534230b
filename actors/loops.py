"""One event loop per worker thread, kept for its runs, with what belongs to a loop."""

import asyncio
from collections.abc import Coroutine
from threading import local
from typing import Any

import uvloop

from flows.models import ModelTools


class ThreadLoop:
    """The loop of one thread and its model clients, which no other loop may use."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.models = ModelTools()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine to its end on this thread."""
        self._runner.run(work)


class Loops:
    """Gives each thread its loop."""

    def __init__(self) -> None:
        self._threads = local()

    def current(self) -> ThreadLoop:
        """The loop of the calling thread, made on its first run."""
        if not hasattr(self._threads, "loop"):
            self._threads.loop = ThreadLoop()
        found: ThreadLoop = self._threads.loop
        return found
