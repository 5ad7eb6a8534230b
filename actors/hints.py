"""Hints: messages that say that a job may have something to do."""

import structlog
from dramatiq import Broker, Message
from dramatiq.errors import DramatiqError

from storage.answering import Woken
from storage.control import Control, Word
from storage.kill_points import HINT_SENT, Reached, unarmed
from storage.lanes import Lane, lane_of
from storage.redis_link import RedisAway
from storage.states import Mode

logger = structlog.get_logger(__name__)

ACTOR = "build_flow"


class Hints:
    """Sends hints. One that cannot be sent costs time only: the sweeper sends it again (rule 1)."""

    def __init__(self, broker: Broker, reached: Reached = unarmed) -> None:
        self._broker = broker
        self._reached = reached

    def send(self, job_id: str, mode: Mode) -> None:
        """Tells the workers of the mode's lane that a job waits; to be called after the commit that made it due.

        Whoever gets it takes the job whose turn it is, which need not be this one.
        """
        self._send(job_id, lane_of(mode), (job_id, lane_of(mode)))

    def send_for_this_one(self, job_id: str, mode: Mode) -> None:
        """Asks for a certain job, whoever's turn it is."""
        self._send(job_id, lane_of(mode), (job_id,))

    def _send(self, job_id: str, lane: Lane, args: tuple[str, ...]) -> None:
        message: Message[None] = Message(queue_name=lane, actor_name=ACTOR, args=args, kwargs={}, options={})
        try:
            self._broker.enqueue(message)
        except (RedisAway, DramatiqError) as error:
            logger.warning("hint_not_sent", job_id=job_id, error=str(error))
        self._reached(HINT_SENT)


def wake(woken: Woken, hints: Hints, control: Control) -> None:
    """Tells whoever is to go on with a job that somebody decided something about it: any worker, or the pass that runs.
    Whoever misses it looks at the row."""
    if woken.is_queued:
        hints.send(woken.job_id, woken.mode)
    else:
        control.tell(Word.ANSWERED, woken.job_id)
