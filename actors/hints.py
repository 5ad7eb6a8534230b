"""Hints: messages that say that a job may have something to do."""

import structlog
from dramatiq import Broker, Message
from dramatiq.errors import DramatiqError
from redis import RedisError

from actors.lanes import lane_of
from storage.states import Mode

logger = structlog.get_logger(__name__)

ACTOR = "build_flow"


class Hints:
    """Sends hints. One that cannot be sent costs time only: the sweeper sends it again (rule 1)."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def send(self, job_id: str, mode: Mode) -> None:
        """Tells the workers of the mode's lane about a job; to be called after the commit that made it due."""
        message: Message[None] = Message(
            queue_name=lane_of(mode), actor_name=ACTOR, args=(job_id,), kwargs={}, options={}
        )
        try:
            self._broker.enqueue(message)
        except (RedisError, DramatiqError) as error:
            logger.warning("hint_not_sent", job_id=job_id, error=str(error))
