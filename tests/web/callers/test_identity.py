"""Who may call (contract 1.0): with keys only who shows one, without keys only this machine."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.clock import after
from storage.database import BUSY_MILLISECONDS, Database
from storage.keys import find_view, list_keys, revoke_key
from tests.deployments import Deployment, embedded
from tests.making import echo_flow
from tests.reading import FLOWS, PATIENCE, WORKFLOWS, Client
from tests.storage.situations import contents
from tests.web.refusing import changes_nothing
from tests.web.signing_in import (
    API_KEYS,
    BAD_KEY,
    BAD_TOKEN,
    DESK,
    LOGOUT,
    NOBODY,
    PASSWORD,
    SESSION,
    WHOAMI,
    House,
    house_of,
    told,
)
from web.callers.credentials import COOKIE
from web.callers.proxies import FORWARDING_HEADERS

KEY = "a-key-of-enough-characters"
JOB = f"{WORKFLOWS}/0b105ea0-ccef-46c8-844d-d57373370a52"
FLOW = f"{FLOWS}0b105ea0-ccef-46c8-844d-d57373370a52"
ROUTES = [
    ("POST", WORKFLOWS), ("GET", WORKFLOWS), ("POST", f"{WORKFLOWS}/stop"), ("GET", f"{WORKFLOWS}/jobs"),
    ("GET", JOB), ("GET", f"{JOB}/events"), ("GET", FLOWS), ("POST", FLOWS), ("POST", f"{FLOWS}upload/"),
    ("GET", FLOW), ("PATCH", FLOW), ("PUT", FLOW), ("DELETE", FLOW), ("POST", f"{JOB}/stream-token"),
    ("GET", API_KEYS), ("POST", API_KEYS), ("DELETE", f"{API_KEYS}0b105ea0-ccef-46c8-844d-d57373370a52"),
    ("POST", LOGOUT), ("GET", SESSION), ("GET", WHOAMI),
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
    assert told(caller.get(FLOWS, headers={"x-api-key": "wrong"})) == BAD_KEY
    assert told(caller.get(FLOWS, params={"x-api-key": "wrong"})) == BAD_KEY
    for shown in ("Bearer wrong", "Bearer", f"Bearer {KEY[:-1]}", f"Bearer {KEY} {KEY}"):
        answer = caller.get(FLOWS, headers={"Authorization": shown})
        assert told(answer) == BAD_TOKEN


@pytest.mark.parametrize("length", [257, 8_000])
def test_an_absurdly_long_key(caller: httpx.Client, length: int) -> None:
    """It is refused like any other bad one."""
    assert told(caller.get(FLOWS, headers={"x-api-key": "x" * length})) == BAD_KEY
    assert told(caller.get(FLOWS, headers={"Authorization": f"Bearer {'x' * length}"})) == BAD_TOKEN


def test_an_empty_key_is_none(caller: httpx.Client) -> None:
    """But who says Bearer means it."""
    assert told(caller.get(FLOWS, headers={"x-api-key": ""}, params={"x-api-key": ""})) == NOBODY
    assert told(caller.get(FLOWS, headers={"x-api-key": "", "Authorization": "Bearer"})) == BAD_TOKEN


SENT = st.lists(st.sampled_from([*range(0x20, 0x7F), *range(0x80, 0x100)]), max_size=80).map(bytes)
"""What the client lets through as the value of a header."""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(key=SENT, scheme=st.sampled_from([b"Bearer ", b"bearer", b"Basic ", b""]), token=SENT, cookie=SENT, query=SENT)
def test_whatever_is_shown(
    caller: httpx.Client, key: bytes, scheme: bytes, token: bytes, cookie: bytes, query: bytes
) -> None:
    """Any bytes in any of the places are refused as the contract says, and nothing else happens."""
    shown = {b"x-api-key": key, b"authorization": scheme + token, b"cookie": COOKIE.encode() + b"=" + cookie}
    headers = [(name, value.strip()) for name, value in shown.items()]
    answer = caller.get(FLOWS, headers=headers, params={"x-api-key": query.decode("latin-1")})
    assert told(answer) in (NOBODY, BAD_KEY, BAD_TOKEN)


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


@pytest.fixture(scope="module")
def house(keyed: Deployment) -> Iterator[House]:
    with house_of(keyed, keyed.webs[0].log.parent) as found:
        yield found


def test_a_key_that_has_expired_or_was_revoked(house: House, caller: httpx.Client) -> None:
    """It is as bad as any other, at the next request."""
    anna = house.add("anna")
    over, revoked = house.key_of(anna, after(-1)), house.key_of(anna)
    assert caller.get(FLOWS, headers={"x-api-key": revoked.key}).status_code == 200
    revoke_key(house.stored, revoked.id, DESK)
    for key in (over.key, revoked.key):
        assert told(caller.get(FLOWS, headers={"x-api-key": key})) == BAD_KEY
        assert told(caller.get(FLOWS, headers={"Authorization": f"Bearer {key}"})) == BAD_TOKEN


def test_the_last_use_of_a_key_is_told(house: House, caller: httpx.Client) -> None:
    """The first use is written; those of the same minute are not."""
    key = house.key_of(house.add("bob"))

    def last_used() -> datetime | None:
        view = find_view(house.stored, key.id)
        assert view is not None
        return view.last_used_at

    assert last_used() is None
    caller.get(FLOWS, headers={"x-api-key": key.key})
    deadline = time.monotonic() + PATIENCE
    while (first := last_used()) is None:
        assert time.monotonic() < deadline, "the use of the key was never written"
    with changes_nothing(house.stored):
        for _ in range(20):
            caller.get(FLOWS, headers={"x-api-key": key.key})
    assert last_used() == first


def test_a_key_is_taken_while_nothing_can_be_written(house: House, caller: httpx.Client) -> None:
    """The request does not wait for its use to be written."""
    key = house.key_of(house.add("carl")).key
    with house.stored.durable():
        begun = time.monotonic()
        assert caller.get(FLOWS, headers={"x-api-key": key}).status_code == 200
        assert time.monotonic() - begun < BUSY_MILLISECONDS / 1000 / 2


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


@pytest.mark.parametrize("header", FORWARDING_HEADERS)
def test_what_a_proxy_passed_on(client: Client, stored: Database, header: str) -> None:
    """Without keys, it is nobody's: the proxy is on this machine, who calls it need not be."""
    with changes_nothing(stored):
        assert told(client.http.get(FLOWS, headers={header: "127.0.0.1"})) == NOBODY


def test_the_first_key_and_the_first_password_close_the_door(tmp_path: Path) -> None:
    """At once, in a server that runs; it opens again when nobody could show any more."""
    with embedded(tmp_path, {}) as deployment, house_of(deployment, tmp_path) as house, house.calling() as caller:
        assert caller.get(FLOWS).status_code == 200
        new = caller.post(API_KEYS, json={"name": "the first"})
        assert new.status_code == 200
        assert told(caller.get(FLOWS)) == NOBODY
        with house.calling(new.json()["api_key"]) as keyed:
            assert keyed.delete(f"{API_KEYS}{new.json()['id']}").status_code == 200
        assert caller.get(FLOWS).status_code == 200
        house.add("anna", password=PASSWORD)
        assert told(caller.get(FLOWS)) == NOBODY


def test_a_first_key_in_the_settings_keeps_the_door_closed(tmp_path: Path) -> None:
    """Also when it was revoked: whoever set it did not mean an open door."""
    with (
        embedded(tmp_path, {"PENSTOCK_BOOTSTRAP_KEY": KEY}) as deployment,
        house_of(deployment, tmp_path) as other,
        other.calling() as caller,
    ):
        [first] = list_keys(other.stored)
        revoke_key(other.stored, first.id, DESK)
        assert told(caller.get(FLOWS)) == NOBODY


def test_this_machine_by_all_its_names(client: Client, server: Deployment) -> None:
    """Without keys, calls from this machine to this machine are the local user's."""
    port = urlsplit(server.url).port
    for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        origin = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
        assert client.http.get(FLOWS, headers=origin).status_code == 200


def test_a_bad_key_is_not_nobody(client: Client) -> None:
    """Who shows a key that is none is refused even where nobody needs one."""
    assert client.http.get(FLOWS, headers={"x-api-key": "wrong"}).status_code == 403
