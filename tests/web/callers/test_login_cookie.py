"""web/login_cookie.py: a cookie that only the server makes, and only its own pages use."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from storage.logins import NewLogin
from storage.secrets import Secrets, new_key
from web.callers.credentials import COOKIE
from web.callers.login_cookie import check_csrf, clear_cookie, csrf_token, set_cookie, token_in
from web.callers.proxies import TrustedProxies
from web.errors import Unauthenticated

TOKEN = "a-token"
OURS = "penstock.example"
FOREIGN = "https://evil.example"
KEEPER = Secrets([new_key()])
APP = SimpleNamespace(state=SimpleNamespace(services=SimpleNamespace(proxies=TrustedProxies())))
"""One that trusts no proxy."""


def request(method: str = "POST", scheme: str = "http", **headers: str) -> Request:
    named = {"host": OURS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    scope = {"type": "http", "method": method, "scheme": scheme, "path": "/", "headers": sent, "app": APP}
    return Request(scope)


def made(scheme: str = "http", hours: float = 12) -> str:
    """The header that gives a browser its cookie."""
    response = Response()
    begun = NewLogin(TOKEN, datetime.now(UTC) + timedelta(hours=hours, seconds=0.5))
    set_cookie(response, request(scheme=scheme), begun, KEEPER)
    return response.headers["set-cookie"]


def parts(header: str) -> tuple[str, set[str]]:
    """The value of a cookie, and its attributes."""
    first, *attributes = header.split("; ")
    return first.partition("=")[2], set(attributes)


def test_its_attributes() -> None:
    """Out of reach of scripts, for this host and its own pages only, as long as the login lasts."""
    _, attributes = parts(made())
    assert attributes == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax"}
    assert made().startswith(f"{COOKIE}=")


def test_over_https_it_never_travels_in_clear() -> None:
    _, attributes = parts(made("https"))
    assert attributes == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax", "Secure"}


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_it_is_taken_away_with_the_attributes_it_was_given(scheme: str) -> None:
    """Or a browser would keep it."""
    response = Response()
    clear_cookie(response, request(scheme=scheme))
    value, attributes = parts(response.headers["set-cookie"])
    assert value == '""'
    assert {"HttpOnly", "Max-Age=0", "Path=/", "SameSite=lax"} <= attributes
    assert ("Secure" in attributes) == (scheme == "https")


def test_its_token_is_read_back() -> None:
    value, _ = parts(made())
    assert token_in(value, KEEPER) == TOKEN


def test_one_that_another_server_made_is_none() -> None:
    value, _ = parts(made())
    assert token_in(value, Secrets([new_key()])) is None


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(cookie=st.text(max_size=300))
def test_an_invented_one_is_none(cookie: str) -> None:
    value, _ = parts(made())
    assert token_in(cookie, KEEPER) is None
    assert token_in(value + cookie, KEEPER) == (TOKEN if not cookie else None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("origin", [None, FOREIGN])
def test_what_changes_nothing_needs_no_csrf_token(method: str, origin: str | None) -> None:
    check_csrf(request(method, **({"origin": origin} if origin else {})), TOKEN, KEEPER, ())


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("origin", [None, f"https://{OURS}", f"http://{OURS}", FOREIGN, "null", f"https://{OURS}.evil"])
@pytest.mark.parametrize("sent", ["right", "none", "empty", "another", "longer", "foreign letters", "the token itself"])
def test_a_change_needs_the_csrf_token_and_a_page_of_ours(method: str, origin: str | None, sent: str) -> None:
    """Every method, every origin, every token: only the right token from no page or one of ours passes."""
    right = csrf_token(TOKEN, KEEPER)
    shown = {"right": right, "none": None, "empty": "", "another": csrf_token("another", KEEPER), "longer": right + "0",
             "foreign letters": "ÿ" * 64, "the token itself": TOKEN}[sent]  # fmt: skip
    headers = {"origin": origin, "x-csrf-token": shown}
    asked = request(method, **{name: value for name, value in headers.items() if value is not None})
    if sent == "right" and origin in (None, f"https://{OURS}", f"http://{OURS}"):
        check_csrf(asked, TOKEN, KEEPER, ())
    else:
        with pytest.raises(Unauthenticated) as refused:
            check_csrf(asked, TOKEN, KEEPER, ())
        assert refused.value.status == 403


def test_a_page_elsewhere_may_be_allowed_by_name() -> None:
    """It needs the CSRF token all the same; `*` names no origin."""
    right = {"origin": FOREIGN, "x-csrf-token": csrf_token(TOKEN, KEEPER)}
    check_csrf(request(**right), TOKEN, KEEPER, (FOREIGN,))
    with pytest.raises(Unauthenticated):
        check_csrf(request(origin=FOREIGN), TOKEN, KEEPER, (FOREIGN,))
    with pytest.raises(Unauthenticated):
        check_csrf(request(**right), TOKEN, KEEPER, ("*",))
