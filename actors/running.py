"""The passes that run in this process, so that they can be renewed together and ended from outside."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from actors.tenure import Tenure
from storage.claiming import Claimed
from storage.control import Word
from storage.errors import PassLost

WAIT_SECONDS = 0.05
"""How often a pass whose lease was not renewed looks whether it has been."""


class PassCut(BaseException):
    """The process ends and the pass with it; the next one goes on from its finished vertices.

    A `BaseException`, so that no component can catch it by mistake. If you caught it, let it rise.
    """


class Pass:
    """One pass while it runs: what it claimed, how long it may rely on that, and ways for other threads to end it."""

    def __init__(self, claimed: Claimed, tenure: Tenure) -> None:
        self.claimed = claimed
        self.tenure = tenure
        self._lock = Lock()
        self._draining = False
        self._ended: BaseException | None = None
        self._paused = claimed.is_paused
        self._hearing: tuple[asyncio.AbstractEventLoop, Callable[[], None]] | None = None
        self._task: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    @property
    def is_over(self) -> bool:
        """Whether it was ended from outside; it may still hold its thread."""
        return self._ended is not None

    @property
    def is_paused(self) -> bool:
        """Whether somebody wants the job to stand still."""
        return self._paused

    @property
    def is_draining(self) -> bool:
        """Whether the process ends."""
        return self._draining

    async def may_start(self) -> bool:
        """Whether a vertex may start. Waits while the lease is past its half and not renewed (fault A16)."""
        while not (self._held or self.tenure.is_fresh):  # noqa: ASYNC110 - other threads renew it
            await asyncio.sleep(WAIT_SECONDS)
        return not self._held

    @property
    def _held(self) -> bool:
        return self._draining or self._paused

    @contextmanager
    def hearing(self, answered: Callable[[], None]) -> Iterator[None]:
        """Calls back on this loop, while the block runs, when somebody has answered."""
        with self._lock:
            self._hearing = (asyncio.get_running_loop(), answered)
        try:
            yield
        finally:
            with self._lock:
                self._hearing = None

    def take_note(self, *, is_paused: bool, has_answers: bool = False) -> None:
        """Takes over what people want of the job."""
        self._paused = is_paused
        if has_answers:
            self.answered()

    def pause(self) -> None:
        """Lets no further vertex start until it is told otherwise; those that are being built come to their end."""
        self._paused = True

    def answered(self) -> None:
        """Tells the pass that somebody has answered."""
        with self._lock:
            if self._hearing is not None:
                loop, answered = self._hearing
                loop.call_soon_threadsafe(answered)

    @contextmanager
    def cancellable(self) -> Iterator[None]:
        """Lets other threads, and the end of the lease, cancel the current task while the block runs.

        Raises `PassLost` or `PassCut` when they did.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None, "a pass runs inside a task"
        with self._lock:
            self._task = (loop, task)
            if self._ended:
                task.cancel()
        watch = self._watch(loop)
        try:
            yield
        except BaseException:
            # Whatever a component raised when it was cancelled for it.
            if self._ended:
                raise self._ended from None
            raise
        finally:
            watch.close()
            with self._lock:
                self._task = None

    def drain(self) -> None:
        """Lets no further vertex start; those that are being built come to their end."""
        self._draining = True

    def lose(self) -> None:
        """Ends the pass: what awaits is cancelled, what blocks is left alone and its result refused by the fence."""
        self._end(PassLost(f"Job {self.claimed.job_id} was ended, taken over, or not renewed in time."))

    def cut(self) -> None:
        """Ends the pass as `lose` does, because the process ends: its job is handed on."""
        self._end(PassCut(f"Job {self.claimed.job_id} is handed on."))

    def _end(self, why: BaseException) -> None:
        with self._lock:
            if self._ended:
                return
            self._ended = why
            if self._task is not None:
                loop, task = self._task
                loop.call_soon_threadsafe(task.cancel)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> "_Watch":
        return _Watch(self, loop)


class _Watch:
    """Ends a pass at the end of its lease."""

    def __init__(self, watched: Pass, loop: asyncio.AbstractEventLoop) -> None:
        self._pass = watched
        self._loop = loop
        self._look()

    def close(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        if self._pass.tenure.is_over:
            self._pass.lose()
        self._timer = self._loop.call_later(max(WAIT_SECONDS, self._pass.tenure.seconds_left), self._look)


class RunningPasses:
    """All passes of a process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._passes: set[Pass] = set()
        self._draining = False
        self._claimed_at: float | None = None

    @property
    def is_draining(self) -> bool:
        """Whether the process ends: nothing may be claimed any more."""
        return self._draining

    @contextmanager
    def entered(self, running: Pass) -> Iterator[Pass]:
        """Counts a pass as running for as long as the block lasts."""
        with self._lock:
            self._passes.add(running)
            self._claimed_at = time.monotonic()
            if self._draining:
                running.drain()
        try:
            yield running
        finally:
            with self._lock:
                self._passes.discard(running)

    def all(self) -> Sequence[Pass]:
        """The passes that run now."""
        with self._lock:
            return list(self._passes)

    def seconds_since_claim(self) -> float | None:
        """How long ago a job was claimed here; None for never."""
        return None if self._claimed_at is None else time.monotonic() - self._claimed_at

    def drain(self) -> None:
        """Lets nothing start any more, in no pass."""
        with self._lock:
            self._draining = True
        for running in self.all():
            running.drain()

    def hear(self, word: Word, job_id: str) -> None:
        """Takes over what another process tells about a job that may run here."""
        if word is Word.ENDED:
            self.lose(job_id)
            return
        for running in self._over(job_id):
            running.pause() if word is Word.PAUSED else running.answered()

    def _over(self, job_id: str) -> list[Pass]:
        return [running for running in self.all() if running.claimed.job_id == job_id]

    def lose(self, job_id: str) -> None:
        """Ends the passes over a job that run here: one, and older ones that still hold their threads."""
        for running in self._over(job_id):
            running.lose()
