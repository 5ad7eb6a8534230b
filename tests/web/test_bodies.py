"""No request brings more into memory, or onto a disk, than it may (I10)."""

import select
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from storage.database import Database
from tests.deployments import Deployment
from tests.reading import FLOWS, WORKFLOWS, Client
from tests.web.conftest import MAX_BODY_BYTES
from tests.web.refusing import assert_refused, changes_nothing

ROUTES = {
    "run": ("POST", WORKFLOWS),
    "stop": ("POST", f"{WORKFLOWS}/stop"),
    "create": ("POST", FLOWS),
    "change": ("PATCH", f"{FLOWS}0b105ea0-ccef-46c8-844d-d57373370a52"),
    "put": ("PUT", f"{FLOWS}0b105ea0-ccef-46c8-844d-d57373370a52"),
    "upload": ("POST", f"{FLOWS}upload/"),
}
CHUNK = 50_000
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="flow.json"\r\n\r\n'


def in_chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


@pytest.mark.parametrize(("method", "path"), ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_one_byte_too_many(client: Client, stored: Database, method: str, path: str, chunked: bool) -> None:
    """Whether or not a body says how long it is, one byte above the limit is refused."""
    content = b" " * (MAX_BODY_BYTES + 1)
    with changes_nothing(stored):
        answer = client.http.request(method, path, content=in_chunks(content) if chunked else content)
    assert_refused(answer, 413, "PAYLOAD_TOO_LARGE", limit=MAX_BODY_BYTES)


def test_a_body_that_just_fits(client: Client, echo: str) -> None:
    """A body of the very limit is read."""
    body = b'{"flow_id": "%b"}' % echo.encode()
    assert client.http.post(WORKFLOWS, content=body.ljust(MAX_BODY_BYTES)).status_code == 200


def test_a_form_with_one_byte_too_many(client: Client, stored: Database) -> None:
    """A file in a form has the same limit as a body."""
    with changes_nothing(stored):
        answer = client.http.post(f"{FLOWS}upload/", files={"file": b" " * (MAX_BODY_BYTES + 1)})
    assert_refused(answer, 413, "PAYLOAD_TOO_LARGE", limit=MAX_BODY_BYTES)


@pytest.mark.parametrize(
    ("content_type", "start"), [("application/json", b""), ("multipart/form-data; boundary=x", FORM)]
)
def test_a_body_without_end(server: Deployment, content_type: str, start: bytes) -> None:
    """It is refused soon behind the limit, however long its sender goes on."""
    address = urlsplit(server.url)
    head = f"POST {FLOWS}upload/ HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {content_type}\r\n"
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = _send_until_answered(connection, start, at_most=20 * MAX_BODY_BYTES)
        assert sent < 20 * MAX_BODY_BYTES, "all of it was taken"
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


def _send_until_answered(connection: socket.socket, start: bytes, at_most: int) -> int:
    """Sends chunks until there is an answer; what the kernel holds for the receiver is among what was sent."""
    sent = 0
    chunk = start.ljust(CHUNK)
    deadline = time.monotonic() + 30
    while sent < at_most and time.monotonic() < deadline:
        readable, writable, _ = select.select([connection], [connection], [], 1)
        if readable:
            break
        if writable:
            connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            sent += len(chunk)
            chunk = b" " * CHUNK
            # Gives the server the time to answer before the next chunk.
            select.select([connection], [], [], 0.05)
    return sent
