"""As many clients as may follow events in one process, and no more (I10)."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from threading import Event
from urllib.parse import urlsplit

import pytest

from storage.database import Database
from tests.actors.workplace import eventually
from tests.deployments import Deployment, embedded
from tests.making import echo_flow, model_flow
from tests.model_stub import ModelStub
from tests.reading import WORKFLOWS, Client
from tests.web.refusing import assert_refused, changes_nothing
from web.errors import Refusal
from web.gates.seats import Seats

SEATS = 3
FEED = "/api/v2/human-requests/events"


@pytest.fixture(scope="module")
def never() -> Iterator[Event]:
    """Set at the end of the module: until then the model does not answer."""
    over = Event()
    yield over
    over.set()


@pytest.fixture(scope="module")
def server(never: Event, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with ModelStub(before_token=lambda index: never.wait(60)) as stub:
        settings = {
            "PENSTOCK_MAX_STREAMS": str(SEATS),
            "PENSTOCK_MODEL_BASE_URL": stub.url,
            "PENSTOCK_MODEL_NAME": "stub",
            "PENSTOCK_GRACE_SECONDS": "0.1",
            "PENSTOCK_HEARTBEAT_SECONDS": "600",
            "PENSTOCK_LEASE_SECONDS": "1200",
        }
        with embedded(tmp_path_factory.mktemp("seats"), settings) as deployment:
            yield deployment
            never.set()


@pytest.fixture(scope="module")
def client(server: Deployment) -> Iterator[Client]:
    with closing(Client(server.url)) as connected:
        yield connected


@pytest.fixture(scope="module")
def job_id(client: Client) -> str:
    """A job that runs for as long as the module."""
    return client.submit(client.store(model_flow()), input_value="x")


def is_refused(client: Client, job_id: str) -> bool:
    """Whether no client is let in any more."""
    with client.http.stream("GET", f"{WORKFLOWS}/{job_id}/events") as answer:
        return answer.status_code == 503


def test_a_client_too_many_is_sent_away(server: Deployment, client: Client, job_id: str) -> None:
    """With 503 and a time to come back, before anything is stored; when one leaves, the next is let in."""
    flow_id = client.store(model_flow())
    with closing(Database(server.database_url)) as stored, ExitStack() as following:
        followers = [following.enter_context(client.attached(job_id)) for _ in range(SEATS)]
        assert all(next(found) for found in followers)
        with changes_nothing(stored):
            refused = [
                client.http.get(f"{WORKFLOWS}/{job_id}/events"),
                client.run(flow_id, mode="stream", input_value="x"),
            ]
    for answer in refused:
        assert_refused(answer, 503, "SERVICE_BUSY")
        assert int(answer.headers["Retry-After"]) > 0
    eventually(lambda: not is_refused(client, job_id))


def test_clients_that_vanish_keep_no_seat(server: Deployment, client: Client, job_id: str) -> None:
    """Neither those that are gone before their first byte, nor requests that were refused (fault C14)."""
    address = urlsplit(server.url)
    for _ in range(10 * SEATS):
        with socket.create_connection((address.hostname or "", address.port or 0)) as raw:
            raw.sendall(f"GET {WORKFLOWS}/{job_id}/events HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        client.http.post(WORKFLOWS, json={"flow_id": job_id, "mode": "stream"})
    eventually(lambda: not is_refused(client, job_id))
    with ExitStack() as following:
        followers = []
        for _ in range(SEATS):
            eventually(lambda: not is_refused(client, job_id))
            followers.append(following.enter_context(client.attached(job_id)))
            next(followers[-1])


def test_a_seat_is_given_back_whatever_happens() -> None:
    seats = Seats(1, 1)
    with pytest.raises(ZeroDivisionError), seats.seat("ann"):
        1 / 0  # noqa: B018
    with seats.seat("ann"), pytest.raises(Refusal), seats.seat("bob"):
        raise AssertionError("two on one seat")
    assert seats.taken == 0


def test_one_user_does_not_take_all_seats() -> None:
    """They are refused with 429 and a time to come back; others still find a seat, and so do they when one is free."""
    seats = Seats(10, 2)
    with ExitStack() as taken:
        for user_id in ("ann", "ann", "bob"):
            taken.enter_context(seats.seat(user_id))
        with pytest.raises(Refusal) as caught, seats.seat("ann"):
            raise AssertionError("three seats for one")
        assert (caught.value.status, caught.value.detail["code"]) == (429, "TOO_MANY_STREAMS")
        assert int(caught.value.headers["Retry-After"]) > 0
        taken.enter_context(seats.seat("bob"))
    with seats.seat("ann"), seats.seat("ann"):
        assert seats.taken == 2


def test_the_feed_of_requests_takes_a_seat_of_its_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = {"PENSTOCK_MAX_STREAMS_PER_USER": "1"}
    with (
        embedded(tmp_path_factory.mktemp("one-seat"), settings) as deployment,
        closing(Client(deployment.url)) as client,
    ):
        flow_id = client.store(echo_flow())
        with client.http.stream("GET", FEED) as feed:
            assert feed.status_code == 200
            refused = [client.http.get(FEED), client.run(flow_id, mode="stream", input_value="x")]
    for answer in refused:
        assert_refused(answer, 429, "TOO_MANY_STREAMS")
