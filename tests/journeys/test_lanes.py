"""Somebody who waits does not wait behind a backlog of background runs."""

from collections.abc import Iterator
from threading import Event

import pytest

from tests.making import echo_flow, model_flow
from tests.model_stub import ModelStub
from tests.reading import Client

BACKLOG = 40
"""More background runs than all workers together take at once."""


@pytest.fixture
def stuck(stub: ModelStub) -> Iterator[None]:
    """A model that answers nobody before the end of the test."""
    over = Event()
    stub.before_token = lambda index: over.wait(60)
    yield
    over.set()


def test_a_sync_run_overtakes_a_backlog(client: Client, stuck: None) -> None:
    """With every background thread stuck and more runs queued, a sync run is answered."""
    slow, quick = client.store(model_flow()), client.store(echo_flow())
    backlog = [client.submit(slow, input_value="x") for _ in range(BACKLOG)]
    assert client.run(quick, input_value="now").json()["output"]["text"] == "now"
    assert [client.job(job_id)["status"] for job_id in backlog].count("queued") > 0
    for job_id in backlog:
        client.stop(job_id)
