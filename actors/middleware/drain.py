"""Hands the work of a process on when it is asked to end, as at every deploy."""

import time
from threading import Thread
from typing import cast

import structlog
from dramatiq import Broker, Middleware, Worker
from sqlalchemy.exc import SQLAlchemyError

from actors.broker import Lanes
from actors.hints import Hints
from actors.running import Pass, RunningPasses
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import release

logger = structlog.get_logger(__name__)

LAST_SECONDS = 1.0
"""How long a pass that was cut may take to hand its job on, before it is done for it."""
LOOK_SECONDS = 0.05


class Drain(Middleware):
    """From the first word of the end nothing is claimed and no vertex starts. A pass whose vertices have come to their
    end hands its job on at once; after the grace what still runs is cut. None of it counts as an attempt (fault A18).
    """

    def __init__(self, log: EventLog, running: RunningPasses, grace_seconds: float) -> None:
        self._log = log
        self._running = running
        self._grace_seconds = grace_seconds
        self._thread: Thread | None = None

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        lanes = cast("Lanes", broker)
        lanes.stop_fetching()
        self._running.drain()
        self._thread = Thread(target=self._end, args=(Hints(lanes),), name="drain", daemon=True)
        self._thread.start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        # Whatever Dramatiq waited for, no job is left behind in a thread that blocks.
        if self._thread is not None:
            self._thread.join(self._grace_seconds + 2 * LAST_SECONDS)

    def _end(self, hints: Hints) -> None:
        self._wait(self._grace_seconds)
        for running in self._running.all():
            running.cut()
        self._wait(LAST_SECONDS)
        for running in self._running.all():
            self._hand_on(running, hints)

    def _wait(self, seconds: float) -> None:
        """Returns when every pass has ended, or the time is over."""
        until = time.monotonic() + seconds
        while self._running.all() and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)

    def _hand_on(self, running: Pass, hints: Hints) -> None:
        """Does it for a pass that blocks; what it may write later, its fence refuses."""
        claimed = running.claimed
        try:
            release(self._log, claimed, cut_off=True)
        except PassLost:
            return
        except SQLAlchemyError as error:
            # Its lease runs out by itself.
            logger.warning("release_failed", job_id=claimed.job_id, error=str(error))
            return
        hints.send(claimed.job_id, claimed.mode)
