"""One server with everybody who may come to it."""

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from storage.database import Database
from storage.secrets import Secrets, new_key
from tests.deployments import Deployment, embedded
from tests.reading import PATIENCE
from tests.web.rights.principals import END_USER, PROXY, People, settle
from tests.web.rights.world import World


@pytest.fixture(scope="session")
def secret_key() -> str:
    return new_key()


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, secret_key: str) -> Iterator[Deployment]:
    """A server that tells the end users of a service apart, and lets visitors in as often as they come."""
    settings = {
        "PENSTOCK_SECRET_KEY": secret_key,
        "PENSTOCK_END_USER_HEADER": END_USER,
        "PENSTOCK_TRUSTED_PROXIES": PROXY,
        "PENSTOCK_PUBLIC_RUNS_PER_MINUTE": "100000",
        "PENSTOCK_RECHECK_SECONDS": "0.001",
    }
    with embedded(tmp_path_factory.mktemp("guarded"), settings) as deployment:
        yield deployment


@pytest.fixture(scope="session")
def kept(guarded: Deployment) -> Iterator[Database]:
    """The database of the server."""
    with closing(Database(guarded.database_url)) as opened:
        yield opened


@pytest.fixture(scope="session")
def people(kept: Database, secret_key: str) -> People:
    return settle(kept, Secrets([secret_key]))


@pytest.fixture(scope="session")
def http(guarded: Deployment) -> Iterator[httpx.Client]:
    """Somebody who shows nothing by themselves, and remembers nothing either."""
    with httpx.Client(base_url=guarded.url, timeout=PATIENCE) as client:
        yield client


@pytest.fixture(scope="session")
def proxy(guarded: Deployment) -> Iterator[httpx.Client]:
    """The same behind the trusted proxy."""
    transport = httpx.HTTPTransport(local_address=PROXY)
    with httpx.Client(base_url=guarded.url, timeout=PATIENCE, transport=transport) as client:
        yield client


@pytest.fixture(scope="session")
def lasting(http: httpx.Client, proxy: httpx.Client, people: People) -> World:
    """The owner's things for all calls that change none of them."""
    return World(http, proxy, people)


@pytest.fixture
def world(http: httpx.Client, proxy: httpx.Client, people: People) -> World:
    return World(http, proxy, people)
