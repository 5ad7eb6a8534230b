"""What a server that has enough to do answers, and a run that takes too long (I10)."""

from collections.abc import Iterator
from contextlib import closing
from threading import Event, Semaphore
from uuid import uuid4

import pytest

from storage.database import Database
from tests.deployments import Deployment, embedded
from tests.making import echo_flow, model_flow
from tests.model_stub import ModelStub
from tests.reading import Client, milestones
from tests.shapes import Exported
from tests.web.refusing import assert_refused, changes_nothing

SYNC_SECONDS = 2.0


class Stuck:
    """A model that answers when the test lets it, and tells when it is asked."""

    def __init__(self) -> None:
        self.asked = Semaphore(0)
        self.let_go = Event()

    def before_token(self, index: int) -> None:
        if index == 0:
            self.asked.release()
        self.let_go.wait(60)


@pytest.fixture(scope="module")
def stub() -> Iterator[ModelStub]:
    with ModelStub() as running:
        yield running


@pytest.fixture(scope="module")
def server(stub: ModelStub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server that runs one job, and lets one wait."""
    settings = {
        "PENSTOCK_MAX_QUEUED": "1",
        "PENSTOCK_WORKER_THREADS": "1",
        "PENSTOCK_SYNC_TIMEOUT_SECONDS": str(SYNC_SECONDS),
        "PENSTOCK_MODEL_BASE_URL": stub.url,
        # Nothing is renewed or hinted again while a test compares what is stored.
        "PENSTOCK_SWEEP_SECONDS": "600",
        "PENSTOCK_HEARTBEAT_SECONDS": "600",
        "PENSTOCK_LEASE_SECONDS": "1200",
    }
    with embedded(tmp_path_factory.mktemp("small"), settings) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def client(server: Deployment) -> Iterator[Client]:
    with closing(Client(server.url)) as connected:
        yield connected


@pytest.fixture(scope="module")
def stored(server: Deployment) -> Iterator[Database]:
    with closing(Database(server.database_url)) as opened:
        yield opened


@pytest.fixture
def stuck(stub: ModelStub) -> Iterator[Stuck]:
    model = Stuck()
    stub.before_token = model.before_token
    yield model
    model.let_go.set()


def new_graph() -> Exported:
    """A graph that nothing has stored yet."""
    exported = echo_flow()
    exported["nodes"][0]["data"]["node"]["display_name"] = str(uuid4())
    return exported


def test_more_than_may_wait(client: Client, stored: Database, stuck: Stuck) -> None:
    """A background run is refused with a time to come back, and nothing of it is stored; the others are run."""
    slow, quick = client.store(model_flow()), client.store(echo_flow())
    running = client.submit(slow, input_value="x")
    assert stuck.asked.acquire(timeout=60)
    waiting = client.submit(slow, input_value="x")
    with changes_nothing(stored):
        answers = [client.run(quick, mode="background", data=data) for data in (None, new_graph())]
    for answer in answers:
        assert_refused(answer, 429, "SERVICE_BUSY")
        assert answer.headers["Retry-After"] == "1"
    stuck.let_go.set()
    assert {client.events(job_id)[-1].json["data"]["status"] for job_id in (running, waiting)} == {"completed"}
    assert client.run(quick, input_value="again").json()["output"]["text"] == "again"


def test_a_sync_run_that_takes_too_long(client: Client, stuck: Stuck) -> None:
    """It is answered with 408 and what it was allowed; its worker is free again."""
    flow_id = client.store(model_flow())
    answer = client.run(flow_id, input_value="x")
    job_id = answer.json()["detail"].get("job_id")
    assert_refused(answer, 408, "EXECUTION_TIMEOUT", job_id=job_id, flow_id=flow_id, timeout_seconds=SYNC_SECONDS)
    assert client.job(job_id)["status"] == "timed_out"
    assert client.run(client.store(echo_flow()), input_value="next").json()["status"] == "completed"


def test_a_stream_that_takes_too_long(client: Client, stuck: Stuck) -> None:
    """It ends with the event that says so, the same that is stored."""
    with client.streaming(client.store(model_flow()), input_value="x") as found:
        seen = list(found)
        job_id = client.http.get("/api/v2/workflows/jobs", params={"limit": 1}).json()["jobs"][0]["job_id"]
    assert seen[-1].json["type"] == "timed_out"
    assert client.events(job_id) == milestones(seen)
