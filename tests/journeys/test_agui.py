"""An AG-UI client follows runs over several web processes, and over an emptied Redis."""

from threading import Event

import pytest

from tests.deployments import Deployment
from tests.making import approval_flow, model_flow
from tests.model_stub import ModelStub
from tests.node.agui_client import AguiClient, resolved
from tests.reading import Client
from tests.web.agui.telling import Teller, Wire, last_id

pytestmark = pytest.mark.real_services
INTERRUPT = Wire("agui-interrupt")


@pytest.fixture
def kind() -> str:
    """What one process does alone is tested in `tests/web/agui`."""
    return "scaled"


@pytest.fixture
def here(client: Client, agui_client: AguiClient) -> Teller:
    return Teller(client, agui_client)


@pytest.fixture
def there(other_client: Client, agui_client: AguiClient) -> Teller:
    return Teller(other_client, agui_client)


def test_a_text_goes_on_at_another_process(here: Teller, there: Teller, stub: ModelStub) -> None:
    """Whoever has read a part of it there reads the rest here, token by token."""
    stub.tokens = tuple("Hello, world")
    spoken = Event()
    stub.before_token = lambda index: index < 6 or spoken.wait(60)
    job_id = here.submit(model_flow())
    begun = here.half_said(job_id)
    spoken.set()
    seen = here.read(begun, there.body(job_id, last_id(begun)))
    assert seen.said == ["Hello, world"]
    assert len(seen.of("TEXT_MESSAGE_CONTENT")) == 12


def test_an_emptied_redis_costs_no_text(here: Teller, there: Teller, stub: ModelStub, deployment: Deployment) -> None:
    """The tokens that a client lacks are lost, and it gets what they said from the stored message, once (I11)."""
    stub.tokens = tuple("Hello, world")
    spoken = Event()
    stub.before_token = lambda index: index < 6 or spoken.wait(60)
    job_id = here.submit(model_flow())
    begun = here.half_said(job_id)
    deployment.flush_redis()
    spoken.set()
    seen = here.read(begun, there.body(job_id, last_id(begun)))
    assert seen.said == ["Hello, world"]
    deployment.flush_redis()
    told = there.over(job_id)
    assert told.full.messages == seen.messages
    assert len(told.full.of("TEXT_MESSAGE_CONTENT")) == 1


def test_an_interrupt_is_answered_anywhere(here: Teller, there: Teller, deployment: Deployment) -> None:
    """Asked by one process, answered and read on at another, with an empty Redis between."""
    job_id = here.submit(approval_flow(), INTERRUPT, input_value="Refund?")
    before = here.body(job_id)
    [interrupt] = here.read(before).interrupts
    deployment.flush_redis()
    assert there.client.resume(job_id, interrupt["id"], "approve").status_code == 200
    seen = there.read(before, there.body(job_id, last_id(before)))
    assert (seen.types.count("RUN_STARTED"), seen.said, seen.interrupts) == (2, ["Refund?"], [])
    assert here.over(job_id).full.messages == seen.messages


def test_an_agent_is_the_same_everywhere(client: Client, deployment: Deployment, agui_client: AguiClient) -> None:
    """A thread that begins at one process goes on at another, by a client that knows nothing but the interrupt."""
    path = f"/api/v2/agui/{client.store(approval_flow())}"
    here = agui_client.agent(f"{deployment.url}{path}")
    [interrupt] = here.say("Refund?").valid().interrupts
    deployment.flush_redis()
    there = agui_client.agent(f"{deployment.other_url}{path}", thread_id=here.thread_id)
    seen = there.resume(resolved(interrupt, "approve")).valid()
    assert (seen.said, seen.interrupts) == (["Refund?"], [])
