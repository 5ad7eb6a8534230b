"""Claims a job before the actor and leaves everything alone when there is none to be had."""

import time
from typing import Any

import structlog
from dramatiq import Actor, Broker, Middleware

from actors.running import Pass, RunningPasses
from actors.tenure import Tenure
from flows.events import build_start
from storage.claiming import Claimed, Terms, claim, claim_next
from storage.errors import PassLost
from storage.lanes import Lane
from storage.log import EventLog

logger = structlog.get_logger(__name__)


class Lease(Middleware):
    """Turns a hint into a claimed pass: that of the job whose turn it is in the hint's lane.

    It wraps the actor's function, where a failing claim or save propagates; Dramatiq's hooks around a message
    swallow errors (rule 10). A hint for which there is no job is acknowledged and forgotten.
    """

    def __init__(self, log: EventLog, running: RunningPasses, terms: Terms) -> None:
        self._log = log
        self._running = running
        self._terms = terms

    def after_declare_actor(self, broker: Broker, actor: Actor[Any, Any]) -> None:
        build = actor.fn

        def with_lease(job_id: str, lane: str | None = None) -> None:
            while not self._running.is_draining:
                began = time.monotonic()
                claimed = self._claim(job_id, lane)
                if claimed is None:
                    return
                running = Pass(claimed, Tenure(self._terms.lease_seconds, time.monotonic, began))
                with self._running.entered(running):
                    try:
                        build(running)
                    except PassLost as lost:
                        logger.info("pass_lost", job_id=claimed.job_id, fence=claimed.fence, reason=str(lost))
                if job_id:
                    return
                # A blank hint stands for all that waits.

        actor.fn = with_lease

    def _claim(self, job_id: str, lane: str | None) -> Claimed | None:
        if lane is None:
            return claim(self._log, job_id, self._terms, [build_start()])
        return claim_next(self._log, Lane(lane), self._terms, [build_start()])
