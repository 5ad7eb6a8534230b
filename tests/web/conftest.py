"""One embedded server for all tests of the web, its client, and a way to what it stores."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from storage.accounts import LOCAL_USER_ID
from storage.database import Database
from storage.flow_store import find_flow
from storage.states import Mode, Status
from storage.submitting import NewJob
from tests.deployments import Deployment, embedded
from tests.making import echo_flow
from tests.reading import Client
from tests.storage.situations import brought_to
from tests.web.following import silent_log
from web.app import app

FIRST_KEY = "the-first-key-of-the-first-user"
MAX_VERTICES = 20
MAX_BODY_BYTES = 200_000
SETTINGS = {"PENSTOCK_MAX_VERTICES": str(MAX_VERTICES), "PENSTOCK_MAX_BODY_BYTES": str(MAX_BODY_BYTES)}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server without keys. Whatever it refused meanwhile, it still runs flows in the end."""
    with embedded(tmp_path_factory.mktemp("web"), SETTINGS) as deployment, closing(Client(deployment.url)) as client:
        yield deployment
        answer = client.run(client.store(echo_flow()), input_value="still here").json()
        assert answer["output"]["text"] == "still here"


@pytest.fixture(scope="session")
def client(server: Deployment) -> Iterator[Client]:
    with closing(Client(server.url)) as connected:
        yield connected


@pytest.fixture(scope="session")
def stored(server: Deployment) -> Iterator[Database]:
    """The database of the server."""
    with closing(Database(server.database_url)) as opened:
        yield opened


@pytest.fixture(scope="session")
def echo(client: Client) -> str:
    """The id of a stored flow that answers with what it was asked."""
    return client.store(echo_flow())


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The web reads SQLite here; that both databases tell the same is tested in `tests/storage`."""
    return sqlite_url


@pytest.fixture
def job_in(stored: Database, echo: str) -> Callable[[Status], str]:
    """Makes a job of the server in any state but queued, in which its workers would find it."""

    def make(status: Status) -> str:
        flow = find_flow(stored, echo)
        assert flow is not None
        job = NewJob(
            id=str(uuid4()),
            user_id=LOCAL_USER_ID,
            flow_id=flow.id,
            version_id=flow.version_id,
            mode=Mode.BACKGROUND,
            session_id=str(uuid4()),
            request="{}",
        )
        return brought_to(silent_log(stored), job, status).job_id

    return make


@pytest.fixture
def inside(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A caller of a server in this process, on `database_url`: a test can step in between what it does, and watch."""
    monkeypatch.setenv("PENSTOCK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP_KEY", FIRST_KEY)
    with TestClient(app, headers={"x-api-key": FIRST_KEY}) as client:
        yield client
