"""web/login.py: signing in and out with a browser (contract 1.0)."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from storage.accounts import Account
from storage.auditing import Action, DeedFilter, deeds
from storage.keys import revoke_key
from storage.users import activate, deactivate, set_password
from tests.deployments import Deployment, embedded
from tests.making import echo_flow
from tests.reading import FLOWS, WORKFLOWS, Client, frames
from tests.storage.situations import contents
from tests.web.refusing import changes_nothing
from tests.web.signing_in import (
    BAD_KEY,
    BAD_TOKEN,
    DESK,
    HOUR,
    INACTIVE,
    LOGIN,
    LOGOUT,
    NOBODY,
    PASSWORD,
    SESSION,
    WHOAMI,
    House,
    detail,
    house_of,
    told,
)
from web.callers.credentials import COOKIE
from web.callers.login_cookie import CSRF_HEADER
from web.gates.rates import LOGINS_PER_MINUTE

WRONG = detail(401, "Incorrect username or password")
NO_CSRF = detail(403, "Send the csrf_token of GET /api/v1/session in the header X-CSRF-Token.")
PROXY = {"PENSTOCK_TRUSTED_PROXIES": "127.0.0.1"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("login")
    with embedded(folder, {}) as deployment, house_of(deployment, folder) as made:
        yield made


@pytest.fixture(scope="module")
def anna(house: House) -> Account:
    return house.add("anna", password=PASSWORD)


@pytest.fixture
def stranger(house: House, anna: Account) -> Iterator[httpx.Client]:
    """Somebody who shows nothing, of a house that has a password."""
    with house.calling() as client:
        yield client


def user_of(account: Account) -> dict[str, object]:
    return {"id": account.user_id, "username": account.name, "is_superuser": account.is_superuser}


def test_a_password_signs_in(house: House, anna: Account, stranger: httpx.Client) -> None:
    """The answer tells who it is, the CSRF token and the end; the cookie does the rest."""
    answer = stranger.post(LOGIN, json={"username": "anna", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json().keys() == {"user", "csrf_token", "expires_at"}
    assert answer.json()["user"] == user_of(anna)
    ends_in = datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=11) < ends_in <= timedelta(hours=12)
    assert stranger.get(SESSION).json() == answer.json()
    assert stranger.get(WHOAMI).json() == {**user_of(anna), "is_active": True}
    assert answer.headers["cache-control"] == "no-store"


def test_the_token_is_in_the_cookie_only(house: House, anna: Account, stranger: httpx.Client) -> None:
    """In no answer, no table and no log (I8), and with it neither password nor CSRF token."""
    answer = stranger.post(LOGIN, json={"username": "anna", "password": PASSWORD})
    token, signature = stranger.cookies[COOKIE].split(".")
    assert token not in answer.text + stranger.get(SESSION).text
    told_elsewhere = repr(contents(house.stored)) + house.deployment.logs()
    for secret in (token, signature, PASSWORD, answer.json()["csrf_token"]):
        assert secret not in told_elsewhere


def test_a_form_signs_in(house: House, anna: Account, stranger: httpx.Client) -> None:
    """As Langflow's page sends it, with its other fields."""
    form = {"username": "anna", "password": PASSWORD, "grant_type": "password", "scope": ""}
    answer = stranger.post(LOGIN, data=form)
    assert (answer.status_code, answer.json()["user"]) == (200, user_of(anna))


def test_a_key_signs_in_and_takes_its_logins_with_it(house: House, anna: Account, stranger: httpx.Client) -> None:
    """Whoever revokes a key need not look for what was begun with it."""
    key = house.key_of(anna)
    answer = stranger.post(LOGIN, json={"api_key": key.key})
    assert (answer.status_code, answer.json()["user"]) == (200, user_of(anna))
    assert stranger.get(WHOAMI).status_code == 200
    revoke_key(house.stored, key.id, DESK)
    assert told(stranger.get(WHOAMI)) == BAD_TOKEN


def test_over_http_the_cookie_is_not_marked_secure(stranger: httpx.Client, anna: Account) -> None:
    """Whatever a caller says of proxies, of whom none is trusted here."""
    headers = {"X-Forwarded-Proto": "https"}
    cookie = stranger.post(LOGIN, json={"username": "anna", "password": PASSWORD}, headers=headers).headers[
        "set-cookie"
    ]
    name, *attributes = cookie.split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {part.partition("=")[0] for part in attributes} == {"HttpOnly", "Max-Age", "Path", "SameSite"}
    assert {"Path=/", "SameSite=lax"} <= set(attributes)


def test_behind_a_trusted_proxy_with_https_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("proxied")
    with embedded(folder, PROXY) as deployment, house_of(deployment, folder) as house, house.calling() as client:
        house.add("anna", password=PASSWORD)
        for scheme, is_secure in (("https", True), ("http", False)):
            headers = {"X-Forwarded-Proto": scheme, "X-Forwarded-For": "203.0.113.7"}
            answer = client.post(LOGIN, json={"username": "anna", "password": PASSWORD}, headers=headers)
            assert ("Secure" in answer.headers["set-cookie"].split("; ")) is is_secure
        found = deeds(house.stored, DeedFilter(action=Action.LOGIN))
        assert {deed.address for deed in found} == {"203.0.113.7"}


def test_an_unknown_name_and_a_wrong_password_look_alike(house: House, stranger: httpx.Client, anna: Account) -> None:
    """Byte by byte, headers too; nobody is signed in, and the refusal is recorded (I9)."""
    answers = [
        stranger.post(LOGIN, json={"username": name, "password": "wrong"}) for name in ("anna", "nobody-of-this-name")
    ]
    assert [told(answer) for answer in answers] == [WRONG, WRONG]
    headers = [{k: v for k, v in answer.headers.items() if k != "date"} for answer in answers]
    assert headers[0] == headers[1]
    assert not stranger.cookies
    found = deeds(house.stored, DeedFilter(action=Action.LOGIN_REFUSED, limit=2))
    assert [(deed.subject, deed.user_id, deed.address) for deed in found] == [
        ("nobody-of-this-name", None, "127.0.0.1"),
        ("anna", None, "127.0.0.1"),
    ]


def test_a_bad_key_does_not_sign_in(stranger: httpx.Client) -> None:
    assert told(stranger.post(LOGIN, json={"api_key": "psk_wrong"})) == BAD_KEY
    assert not stranger.cookies


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "anna"}, {"password": PASSWORD}, {"username": "anna", "password": PASSWORD, "api_key": "psk_x"},
     {"username": ["anna"], "password": PASSWORD}, {"username": "a\0", "password": PASSWORD}, [], None,
     {"username": "anna", "password": "x" * 1_025}, {"api_key": "x" * 257}, {"username": "x" * 600, "password": "x"}],
)  # fmt: skip
def test_what_is_no_login_is_refused(house: House, stranger: httpx.Client, body: object) -> None:
    """With the contract's list of faults, which do not repeat what was sent; nothing changes."""
    with changes_nothing(house.stored):
        answer = stranger.post(LOGIN, json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


def test_a_form_that_is_none_is_refused(house: House, stranger: httpx.Client) -> None:
    """Too many fields, bytes that are no text, a body without end."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"&".join([b"a=b"] * 100), b"\xff\xfe", b"%zz=%", b""):
        assert stranger.post(LOGIN, content=content, headers=form).status_code == 422
    assert stranger.post(LOGIN, content=b"a" * 20_000, headers=form).status_code == 413


def test_too_many_tries_are_refused(house: House, stranger: httpx.Client) -> None:
    """Also with the right password, until the minute is over; others sign in meanwhile."""
    house.add("bob", password=PASSWORD)
    tries = [stranger.post(LOGIN, json={"username": "bob", "password": "wrong"}) for _ in range(LOGINS_PER_MINUTE)]
    # A new minute may begin in between.
    tries += [stranger.post(LOGIN, json={"username": "bob", "password": PASSWORD})]
    assert tries[-1].status_code == 429
    assert 1 <= int(tries[-1].headers["retry-after"]) <= 60
    assert stranger.post(LOGIN, json={"username": "anna", "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_no_page_from_elsewhere_signs_a_browser_in(stranger: httpx.Client, anna: Account, origin: str) -> None:
    """As an account of its own choice, perhaps."""
    body = {"username": "anna", "password": PASSWORD}
    answer = stranger.post(LOGIN, json=body, headers={"Origin": origin})
    assert told(answer) == detail(403, f"Pages of '{origin}' may not do this.")


def test_a_login_changes_things_with_its_csrf_token_only(house: House, anna: Account) -> None:
    """Reading needs none; the token of another login is none; a foreign page is refused in any case."""
    body = {"name": "flow", "data": echo_flow()}
    with house.browser_of(anna) as (browser, csrf), house.browser_of(anna) as (_, of_another):
        assert browser.get(FLOWS).status_code == 200
        with changes_nothing(house.stored):
            assert told(browser.post(FLOWS, json=body)) == NO_CSRF
            assert told(browser.post(FLOWS, json=body, headers=of_another)) == NO_CSRF
            foreign = browser.post(FLOWS, json=body, headers={**csrf, "Origin": "https://evil.example"})
            assert told(foreign) == detail(403, "Pages of 'https://evil.example' may not do this.")
        own = {**csrf, "Origin": str(browser.base_url).rstrip("/")}
        assert browser.post(FLOWS, json=body, headers=own).status_code == 201


def test_a_key_needs_no_csrf_token(house: House, anna: Account) -> None:
    """It counts instead of the cookie that comes with it; so does a bearer's token, a bad one too."""
    body = {"name": "flow", "data": echo_flow()}
    zoe = house.add("zoe")
    key = house.key_of(zoe).key
    with house.browser_of(anna) as (browser, _):
        for shown in ({"x-api-key": key}, {"Authorization": f"Bearer {key}"}):
            answer = browser.post(FLOWS, json=body, headers=shown)
            assert (answer.status_code, answer.json()["user_id"]) == (201, zoe.user_id)
            assert browser.get(SESSION, headers=shown).json() == {
                "user": user_of(zoe), "csrf_token": None, "expires_at": None,
            }  # fmt: skip
        assert told(browser.get(FLOWS, headers={"Authorization": "Bearer wrong"})) == BAD_TOKEN
        assert told(browser.get(FLOWS, headers={"x-api-key": "wrong"})) == BAD_KEY


def test_a_login_follows_a_run(house: House, anna: Account) -> None:
    """`EventSource` sends the cookie, and no other header."""
    key = house.key_of(anna).key
    with closing(Client(house.deployment.url, key)) as client, house.browser_of(anna) as (browser, _):
        job_id = client.submit(client.store(echo_flow()), input_value="seen")
        with browser.stream("GET", f"{WORKFLOWS}/{job_id}/events") as response:
            assert [frame.event for frame in frames(response)][-1] == "end"


def test_logging_out_ends_the_login_everywhere(house: House, anna: Account) -> None:
    """In the database and in the browser; a copy of the cookie is worth nothing, another login goes on."""
    with house.browser_of(anna) as (browser, csrf), house.browser_of(anna) as (other, _):
        copy = browser.cookies[COOKIE]
        assert told(browser.post(LOGOUT)) == NO_CSRF
        answer = browser.post(LOGOUT, headers=csrf)
        assert (answer.status_code, answer.json()) == (200, {"message": "Logout successful"})
        assert "Max-Age=0" in answer.headers["set-cookie"]
        browser.cookies.clear()
        assert told(browser.get(WHOAMI)) == NOBODY
        browser.cookies.set(COOKIE, copy)
        assert told(browser.get(WHOAMI)) == BAD_TOKEN
        assert other.get(WHOAMI).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "x.y", f"{'a' * 43}.{'0' * 64}", "x" * 5_000, "%00", '"; HttpOnly'])
def test_an_invented_cookie_is_refused(house: House, stranger: httpx.Client, cookie: str) -> None:
    """As a bad token, but an empty one as none at all."""
    with changes_nothing(house.stored):
        answer = stranger.get(FLOWS, headers={"Cookie": f"{COOKIE}={cookie}"})
    assert told(answer) == (BAD_TOKEN if cookie else NOBODY)


def test_a_login_that_is_over_is_refused(house: House, anna: Account) -> None:
    with house.browser_of(anna, seconds=-1) as (browser, _):
        assert told(browser.get(WHOAMI)) == BAD_TOKEN


def test_whoever_is_deactivated_is_out_at_once(house: House) -> None:
    """Their logins have ended, their keys tell why, and their password too."""
    carl = house.add("carl", password=PASSWORD)
    key = house.key_of(carl).key
    with house.browser_of(carl, seconds=HOUR) as (browser, _), house.calling(key) as client, house.calling() as nobody:
        assert (browser.get(WHOAMI).status_code, client.get(WHOAMI).status_code) == (200, 200)
        deactivate(house.stored, carl.user_id, DESK)
        assert told(browser.get(WHOAMI)) == BAD_TOKEN
        assert told(client.get(WHOAMI)) == INACTIVE
        assert told(nobody.get(WHOAMI, headers={"Authorization": f"Bearer {key}"})) == INACTIVE
        assert told(nobody.post(LOGIN, json={"username": "carl", "password": PASSWORD})) == INACTIVE
        assert told(nobody.post(LOGIN, json={"api_key": key})) == INACTIVE
        activate(house.stored, carl.user_id, DESK)
        assert client.get(WHOAMI).status_code == 200


def test_a_new_password_signs_everybody_out_who_used_the_old_one(house: House) -> None:
    dora = house.add("dora", password=PASSWORD)
    with house.browser_of(dora) as (browser, _):
        assert browser.get(WHOAMI).status_code == 200
        set_password(house.stored, dora.user_id, "another password", DESK)
        assert told(browser.get(WHOAMI)) == BAD_TOKEN


def test_a_foreign_cookie_does_not_matter_where_nobody_needs_one(client: Client, server: Deployment) -> None:
    """Another server on this machine may have set it under the same name: browsers do not tell ports apart."""
    answer = client.http.get(WHOAMI, headers={"Cookie": f"{COOKIE}=eyJhbGciOiJIUzI1NiJ9.e30.x"})
    assert (answer.status_code, answer.json()["username"]) == (200, "local")
    assert answer.headers.get("set-cookie") is None
    assert client.http.get(SESSION).json()["csrf_token"] is None


def test_the_csrf_header_is_the_documented_one() -> None:
    assert CSRF_HEADER == "x-csrf-token"
