"""No request brings more into memory, or onto a disk, than it may (I10)."""

import asyncio
import select
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.types import Message

from storage.database import Database
from tests.deployments import Deployment
from tests.reading import FLOWS, WORKFLOWS, Client
from tests.web.conftest import MAX_BODY_BYTES
from tests.web.refusing import assert_refused, changes_nothing
from web.bodies import parse_json, read_bytes, read_form
from web.errors import Invalid, Refusal

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


async def _read_bytes(request: Request) -> object:
    return await read_bytes(request, 1_000, seconds=0.1)


async def _read_form(request: Request) -> object:
    async with read_form(request, 1_000, seconds=0.1) as form:
        return form


@pytest.mark.parametrize("read", [_read_bytes, _read_form], ids=["body", "form"])
@pytest.mark.parametrize("pause", [0.02, 3_600], ids=["drop by drop", "not at all"])
def test_a_body_that_does_not_come(read: Callable[[Request], Awaitable[object]], pause: float) -> None:
    """It is given up after a while, however many drops of it come, and with it the connection (fault F18)."""

    begun = False

    async def receive() -> Message:
        nonlocal begun
        if begun:
            await asyncio.sleep(pause)
        drop, begun = b"-" if begun else FORM, True
        return {"type": "http.request", "body": drop, "more_body": True}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    with pytest.raises(Refusal) as caught:
        asyncio.run(_within(5, read(request)))
    assert (caught.value.status, caught.value.detail["code"]) == (408, "BODY_TIMEOUT")
    assert caught.value.headers == {"Connection": "close"}


async def _within(seconds: float, reading: Awaitable[object]) -> object:
    async with asyncio.timeout(seconds):
        return await reading


@pytest.mark.parametrize("number", [-(2**63), 2**63 - 1, 2**64 - 1, 0])
def test_integers_of_64_bits_are_what_was_sent(number: int) -> None:
    assert parse_json(b'{"x": [%d]}' % number) == {"x": [number]}


@pytest.mark.parametrize("digits", [str(-(2**63) - 1), str(2**64), "2" + "0" * 19, "1" * 5_000], ids=len)
def test_integers_that_would_be_rounded_are_refused(digits: str) -> None:
    """Instead of being another number: even those that no `int` is made of."""
    with pytest.raises(Invalid) as caught:
        parse_json(b'{"x": [%b]}' % digits.encode())
    assert caught.value.errors[0]["type"] == "json_invalid"


@pytest.mark.parametrize("text", [b'"18446744073709551616"', b"0.18446744073709551616", b"1e20"])
def test_what_only_looks_like_a_large_integer_is_taken(text: bytes) -> None:
    assert parse_json(b"[%b]" % text)


@pytest.mark.parametrize("depth", [900, 1_000, 1_024, 1_025, 100_000])
@pytest.mark.parametrize("core", [b"1", b"12345678901234567890"])
def test_absurd_nesting_is_no_defect(depth: int, core: bytes) -> None:
    """It is parsed, or refused, and never more than the stack holds (fault F17)."""
    with suppress(Invalid):
        parse_json(b"[" * depth + core + b"]" * depth)
