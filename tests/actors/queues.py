"""What lies in the queues of a broker."""

from dramatiq import Broker, Message
from dramatiq.brokers.stub import StubBroker

from actors.broker import make_broker
from actors.lanes import Lane, bounds
from tests.actors.workplace import PATIENCE


def memory_broker() -> StubBroker:
    """A broker in memory that nobody works on."""
    broker = make_broker(None, [], bounds(4))
    assert isinstance(broker, StubBroker)
    return broker


def next_hint(broker: StubBroker, lane: Lane) -> str:
    """The job of the next hint in a lane, which is waited for."""
    message: Message[None] = Message.decode(broker.queues[lane].get(timeout=PATIENCE))
    assert (message.queue_name, message.actor_name) == (lane, "build_flow")
    [job_id] = message.args
    return str(job_id)


def waiting(broker: Broker) -> dict[Lane, int]:
    """How many hints wait in each lane."""
    assert isinstance(broker, StubBroker)
    return {lane: broker.queues[lane].qsize() for lane in Lane}
