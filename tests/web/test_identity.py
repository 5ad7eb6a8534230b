"""Who may call (contract 1.0): with keys only who shows one, without keys only this machine."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest

from storage.database import Database
from tests.deployments import Deployment, embedded
from tests.making import echo_flow
from tests.reading import FLOWS, WORKFLOWS, Client
from tests.storage.situations import contents
from tests.web.refusing import changes_nothing

KEY = "a-key-of-enough-characters"
NOBODY = (403, {"detail": "No authentication credentials provided"})
JOB = f"{WORKFLOWS}/0b105ea0-ccef-46c8-844d-d57373370a52"
FLOW = f"{FLOWS}0b105ea0-ccef-46c8-844d-d57373370a52"
ROUTES = [
    ("POST", WORKFLOWS), ("GET", WORKFLOWS), ("POST", f"{WORKFLOWS}/stop"), ("GET", f"{WORKFLOWS}/jobs"),
    ("GET", JOB), ("GET", f"{JOB}/events"), ("GET", FLOWS), ("POST", FLOWS), ("POST", f"{FLOWS}upload/"),
    ("GET", FLOW), ("PATCH", FLOW), ("PUT", FLOW), ("DELETE", FLOW),
]  # fmt: skip


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server that has given out a key."""
    with embedded(tmp_path_factory.mktemp("keyed"), {"PENSTOCK_BOOTSTRAP_KEY": KEY}) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def caller(keyed: Deployment) -> Iterator[httpx.Client]:
    """Somebody who shows nothing by themselves."""
    with httpx.Client(base_url=keyed.url, timeout=30) as client:
        yield client


def told(answer: httpx.Response) -> tuple[int, object]:
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_key(caller: httpx.Client, keyed: Deployment, method: str, path: str) -> None:
    """Every route asks for a key before it reads the body or looks anything up."""
    with closing(Database(keyed.database_url)) as stored, changes_nothing(stored):
        assert told(caller.request(method, path, content=b"{")) == NOBODY


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_no_key(caller: httpx.Client, path: str) -> None:
    """A platform asks whether the server lives without being anybody."""
    assert caller.get(path).status_code == 200


def test_a_bad_key(caller: httpx.Client) -> None:
    """It is refused as a key in the header and in the query, and as a token when it is shown as one."""
    bad_key = (403, {"detail": "Invalid API key"})
    assert told(caller.get(FLOWS, headers={"x-api-key": "wrong"})) == bad_key
    assert told(caller.get(FLOWS, params={"x-api-key": "wrong"})) == bad_key
    for shown in ("Bearer wrong", "Bearer", f"Bearer {KEY[:-1]}", f"Bearer {KEY} {KEY}"):
        answer = caller.get(FLOWS, headers={"Authorization": shown})
        assert told(answer) == (401, {"detail": "Invalid token"})


def test_another_scheme_is_no_key(caller: httpx.Client) -> None:
    """What is not a bearer's token is not looked at."""
    assert told(caller.get(FLOWS, headers={"Authorization": f"Basic {KEY}"})) == NOBODY


@pytest.mark.parametrize(
    "shown",
    [
        {"headers": {"x-api-key": KEY}},
        {"params": {"x-api-key": KEY}},
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"headers": {"Authorization": f"bearer   {KEY}"}},
    ],
)
def test_the_key(caller: httpx.Client, shown: dict[str, dict[str, str]]) -> None:
    """It is taken in all three places."""
    assert caller.get(FLOWS, **shown).status_code == 200  # type: ignore[arg-type]


def test_who_has_the_key_may_call_from_anywhere(caller: httpx.Client) -> None:
    """Host and origin matter only where nobody has to show a key."""
    headers = {"x-api-key": KEY, "Host": "penstock.example", "Origin": "https://penstock.example"}
    assert caller.get(FLOWS, headers=headers).status_code == 200


def test_the_key_is_nowhere_stored(caller: httpx.Client, keyed: Deployment) -> None:
    """Neither it nor what was shown in its place stands in a table or in the log (I8)."""
    with closing(Client(keyed.url, KEY)) as client:
        client.run(client.store(echo_flow()), input_value="x")
    with closing(Database(keyed.database_url)) as stored:
        assert KEY not in repr(contents(stored))
    assert KEY not in keyed.logs()


@pytest.mark.parametrize("host", ["penstock.example", "127.0.0.1.penstock.example", "10.0.0.1", "[::2]", "[", "@"])
def test_a_foreign_host_name(client: Client, stored: Database, host: str) -> None:
    """Without keys, a name that somebody else made point at this machine is refused."""
    with changes_nothing(stored):
        answer = client.http.get(FLOWS, headers={"Host": host})
    assert answer.status_code == 403
    assert answer.json().keys() == {"detail"}


@pytest.mark.parametrize(
    "origin",
    ["https://penstock.example", "null", "http://localhost.example", "http://localhost:3000", "file://", "http://["],
)
def test_a_foreign_origin(client: Client, stored: Database, echo: str, origin: str) -> None:
    """Without keys, a page from elsewhere cannot make a browser on this machine run anything."""
    with changes_nothing(stored):
        answer = client.http.post(WORKFLOWS, json={"flow_id": echo}, headers={"Origin": origin})
    assert answer.status_code == 403


def test_this_machine_by_all_its_names(client: Client, server: Deployment) -> None:
    """Without keys, calls from this machine to this machine are the local user's."""
    port = urlsplit(server.url).port
    for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        origin = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
        assert client.http.get(FLOWS, headers=origin).status_code == 200


def test_a_bad_key_is_not_nobody(client: Client) -> None:
    """Who shows a key that is none is refused even where nobody needs one."""
    assert client.http.get(FLOWS, headers={"x-api-key": "wrong"}).status_code == 403
