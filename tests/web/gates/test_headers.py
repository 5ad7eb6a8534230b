"""What every answer tells a browser."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from tests.deployments import embedded
from tests.reading import FLOWS, WORKFLOWS, Client
from web.callers.proxies import TrustedProxies
from web.errors import HANDLERS
from web.gates.envelope import MAX_QUERY_BYTES
from web.gates.headers import SECURITY_HEADERS, SecurityHeaders

ASKED = {
    "a probe": ("GET", "/health"),
    "a list": ("GET", FLOWS),
    "what is missing": ("GET", f"{FLOWS}0b105ea0-ccef-46c8-844d-d57373370a52"),
    "no route": ("GET", "/nowhere"),
    "no method": ("DELETE", "/health"),
    "what does not fit": ("POST", WORKFLOWS),
    "a query too long": ("GET", f"{FLOWS}?{'x' * (MAX_QUERY_BYTES + 1)}"),
}


@pytest.mark.parametrize(("method", "path"), ASKED.values(), ids=ASKED)
def test_every_answer_has_the_headers(client: Client, method: str, path: str) -> None:
    """Refusals too."""
    answer = client.http.request(method, path)
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)
    assert "Strict-Transport-Security" not in answer.headers


def test_a_stream_keeps_what_it_says_itself(client: Client, echo: str) -> None:
    """Its own word on caching, beside the other headers."""
    with client.http.stream("POST", WORKFLOWS, json={"flow_id": echo, "mode": "stream", "input_value": "x"}) as answer:
        told = {name: answer.headers.get_list(name) for name in SECURITY_HEADERS}
    expected = {name: [value] for name, value in SECURITY_HEADERS.items()}
    assert told == {**expected, "Cache-Control": ["no-cache"]}


@pytest.mark.parametrize(("proto", "told"), [("https", "max-age=31536000"), ("http", None)])
def test_https_is_to_be_kept_to(tmp_path_factory: pytest.TempPathFactory, proto: str, told: str | None) -> None:
    """When the client came by it."""
    settings = {"PENSTOCK_TRUSTED_PROXIES": "127.0.0.1"}
    with embedded(tmp_path_factory.mktemp("https"), settings) as deployment:
        answer = httpx.get(f"{deployment.url}/health", headers={"X-Forwarded-Proto": proto})
    assert answer.headers.get("Strict-Transport-Security") == told


def test_a_defect_has_them_too() -> None:
    """The last answer that there is comes from outside of everything else."""

    async def fail(request: Request) -> Response:
        raise ZeroDivisionError

    app = Starlette(routes=[Route("/", fail)], exception_handlers=HANDLERS)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/")

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)


def test_pieces_of_a_body_pass_as_they_come() -> None:
    """Each is handed on before the next is made, and is the very same object: a stream is neither held nor copied."""
    pieces: list[Message] = [{"type": "http.response.body", "body": b"x", "more_body": True} for _ in range(3)]
    passed: list[Message] = []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"no-cache")]})
        for number, piece in enumerate(pieces):
            assert len(passed) == number + 1
            await send(piece)

    async def send(message: Message) -> None:
        passed.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is to be read")

    state = SimpleNamespace(services=SimpleNamespace(proxies=TrustedProxies()))
    scope: Scope = {
        "type": "http",
        "scheme": "http",
        "headers": [],
        "client": None,
        "app": SimpleNamespace(state=state),
    }
    asyncio.run(SecurityHeaders(stream)(scope, receive, send))
    assert all(given is sent for given, sent in zip(pieces, passed[1:], strict=True))
