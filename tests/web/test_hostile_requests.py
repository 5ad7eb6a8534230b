"""Searches for a request that the server does not answer for itself: on every route, whatever is sent, nothing is a
5xx, and what is refused leaves no row behind (I10)."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, table
from sqlmodel import SQLModel
from starlette.routing import Route

from storage.database import Database
from tests.deployments import Deployment, embedded
from tests.making import echo_flow
from tests.reading import PATIENCE, Client
from tests.web.refusing import OF_WORKERS
from tests.web.test_fuzzing import DOCUMENTS
from web.gates.envelope import MAX_QUERY_BYTES
from web.routes import ROUTES

SEARCH = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
KEY = "a-key-of-enough-characters"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
RECORDED = {"/api/v1/login": {"audit_log"}}
"""Where it is written down that somebody was refused."""
_TABLES = sorted(SQLModel.metadata.tables.keys() - OF_WORKERS)

MOMENTS = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
"""Moments that no other time zone has."""
OUT_OF_RANGE = ["", "\0", "œ\u202e", "-1", "1e309", str(2**64), *MOMENTS, "urn:uuid:" + "0" * 32]
ODD = [
    "..", "../../etc/passwd", "%00", "\r\nX-Evil: 1", "' OR 1=1 --", "{job_id}", "a" * 4_000, "0",
    *OUT_OF_RANGE, "null", "\U0010ffff", "true", "0b105ea0-ccef-46c8-844d-d57373370a52",
    "0B105EA0CCEF46C8844DD57373370A52",
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(ODD)
PARAMETERS = [
    "flow_id", "job_id", "status", "session_id", "cursor", "limit", "kind", "overdue", "last_event_id", "on_suspend",
    "header_flows", "user", "action", "subject", "since", "token", "x-api-key",
]  # fmt: skip
QUERIES = st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=4)
HEADER_NAMES = [
    "x-api-key", "authorization", "cookie", "last-event-id", "content-type", "origin", "x-csrf-token", "accept",
    "range", "if-match", "x-forwarded-for", "x-forwarded-proto", "forwarded", "x-langflow-global-var-x",
    "x-langflow-global-var-",
]  # fmt: skip
HEADER_VALUES = st.sampled_from([
    b"", b"Bearer", b"Bearer x", b"Basic eDp4", b"multipart/form-data", b"multipart/form-data; boundary=x", b"1-1",
    b"-1", b"application/json; charset=utf-16", b"\xff\xfe", b"session=x; session=y", b"a=b;;=;", b"9" * 400, b"null",
    b"*", b"https://evil.example.com", b"client_id=x", b"127.0.0.1", b"::1, ,;", b"x" * 8_000,
])  # fmt: skip
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES, max_size=3)
FIELDS = [
    "flow_id", "job_id", "input_value", "tweaks", "session_id", "mode", "stream_protocol", "data", "files", "globals",
    "output_ids", "request_id", "decision", "action_id", "name", "value", "description", "tags", "endpoint_name",
    "user", "level", "username", "password", "api_key", "expires_at", "id",
]  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), DOCUMENTS | TEXTS | st.just({}), max_size=6)
BODIES = (DOCUMENTS | OBJECTS).map(lambda document: json.dumps(document).encode()) | st.sampled_from([
    b"", b"{", b"[" * 5_000, b'{"a":' * 5_000, b"nul", b"\xef\xbb\xbf{}", b'{"x":NaN}', b'{"x":1e999}', b'"\\ud800"',
    b'{"flow_id": "\\u0000"}', b'{"job_id": 1e5}', b'{"a":1,"a":2}', b'{"x":%d}' % 2**64, b"x" * 100_000, b"--x--\r\n",
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="../x"\r\n\r\n{\r\n--x--\r\n', b"\xff\0", b"--x",
])  # fmt: skip


@dataclass(frozen=True)
class Hostile:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, bytes]
    body: bytes


@st.composite
def requests(draw: st.DrawFn, path: str, ids: Mapping[str, str]) -> Hostile:
    """A request to a route: the ids in its path are real ones or anything at all, and so is everything else."""
    for name, real in ids.items():
        path = path.replace(f"{{{name}}}", quote(draw(st.just(real) | TEXTS), safe=draw(st.sampled_from(["", "/.%"]))))
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in draw(QUERIES).items())
    url = f"{path}?{query}"[:MAX_QUERY_BYTES]
    return Hostile(draw(st.sampled_from(METHODS)), url, draw(HEADERS), draw(BODIES))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server of its own, on which nothing else runs. In the end it still runs flows."""
    settings = {"PENSTOCK_PUBLIC_RUNS_PER_MINUTE": "1000000", "PENSTOCK_BOOTSTRAP_KEY": KEY}
    with embedded(tmp_path_factory.mktemp("attacked"), settings) as deployment:
        yield deployment
        with closing(Client(deployment.url, KEY)) as client:
            answer = client.run(client.store(echo_flow(), "last"), input_value="still here").json()
        assert answer["output"]["text"] == "still here"


@pytest.fixture(scope="module")
def rows(attacked: Deployment) -> Iterator[Database]:
    with closing(Database(attacked.database_url)) as opened:
        yield opened


@pytest.fixture(scope="module")
def ids(attacked: Deployment) -> Mapping[str, str]:
    """What stands in the paths of routes, each the id of something that there is where there can be."""
    with closing(Client(attacked.url, KEY)) as client:
        flow_id = client.store(echo_flow())
        job_id = client.run(flow_id, input_value="x").json()["job_id"]
    nothing = str(UUID(int=7))
    found = {name: nothing for route in ROUTES if isinstance(route, Route) for name in route.param_convertors}
    return {**found, "flow_id": flow_id, "job_id": job_id}


@pytest.fixture(scope="module")
def attacker(attacked: Deployment) -> Iterator[httpx.Client]:
    """Somebody who has a key, and shows it unless they show something else."""
    with httpx.Client(base_url=attacked.url, timeout=PATIENCE, headers={"x-api-key": KEY}) as client:
        yield client


PATHS = sorted({route.path for route in ROUTES if isinstance(route, Route)})
READ = sorted({route.path for route in ROUTES if isinstance(route, Route) and "GET" in (route.methods or ())})


@pytest.mark.parametrize("path", PATHS)
def test_any_request(attacker: httpx.Client, rows: Database, ids: Mapping[str, str], path: str) -> None:
    """It is answered or refused, and what is refused is as if it had never been."""

    @SEARCH
    @given(hostile=requests(path, ids))
    def search(hostile: Hostile) -> None:
        before = counted(rows)
        status = status_of(attacker, hostile)
        assert status < 500, hostile
        if status >= 400:
            after = counted(rows)
            changed = {name for name in _TABLES if after[name] != before[name]}
            assert changed <= RECORDED.get(path, set()), (status, hostile)

    search()


@pytest.mark.parametrize("path", READ)
def test_any_query(attacker: httpx.Client, rows: Database, ids: Mapping[str, str], path: str) -> None:
    """Whatever one parameter says, alone: it is answered or refused, and reading changes nothing."""
    before = counted(rows)
    for name, value in product(PARAMETERS, OUT_OF_RANGE):
        asked = Hostile("GET", f"{path.format_map(ids)}?{name}={quote(value)}", {}, b"")
        assert status_of(attacker, asked) < 500, asked
    assert counted(rows) == before


def status_of(client: httpx.Client, hostile: Hostile) -> int:
    """The status of the answer, whose body may have no end."""
    headers = [(name.encode(), value) for name, value in hostile.headers.items()]
    with client.stream(hostile.method, hostile.url, headers=headers, content=hostile.body) as answer:
        return answer.status_code


def counted(database: Database) -> Mapping[str, int]:
    """How many rows each table has."""
    counts = [select(func.count()).select_from(table(name)).scalar_subquery().label(name) for name in _TABLES]
    with database.read() as connection:
        row: Any = connection.execute(select(*counts)).one()
    return dict(row._mapping)


RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no path": b"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path of bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "half an escape": b"GET /api/v2/workflows/%zz%1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "somebody else's URL": b"GET http://evil.example.com/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a header": b"GET /health HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
    "two lengths": b"POST /api/v2/workflows HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    "length and chunks": b"POST /api/v2/workflows HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length below nothing": b"POST /api/v2/workflows HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "no number of a chunk": b"POST /api/v2/workflows HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an upgrade": b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "half a request": b"GET /health HTT",
}


@pytest.mark.parametrize("sent", RAW.values(), ids=RAW)
def test_what_is_hardly_a_request(attacked: Deployment, attacker: httpx.Client, rows: Database, sent: bytes) -> None:
    """It is refused or not answered at all, and the next one is served."""
    before = counted(rows)
    address = urlsplit(attacked.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answered = b""
        with suppress(ConnectionError):
            while received := connection.recv(65_536):
                answered += received
    assert not answered or answered.startswith((b"HTTP/1.1 4", b"HTTP/1.1 2")), answered
    assert counted(rows) == before
    assert attacker.get("/health").status_code == 200
