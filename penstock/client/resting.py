"""Waiting for a job to come to rest: when it has, and what to watch until it may have. It does no I/O."""

import time
from collections.abc import Callable

from penstock.client.errors import StillRunning
from penstock.client.following import Watch
from penstock.client.models import JobDetail, Status

AT_REST = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT, Status.SUSPENDED})


class Resting:
    """One wait, for so many seconds at most."""

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until = None if seconds is None else clock() + seconds

    def is_at_rest(self, job: JobDetail) -> bool:
        """Whether a job is over or waits for somebody. Raises `StillRunning` when it is neither and time is over."""
        if job.status in AT_REST:
            return True
        if self._until is not None and self._clock() >= self._until:
            raise StillRunning(job, self._seconds or 0.0)
        return False

    def watch(self, job: JobDetail) -> tuple[Watch, float | None]:
        """What to watch, and for how long, before the job is looked at again."""
        left = None if self._until is None else self._until - self._clock()
        return Watch(job_id=job.job_id, cursor=str(job.last_event)), left
