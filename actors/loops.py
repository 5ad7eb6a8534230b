"""One event loop per worker thread, kept for its runs, with what belongs to a loop."""

import asyncio
from collections.abc import Coroutine
from threading import local
from typing import Any, TypeVar

import uvloop
from dramatiq import Broker, Middleware
from dramatiq.worker import WorkerThread

from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy

T = TypeVar("T")


class ThreadLoop:
    """The loop of one thread and its way out, which no other loop may use."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.outbound = Outbound(policy)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end on this thread."""
        return self._runner.run(work)

    def close(self) -> None:
        """Closes connections and loop; to be called on this thread."""
        self._runner.run(self.outbound.close())
        self._runner.close()


class Loops(Middleware):
    """Gives each worker thread its loop, and closes it when the thread ends."""

    def __init__(self, policy: OutboundPolicy) -> None:
        self._policy = policy
        self._threads = local()

    def current(self) -> ThreadLoop:
        """The loop of the calling thread, made on its first run."""
        if not hasattr(self._threads, "loop"):
            self._threads.loop = ThreadLoop(self._policy)
        found: ThreadLoop = self._threads.loop
        return found

    def before_worker_thread_shutdown(self, broker: Broker, thread: WorkerThread) -> None:
        if hasattr(self._threads, "loop"):
            self.current().close()
            del self._threads.loop
