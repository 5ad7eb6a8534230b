"""Looks for jobs that should be moving and are not, in every worker process and in every mode."""

import random
from collections.abc import Mapping
from threading import Event, Thread

import structlog
from dramatiq import Broker, Middleware, Worker
from sqlalchemy.exc import SQLAlchemyError

from actors.hints import Hints
from actors.lanes import Lane, lane_of
from actors.running import RunningPasses
from storage.control import Control
from storage.ending import time_out
from storage.log import EventLog
from storage.states import Mode
from storage.sweeping import overdue, take_due

logger = structlog.get_logger(__name__)


class Sweeper(Middleware):
    """Sends hints again for jobs that wait or whose worker was lost, and ends jobs whose deadline has passed.

    Every process sweeps, at jittered times; the statements let only one of them act on a job. A process whose lane is
    full sends no hints for it: they would pile up behind those that wait for room (I10).
    """

    def __init__(
        self, log: EventLog, control: Control, running: RunningPasses, room: Mapping[Lane, int], every: float
    ) -> None:
        self._log = log
        self._control = control
        self._running = running
        self._room = room
        self._every = every
        self._stopped = Event()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        Thread(target=self._run, args=(Hints(broker),), name="sweeper", daemon=True).start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._stopped.set()

    def _run(self, hints: Hints) -> None:
        while not self._stopped.wait(self._every * random.uniform(0.75, 1.25)):  # noqa: S311 - jitter, not a secret
            try:
                self._sweep(hints)
            except SQLAlchemyError as error:
                logger.warning("sweep_failed", error=str(error))
            except Exception:
                # Nobody else sweeps for this process: whatever went wrong, it tries again.
                logger.exception("sweep_failed")

    def _sweep(self, hints: Hints) -> None:
        modes = [mode for mode in Mode if self._has_room(lane_of(mode))]
        for due in take_due(self._log.database, modes, self._every):
            hints.send(due.job_id, due.mode)
        for job_id in overdue(self._log.database):
            if time_out(self._log, job_id):
                self._control.ended(job_id)

    def _has_room(self, lane: Lane) -> bool:
        return self._running.count(lane) < self._room[lane]
