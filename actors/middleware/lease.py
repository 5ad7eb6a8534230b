"""Claims the job before the actor and leaves it alone when the claim fails."""

from typing import Any

import structlog
from dramatiq import Actor, Broker, Middleware

from actors.running import RunningPasses
from flows.events import build_start
from storage.errors import PassLost
from storage.log import EventLog
from storage.passes import claim

logger = structlog.get_logger(__name__)


class Lease(Middleware):
    """Turns the job id of a hint into a claimed pass.

    It wraps the actor's function, where a failing claim or save propagates; Dramatiq's hooks around a message
    swallow errors (rule 10). A hint for a job that is not to be had is acknowledged and forgotten.
    """

    def __init__(self, log: EventLog, running: RunningPasses, worker: str, seconds: float) -> None:
        self._log = log
        self._running = running
        self._worker = worker
        self._seconds = seconds

    def after_declare_actor(self, broker: Broker, actor: Actor[Any, Any]) -> None:
        build = actor.fn

        def with_lease(job_id: str) -> None:
            claimed = claim(self._log, job_id, self._worker, self._seconds, [build_start()])
            if claimed is None:
                return
            with self._running.entered(claimed) as running:
                try:
                    build(running)
                except PassLost as lost:
                    logger.info("pass_lost", job_id=job_id, fence=claimed.fence, reason=str(lost))

        actor.fn = with_lease
