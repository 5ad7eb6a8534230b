"""What lies in the queues of a broker."""

from collections.abc import Sequence

from dramatiq import Broker, Message
from dramatiq.brokers.stub import StubBroker

from actors.broker import make_broker
from actors.hints import ACTOR
from actors.lanes import bounds
from storage.lanes import Lane
from tests.actors.workplace import PATIENCE


def memory_broker() -> StubBroker:
    """A broker in memory that nobody works on."""
    broker = make_broker(None, [], bounds(4))
    assert isinstance(broker, StubBroker)
    return broker


def next_hint(broker: StubBroker, lane: Lane) -> str:
    """The job of the next hint in a lane, which is waited for; whoever gets it takes the job whose turn it is there."""
    job_id, told = taken_from(broker, lane)
    assert told == lane
    return str(job_id)


def taken_from(broker: StubBroker, lane: Lane) -> Sequence[str]:
    """What the next hint in a lane says, which is waited for."""
    message: Message[None] = Message.decode(broker.queues[lane].get(timeout=PATIENCE))
    assert (message.queue_name, message.actor_name) == (lane, ACTOR)
    return message.args


def waiting(broker: Broker) -> dict[Lane, int]:
    """How many hints wait in each lane."""
    assert isinstance(broker, StubBroker)
    return {lane: broker.queues[lane].qsize() for lane in Lane}
