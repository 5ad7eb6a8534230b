"""Nobody asks more often than they may, whether Redis is there or not (I10, fault F16)."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import cycle
from socket import create_server

import httpx
import pytest

from storage.database import Database
from storage.redis_link import RedisLink
from tests import services
from tests.deployments import embedded
from tests.reading import WORKFLOWS, Client
from tests.web.refusing import assert_refused, changes_nothing
from web.errors import Refusal
from web.gates import counters
from web.gates.counters import Counters
from web.gates.rates import LOGINS_OF_ADDRESS_PER_MINUTE, LOGINS_PER_MINUTE, RateBounds, Rates

BOUNDS = RateBounds(requests=5, public_runs=3)
NOWHERE = "redis://127.0.0.1:1/0"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "away", pytest.param("redis", marks=pytest.mark.real_services)])
def link(request: pytest.FixtureRequest) -> Iterator[RedisLink | None]:
    """Without Redis, with one that is away, with one that is there."""
    if request.param == "memory":
        yield None
        return
    url = NOWHERE if request.param == "away" else request.getfixturevalue("redis_url")
    with closing(RedisLink(url)) as opened:
        yield opened


@pytest.fixture
def rates(link: RedisLink | None) -> Rates:
    return Rates(BOUNDS, link)


def allowed(ask: Callable[[], object], at_most: int = 1_000) -> int:
    """How often one may ask before one is refused."""
    for count in range(at_most):
        try:
            ask()
        except Refusal:
            return count
    return at_most


def request_of(rates: Rates, user_id: str) -> Callable[[], None]:
    return lambda: asyncio.run(rates.request(user_id))


def test_an_account_asks_as_often_as_it_may(rates: Rates) -> None:
    """Each for itself."""
    assert allowed(request_of(rates, "ann")) == 5
    assert allowed(request_of(rates, "bob")) == 5
    assert allowed(request_of(rates, "ann")) == 0


def test_a_client_runs_public_flows_as_often_as_it_may(rates: Rates) -> None:
    """An IPv6 customer is one client, whichever of their addresses they take."""
    addresses = (f"2001:db8::{number:x}" for number in range(1_000))
    assert allowed(lambda: rates.public_run(next(addresses))) == 3
    assert allowed(lambda: rates.public_run("203.0.113.7")) == 3
    assert allowed(lambda: rates.public_run(None)) == 3


def test_passwords_are_not_tried_for_long(rates: Rates) -> None:
    """From one address under one name; a login that succeeded is no try."""
    assert allowed(lambda: rates.login("203.0.113.7", "ann")) == LOGINS_PER_MINUTE
    assert allowed(lambda: rates.login("203.0.113.8", "ann"), 1) == 1
    rates.logged_in("203.0.113.7", "ann")
    assert allowed(lambda: rates.login("203.0.113.7", "ann")) == LOGINS_PER_MINUTE


def test_one_password_is_not_tried_with_many_names(rates: Rates) -> None:
    names = (f"name-{number}" for number in range(1_000))
    assert allowed(lambda: rates.login("203.0.113.7", next(names))) == LOGINS_OF_ADDRESS_PER_MINUTE


@pytest.mark.parametrize(
    "name", ["", "\0", "\ud800", "x" * 1_000_000, "a/b", "*"], ids=["none", "NUL", "lone", "long", "slash", "star"]
)
def test_any_name_can_be_counted(rates: Rates, name: str) -> None:
    assert allowed(lambda: rates.login("203.0.113.7", name)) == LOGINS_PER_MINUTE


def test_many_at_the_same_moment_are_no_way_around(rates: Rates) -> None:
    def is_allowed(_: int) -> bool:
        return allowed(lambda: rates.public_run("203.0.113.7"), 1) == 1

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(is_allowed, range(40))) == 3


def test_who_is_refused_is_told_when_to_come_back(rates: Rates) -> None:
    """429 with a whole number of seconds, a minute at most."""
    assert allowed(lambda: rates.public_run("203.0.113.7")) == 3
    with pytest.raises(Refusal) as caught:
        rates.public_run("203.0.113.7")
    assert (caught.value.status, caught.value.detail["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(caught.value.headers["Retry-After"]) <= 60


def test_after_a_minute_one_may_ask_again(clock: Clock) -> None:
    """And refused requests do not make it longer."""
    rates = Rates(BOUNDS, None, clock)
    for _ in range(3):
        assert allowed(lambda: rates.public_run("203.0.113.7")) == 3
        clock.now += 59.5
        assert allowed(lambda: rates.public_run("203.0.113.7")) == 0
        clock.now += 0.5


def test_any_number_of_requests_when_the_settings_say_so() -> None:
    rates = Rates(RateBounds(None, 1), None)
    assert allowed(request_of(rates, "ann"), 100) == 100


def test_web_processes_count_together(redis_url: str) -> None:
    with closing(RedisLink(redis_url)) as one, closing(RedisLink(redis_url)) as other:
        both = cycle([Rates(BOUNDS, one), Rates(BOUNDS, other)])
        assert allowed(lambda: next(both).public_run("203.0.113.7")) == 3


def test_a_redis_that_does_not_answer_is_waited_for_once() -> None:
    """Nobody is refused for it, and each process counts for itself meanwhile."""
    with create_server(("127.0.0.1", 0)) as silent:
        _, port = silent.getsockname()
        with closing(RedisLink(f"redis://127.0.0.1:{port}/0")) as link:
            rates = Rates(BOUNDS, link)
            began = time.monotonic()
            assert allowed(lambda: rates.public_run("203.0.113.7")) == 3
            assert time.monotonic() - began < 2


def test_a_redis_that_was_emptied_counts_anew() -> None:
    """I11: it keeps nothing that must not be lost."""
    with services.running_redis() as server, closing(RedisLink(server.url)) as link:
        rates = Rates(BOUNDS, link)
        assert allowed(lambda: rates.public_run("203.0.113.7")) == 3
        link.quick.flushall()
        link.quick.script_flush()
        assert allowed(lambda: rates.public_run("203.0.113.7")) == 3


def test_what_redis_keeps_ends_by_itself(redis_url: str) -> None:
    """And names nobody."""
    with closing(RedisLink(redis_url)) as link:
        Rates(BOUNDS, link).login("203.0.113.7", "canary")
        keys = list(link.quick.scan_iter())
        assert len(keys) == 2
        assert all(0 < link.quick.ttl(key) <= 60 for key in keys)
        assert not any(b"canary" in key for key in keys)


def test_counters_are_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond them the oldest is forgotten, and what has ended takes no place (I10)."""
    monkeypatch.setattr(counters, "MAX_COUNTERS", 10)
    kept = Counters(clock)
    for number in range(25):
        kept.incr(str(number), 60)
        clock.now += 1
    assert len(kept) == 10
    assert [kept.get(str(number)) for number in (14, 15, 24)] == [0, 1, 1]
    clock.now += 60
    assert kept.incr("24", 60) == 1
    assert len(kept) == 1
    clock.now += 60
    assert kept.get("24") == 0
    assert len(kept) == 0


def test_a_server_refuses_who_asks_too_often(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Before anything is read or stored; probes are free."""
    settings = {"PENSTOCK_MAX_REQUESTS_PER_MINUTE": "4"}
    with ExitStack() as opened:
        deployment = opened.enter_context(embedded(tmp_path_factory.mktemp("rates"), settings))
        client = opened.enter_context(closing(Client(deployment.url)))
        stored = opened.enter_context(closing(Database(deployment.database_url)))
        answers = [client.http.get(f"{WORKFLOWS}/jobs") for _ in range(4)]
        with changes_nothing(stored):
            refused = client.http.post(WORKFLOWS, content=b"{")
        probe = client.http.get("/ready")
    assert [answer.status_code for answer in answers] == [200] * 4
    assert_refused(refused, 429, "RATE_LIMITED")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert probe.status_code == 200


def test_a_client_behind_a_proxy_is_counted_by_its_own_address(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The proxy's word is taken, a stranger's is not: from here every peer is 127.0.0.1."""
    assert _runs_before_refused(tmp_path_factory, trusted="127.0.0.0/8") == 6
    assert _runs_before_refused(tmp_path_factory, trusted="") == 2


def _runs_before_refused(tmp_path_factory: pytest.TempPathFactory, trusted: str) -> int:
    """How many of six public runs, each told to be from another address, are not refused for being too many."""
    settings = {"PENSTOCK_PUBLIC_RUNS_PER_MINUTE": "2", "PENSTOCK_TRUSTED_PROXIES": trusted}
    with embedded(tmp_path_factory.mktemp("proxied"), settings) as deployment, httpx.Client() as visitor:
        body = {"flow_id": "0b105ea0-ccef-46c8-844d-d57373370a52", "input_value": "x"}
        headers = [{"X-Forwarded-For": f"203.0.113.{number}", "Cookie": "client_id=x"} for number in range(6)]
        asked = [visitor.post(f"{deployment.url}{WORKFLOWS}/public", json=body, headers=each) for each in headers]
    return sum(answer.status_code != 429 for answer in asked)
