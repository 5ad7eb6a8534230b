"""A client outlives its server: what it reads goes on where it broke off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock import AsyncClient, Client
from penstock.client.errors import StillRunning
from penstock.client.events import End, EndVertex, Event, RunRecovered
from penstock.client.models import Status
from tests.deployments import Deployment, embedded
from tests.journeys.conftest import QUICK
from tests.journeys.gated import SETTING, Gate
from tests.penstock.client.conftest import KINDS, connected


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Deployment]:
    """A server that the test may kill."""
    with embedded(tmp_path, {**QUICK, **SETTING}) as deployment:
        yield deployment


@pytest.mark.parametrize("kind", KINDS, ids=["sync", "async"])
def test_a_stream_goes_on_over_the_death_of_its_server(
    kind: type[Client] | type[AsyncClient], server: Deployment, tmp_path: Path
) -> None:
    """The server dies in the middle of a stream and is started again; the iterator just goes on, each milestone once,
    and the run is the same one. Whoever waits meanwhile is told that it still runs, and then that it is over."""
    gate = Gate(tmp_path)
    with connected(kind, server.url, patience=60) as client:
        flow = client.push_flow({"name": "gated", "data": gate.flow("Gated", "Gated")})
        events = client.stream(flow.id, "hello")
        seen = list(until_a_vertex_has_ended(events))
        server.kill()
        server.start()
        [job] = client.jobs(flow_id=flow.id)
        with pytest.raises(StillRunning, match=r"after 0\.5 s"):
            client.wait(job.job_id, timeout=0.5)
        gate.open()
        seen += events
        assert client.wait(job.job_id).status is Status.COMPLETED
    assert [int(event.cursor) for event in seen] == list(range(1, len(seen) + 1))
    assert any(isinstance(event, RunRecovered) for event in seen)
    assert isinstance(seen[-1], End)


def until_a_vertex_has_ended(events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        yield event
        if isinstance(event, EndVertex):
            return
