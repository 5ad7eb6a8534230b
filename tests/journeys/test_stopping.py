"""A stop takes effect at once, from any process, and only once (rule 9, I7)."""

from collections.abc import Iterator
from threading import Event

import pytest

from tests.deployments import Deployment
from tests.journeys.checking import check_log
from tests.journeys.gated import Gate
from tests.making import echo_flow, model_flow
from tests.model_stub import ModelStub
from tests.reading import Client

BACKGROUND_THREADS = 6
"""Threads of one of these deployments' worker processes that background runs may take."""


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


@pytest.mark.parametrize("kind", ["Gated", "GatedBlocking"])
def test_a_stop_frees_the_thread_at_once(
    client: Client, other_client: Client, deployment: Deployment, gate: Gate, kind: str
) -> None:
    """Runs that hold every thread, awaiting or blocking, are stopped from another process before their vertices end:
    the next run finds a thread, and what a vertex comes to later is refused (I7)."""
    count = BACKGROUND_THREADS * len(deployment.workplaces)
    held = client.store(gate.flow(kind, kind))
    job_ids = [client.submit(held, input_value="x") for _ in range(count)]
    gate.await_lines(count)
    following = client.submit(client.store(echo_flow()), input_value="next")
    assert client.job(following)["status"] == "queued"
    for job_id in job_ids:
        assert other_client.stop(job_id).status_code == 200
    seen = {job_id: client.events(job_id) for job_id in job_ids}
    check_log(client.events(following), "completed")
    gate.open()
    if kind == "GatedBlocking":
        gate.await_lines(2 * count)
    for job_id in job_ids:
        check_log(seen[job_id], "cancelled")
        assert client.events(job_id) == seen[job_id]
    assert {line.vertex_id for line in gate.begun()} == {"step-1"}


def test_a_late_stop_changes_nothing(client: Client) -> None:
    """A finished job stays finished."""
    flow_id = client.store(model_flow())
    job_id = client.run(flow_id, input_value="x").json()["job_id"]
    assert client.stop(job_id).json()["message"] == f"Job {job_id} already finished (completed)."
    assert client.job(job_id)["status"] == "completed"
