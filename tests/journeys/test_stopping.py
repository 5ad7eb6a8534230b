"""A stop takes effect at once, from any process, and only once (rule 9, I7)."""

from collections.abc import Iterator
from threading import Event

import pytest

from tests.making import model_flow
from tests.model_stub import ModelStub
from tests.reading import Client


@pytest.fixture
def asked(stub: ModelStub) -> Iterator[Event]:
    """Set when the model was asked; it never answers before the end of the test."""
    arrived, over = Event(), Event()

    def wait(index: int) -> None:
        arrived.set()
        over.wait(60)

    stub.before_token = wait
    yield arrived
    over.set()


def test_a_run_that_waits_for_a_model_is_stopped(client: Client, other_client: Client, asked: Event) -> None:
    """Every watcher gets the terminal event in its envelope, the job is cancelled, a second stop changes nothing."""
    job_id = client.submit(client.store(model_flow()), input_value="x")
    with other_client.attached(job_id) as found:
        assert asked.wait(60)
        first = client.stop(job_id)
        seen = list(found)
    assert first.json() == {"job_id": job_id, "message": f"Job {job_id} cancelled successfully."}
    assert (seen[-1].event, seen[-1].json["type"]) == ("cancelled", "cancelled")
    assert other_client.stop(job_id).json()["message"] == f"Job {job_id} is already cancelled."
    assert client.job(job_id)["status"] == "cancelled"
    assert client.events(job_id) == seen


def test_a_late_stop_changes_nothing(client: Client) -> None:
    """A finished job stays finished."""
    flow_id = client.store(model_flow())
    job_id = client.run(flow_id, input_value="x").json()["job_id"]
    assert client.stop(job_id).json()["message"] == f"Job {job_id} already finished (completed)."
    assert client.job(job_id)["status"] == "completed"
