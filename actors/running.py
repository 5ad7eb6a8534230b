"""The passes that run in this process, so that they can be renewed together and ended from outside."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from actors.lanes import Lane, lane_of
from storage.errors import PassLost
from storage.passes import Claimed


class Pass:
    """One pass while it runs: what it claimed, and a way for other threads to end it."""

    def __init__(self, claimed: Claimed) -> None:
        self.claimed = claimed
        self._lock = Lock()
        self._lost = False
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    @contextmanager
    def cancellable(self) -> Iterator[None]:
        """Lets `lose` cancel the current task while the block runs. Raises `PassLost` when it was."""
        task = asyncio.current_task()
        assert task is not None, "a pass runs inside a task"
        with self._lock:
            self._task = (asyncio.get_running_loop(), task)
            if self._lost:
                task.cancel()
        try:
            yield
        except asyncio.CancelledError:
            if self._lost:
                raise PassLost(f"Job {self.claimed.job_id} was ended or taken over.") from None
            raise
        finally:
            with self._lock:
                self._task = None

    def lose(self) -> None:
        """Ends the pass: what awaits is cancelled, what blocks is left alone and its result refused by the fence."""
        with self._lock:
            self._lost = True
            if self._task is not None:
                loop, task = self._task
                loop.call_soon_threadsafe(task.cancel)


class RunningPasses:
    """All passes of a process, by job."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._passes: dict[str, Pass] = {}

    @contextmanager
    def entered(self, claimed: Claimed) -> Iterator[Pass]:
        """Counts a pass as running for as long as the block lasts."""
        running = Pass(claimed)
        with self._lock:
            self._passes[claimed.job_id] = running
        try:
            yield running
        finally:
            with self._lock:
                if self._passes.get(claimed.job_id) is running:
                    del self._passes[claimed.job_id]

    def owned(self) -> list[Claimed]:
        """What all running passes claimed."""
        with self._lock:
            return [running.claimed for running in self._passes.values()]

    def count(self, lane: Lane) -> int:
        """How many passes of a lane run."""
        with self._lock:
            return sum(lane_of(running.claimed.mode) is lane for running in self._passes.values())

    def lose(self, job_id: str, fence: int | None = None) -> None:
        """Ends the pass over a job if one runs here, or only the one under a certain fence."""
        with self._lock:
            running = self._passes.get(job_id)
        if running is not None and fence in (None, running.claimed.fence):
            running.lose()
