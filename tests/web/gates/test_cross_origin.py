"""Which pages elsewhere may call from a browser: none but those that the settings name (fault F8)."""

from collections.abc import Iterator
from itertools import product

import httpx
import pytest

from tests.deployments import embedded
from tests.reading import FLOWS, WORKFLOWS
from web.gates.cross_origin import HEADERS, METHODS

LISTED = "https://app.example.com"
ORIGINS = [
    LISTED,
    "http://localhost:3000",
    "https://evil.example.com",
    "https://app.example.com.evil.com",
    "https://evil.com/https://app.example.com",
    "https://app.example.com:444",
    "http://app.example.com",
    "HTTPS://APP.EXAMPLE.COM",
    "https://app.example.com/",
    "https://app.example.co",
    "null",
    "file://",
    "*",
    "",
]
POLICIES = {"closed": "", "listed": f"{LISTED},http://localhost:3000", "open": "*"}
ALLOWED = {"closed": set[str](), "listed": {LISTED, "http://localhost:3000"}, "open": set(ORIGINS)}
ALLOW_ORIGIN = "Access-Control-Allow-Origin"
WITH_CREDENTIALS = "Access-Control-Allow-Credentials"
KEY = "a-key-of-enough-characters"


@pytest.fixture(scope="module", params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def page(policy: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A browser at a server with a policy."""
    settings = {"PENSTOCK_CORS_ORIGINS": POLICIES[policy], "PENSTOCK_BOOTSTRAP_KEY": KEY}
    with (
        embedded(tmp_path_factory.mktemp(policy), settings) as deployment,
        httpx.Client(base_url=deployment.url, timeout=30) as client,
    ):
        yield client


def preflight(page: httpx.Client, origin: str, method: str = "POST", headers: str = "") -> httpx.Response:
    """What a browser asks before it sends what a form could not."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return page.options(
        WORKFLOWS, headers={**asked, **({"Access-Control-Request-Headers": headers} if headers else {})}
    )


def check_allowed(answer: httpx.Response, policy: str, origin: str) -> None:
    """The two things that must never be: `*` with credentials, and an origin that is not listed sent back."""
    told, credentials = answer.headers.get(ALLOW_ORIGIN), answer.headers.get(WITH_CREDENTIALS)
    if policy == "open":
        assert (told, credentials) == ("*", None)
    elif origin in ALLOWED[policy]:
        assert (told, credentials) == (origin, "true")
        assert "Origin" in answer.headers["Vary"]
    else:
        assert told is None


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin or "empty")
def test_a_preflight(page: httpx.Client, policy: str, origin: str) -> None:
    """Pages that are listed may go on, with the methods that there are."""
    for method in (*METHODS, "TRACE"):
        answer = preflight(page, origin, method)
        check_allowed(answer, policy, origin)
        assert answer.is_success == (origin in ALLOWED[policy] and method in METHODS)


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin or "empty")
def test_a_request(page: httpx.Client, policy: str, origin: str) -> None:
    """What succeeded and what was refused is readable by listed pages alone, with a cookie as without."""
    for path, cookie in product(("/health", FLOWS, "/nowhere"), ({}, {"Cookie": "session=x"})):
        check_allowed(page.get(path, headers={"Origin": origin, **cookie}), policy, origin)


def test_what_a_page_may_send(page: httpx.Client, policy: str) -> None:
    """Keys, tokens and cursors; not what only a proxy may tell."""
    sent = ", ".join(HEADERS)
    assert preflight(page, LISTED, headers=sent).is_success == (policy != "closed")
    assert not preflight(page, LISTED, headers="x-forwarded-for").is_success
    assert not preflight(page, LISTED, headers=f"{sent}, x-end-user").is_success


def test_what_a_page_may_read(page: httpx.Client, policy: str) -> None:
    """Under which id its stream can be found again, and when to come back."""
    exposed = page.get("/health", headers={"Origin": LISTED}).headers.get("Access-Control-Expose-Headers")
    assert exposed == (None if policy == "closed" else "X-Job-Id, Retry-After")


def test_without_an_origin_nothing_is_told(page: httpx.Client) -> None:
    """A program that is no browser."""
    answer = page.get("/health")
    assert answer.status_code == 200
    assert ALLOW_ORIGIN not in answer.headers
