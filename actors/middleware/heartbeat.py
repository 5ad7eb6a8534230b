"""Renews the leases of all passes of the process, outside their event loops."""

from threading import Event, Thread

import structlog
from dramatiq import Broker, Middleware, Worker
from sqlalchemy.exc import SQLAlchemyError

from actors.running import RunningPasses
from storage.database import Database
from storage.passes import renew

logger = structlog.get_logger(__name__)


class Heartbeat(Middleware):
    """One thread, one statement per beat. A pass that is no longer ours is ended at once."""

    def __init__(self, database: Database, running: RunningPasses, every: float, lease_seconds: float) -> None:
        self._database = database
        self._running = running
        self._every = every
        self._lease_seconds = lease_seconds
        self._stopped = Event()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:
        Thread(target=self._beat, name="heartbeat", daemon=True).start()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        self._stopped.set()

    def _beat(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self._renew()
            except SQLAlchemyError as error:
                # The lease outlasts two beats; the fence guards what comes after it.
                logger.warning("heartbeat_failed", error=str(error))
            except Exception:
                # Without a beat every pass of the process is lost: whatever went wrong, it tries again.
                logger.exception("heartbeat_failed")

    def _renew(self) -> None:
        owned = self._running.owned()
        if not owned:
            return
        kept = renew(self._database, owned, self._lease_seconds)
        for claimed in owned:
            if claimed.job_id not in kept:
                self._running.lose(claimed.job_id, claimed.fence)
