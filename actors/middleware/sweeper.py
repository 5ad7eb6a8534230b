"""Looks for jobs that should be moving and are not, in every worker process and in every mode."""

import random
from collections.abc import Callable
from threading import Event, Thread
from typing import cast

import structlog
from dramatiq import Broker, Middleware, Worker
from sqlalchemy.exc import SQLAlchemyError

from actors.broker import Lanes
from actors.hints import Hints, wake
from storage.answering import lapse, remind
from storage.control import Control, Word
from storage.ending import time_input_out, time_out
from storage.human_requests import due_requests, waiting_too_long
from storage.lanes import Lane
from storage.liveness import forget_the_silent
from storage.log import EventLog
from storage.losing import Lost, give_up, lost_jobs, requeue
from storage.redis_link import RedisAway
from storage.sweeping import begin_sweep, count_queued, end_sweep, overdue, take_due

logger = structlog.get_logger(__name__)

LAST_SECONDS = 2.0
"""How long the end of the process waits for a sweep to end."""
JITTER = 0.25
"""By how much of itself the time between two looks varies."""


class Sweeper(Middleware):
    """Sends hints again for jobs that wait, queues jobs again whose worker was lost or gives them up, ends jobs whose
    deadline has passed, and decides what nobody has decided in time.

    Every process is ready to sweep, at jittered times, and one does: whoever takes the turn. A turn is a row with a
    time, not a lock; nobody waits for a process that died in its turn. A process that starts does not wait either: it
    sends hints for whatever has none, as after a deploy of the one process that had them in its memory.
    """

    def __init__(
        self,
        log: EventLog,
        control: Control,
        worker: str,
        max_attempts: int,
        every: float,
        input_seconds: float | None = None,
    ) -> None:
        self._log = log
        self._control = control
        self._worker = worker
        self._max_attempts = max_attempts
        self._every = every
        self._input_seconds = input_seconds
        self._stopped = Event()
        self._thread: Thread | None = None

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        self._thread = Thread(target=self._run, args=(cast("Lanes", broker),), name="sweeper", daemon=True)
        self._thread.start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._stopped.set()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        if self._thread is not None:
            self._thread.join(LAST_SECONDS)

    def _run(self, broker: Lanes) -> None:
        self._try(lambda: self._send_missing(broker, Hints(broker), 0.0))
        while not self._stopped.wait(self._every * random.uniform(1 - JITTER, 1 + JITTER)):  # noqa: S311 - no secret
            self._try(lambda: self._sweep(broker))

    def _try(self, look: Callable[[], None]) -> None:
        try:
            look()
        except SQLAlchemyError as error:
            logger.warning("sweep_failed", error=str(error))
        except Exception:
            # Nobody else sweeps for this process: whatever went wrong, it tries again.
            logger.exception("sweep_failed")

    def _sweep(self, broker: Lanes) -> None:
        database, hints = self._log.database, Hints(broker)
        if not begin_sweep(database, self._worker, self._every * (1 - JITTER)):
            return
        for job_id in overdue(database):
            if time_out(self._log, job_id):
                self._control.tell(Word.ENDED, job_id)
        self._look_after_requests(hints)
        for lost in lost_jobs(database):
            self._take_back(lost, hints)
        self._send_missing(broker, hints, self._every)
        forget_the_silent(database)
        end_sweep(database)

    def _look_after_requests(self, hints: Hints) -> None:
        """Brings human requests to mind, and lets those whose time is over take their fallback, or fail their job."""
        database = self._log.database
        for due in due_requests(database):
            if not due.is_over:
                remind(self._log, due.job_id, due.request_id)
            elif woken := lapse(self._log, due.job_id, due.request_id):
                wake(woken, hints, self._control)
        if self._input_seconds is not None:
            for job_id in waiting_too_long(database, self._input_seconds):
                time_input_out(self._log, job_id)

    def _take_back(self, lost: Lost, hints: Hints) -> None:
        if lost.attempts >= self._max_attempts:
            if give_up(self._log, lost):
                self._control.tell(Word.ENDED, lost.job_id)
        elif requeue(self._log, lost.job_id):
            hints.send(lost.job_id, lost.mode)

    def _send_missing(self, broker: Lanes, hints: Hints, age: float) -> None:
        for lane in Lane:
            for due in take_due(self._log.database, lane, age, self._missing(broker, lane)):
                hints.send(due.job_id, due.mode)

    def _missing(self, broker: Lanes, lane: Lane) -> int:
        """How many hints there are too few for the jobs that wait: more would pile up behind those that wait for room
        (I10)."""
        try:
            return max(0, count_queued(self._log.database, lane) - broker.waiting(lane))
        except RedisAway:
            # Workers look for themselves now.
            return 0
