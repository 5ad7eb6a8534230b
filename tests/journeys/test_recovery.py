"""A run goes on where a killed process left it (I1, I6)."""

from collections import Counter
from contextlib import closing
from threading import Event

import pytest

from tests.journeys.conftest import Deploy
from tests.making import model_flow
from tests.model_stub import ModelStub
from tests.reading import Client

QUICK = {
    "PENSTOCK_LEASE_SECONDS": "2",
    "PENSTOCK_HEARTBEAT_SECONDS": "0.5",
    "PENSTOCK_SWEEP_SECONDS": "0.5",
}


@pytest.mark.parametrize("kind", ["embedded", pytest.param("scaled", marks=pytest.mark.real_services)])
def test_finished_vertices_are_not_built_again(deploying: Deploy, kind: str) -> None:
    """After kill -9 in the middle of a vertex the next pass builds only what is missing, and the log stays dense."""
    asked, answer = Event(), Event()

    def wait(index: int) -> None:
        asked.set()
        answer.wait(60)

    with ModelStub(before_token=wait) as stub:
        model = {"PENSTOCK_MODEL_BASE_URL": stub.url, "PENSTOCK_MODEL_NAME": "stub"}
        with deploying(kind, **QUICK, **model) as deployment, closing(Client(deployment.url)) as client:
            job_id = client.submit(client.store(model_flow()), input_value="x")
            assert asked.wait(60)
            for workplace in deployment.workplaces:
                workplace.kill()
            answer.set()
            deployment.start()
            events = client.events(job_id)
            detail = client.job(job_id)
    built = Counter(frame.json["data"]["build_data"]["id"] for frame in events if frame.event == "end_vertex")
    assert set(built.values()) == {1}
    assert detail["result"]["output"]["text"] == stub.answer
    seqs = [int(frame.id) for frame in events if not frame.is_delta]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(stub.requests) == 2
