"""Renews the leases of all passes of the process, outside their event loops, and tells that the process lives."""

import time
from collections.abc import Callable
from threading import Event, Thread

import structlog
from dramatiq import Broker, Middleware, Worker
from sqlalchemy.exc import SQLAlchemyError

from actors.running import RunningPasses
from storage.claiming import Terms
from storage.database import Database
from storage.liveness import Report, leave, report
from storage.passes import renew

logger = structlog.get_logger(__name__)

LAST_SECONDS = 2.0
"""How long the end of the process waits for the last beat."""


class Heartbeat(Middleware):
    """One thread, two statements per beat. A pass that is no longer ours is ended at once."""

    def __init__(self, database: Database, running: RunningPasses, terms: Terms, threads: int, every: float) -> None:
        self._database = database
        self._running = running
        self._terms = terms
        self._threads = threads
        self._every = every
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        self._thread.start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._stopped.set()
        self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        self._try(self._report)
        while not self._stopped.wait(self._every):
            self._try(self._renew)
            self._try(self._report)
        self._try(lambda: leave(self._database, self._terms.worker))

    def _try(self, part: Callable[[], None]) -> None:
        try:
            part()
        except SQLAlchemyError as error:
            # The lease outlasts two beats; each pass watches its own end, and the fence guards what comes after it.
            logger.warning("heartbeat_failed", error=str(error))
        except Exception:
            # Without a beat every pass of the process is lost: whatever went wrong, it tries again.
            logger.exception("heartbeat_failed")

    def _renew(self) -> None:
        owned = [running for running in self._running.all() if not running.is_over]
        if not owned:
            return
        began = time.monotonic()
        kept = renew(self._database, [running.claimed for running in owned], self._terms)
        for running in owned:
            if running.claimed.job_id in kept:
                running.tenure.renewed(began)
            else:
                running.lose()

    def _report(self) -> None:
        passes = self._running.all()
        stuck = sum(running.is_over for running in passes)
        claimed = self._running.seconds_since_claim()
        report(self._database, Report(self._terms.worker, self._threads, len(passes), stuck, claimed))
