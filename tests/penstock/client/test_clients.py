"""`penstock.Client` and `penstock.AsyncClient` with a real server."""

import subprocess
import sys
from inspect import signature
from itertools import islice
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from penstock import Client
from penstock.client.errors import (
    AlreadyAnswered,
    ConnectionLost,
    InvalidRequest,
    NotFound,
    RunFailed,
    Unauthenticated,
)
from penstock.client.events import AddMessage, End, HumanInputRequired, HumanInputResolved
from penstock.client.models import FlowDetail, Status
from tests.deployments import embedded
from tests.making import approval_flow, approvals_flow, echo_flow, failing_flow
from tests.penstock.client.conftest import KINDS, connected
from tests.penstock.client.wires import URL, Mishap, Wire, log_of
from tests.shapes import Exported


def push(client: Client, data: Exported) -> FlowDetail:
    return client.push_flow({"name": "flow", "data": data})


@pytest.fixture
def echo(client: Client) -> str:
    return push(client, echo_flow()).id


@pytest.fixture
def suspended(client: Client) -> str:
    """A job that waits for an approval."""
    return client.wait(client.submit(push(client, approval_flow()).id, "May I?").job_id).job_id


def test_a_run_answers(client: Client, echo: str) -> None:
    result = client.run(echo, "hello", session_id="mine")
    assert (result.output.text, result.status, result.session_id) == ("hello", Status.COMPLETED, "mine")


def test_a_run_that_fails_is_raised_with_its_result(client: Client) -> None:
    with pytest.raises(RunFailed, match="unknown operator 'resembles'") as failed:
        client.run(push(client, failing_flow()).id, "hello")
    assert failed.value.result.status is Status.FAILED


def test_a_run_is_streamed_as_typed_events(client: Client, echo: str) -> None:
    """From the first event to the last, with the cursors of its log; read again, they are the same."""
    seen = list(client.stream(echo, "hello"))
    assert [message.text for message in seen if isinstance(message, AddMessage)] == ["hello", "hello"]
    assert isinstance(seen[-1], End)
    assert [event.cursor for event in seen] == [str(seq) for seq in range(1, len(seen) + 1)]
    [job] = client.jobs(flow_id=echo)
    assert list(client.attach(job.job_id)) == seen
    assert list(client.attach(job.job_id, seen[2].cursor)) == seen[3:]
    assert list(client.attach(job.job_id, seen[-1].cursor)) == []


@pytest.mark.parametrize("way", ["run", "stream", "submit"])
def test_a_key_makes_two_runs_one(client: Client, echo: str, way: str) -> None:
    """So that a client may send again what it does not know to have arrived, in every mode."""
    key = uuid4().hex
    for _ in range(2):
        answer = getattr(client, way)(echo, "hello", idempotency_key=key)
        if way == "stream":
            assert isinstance(list(answer)[-1], End)
        elif way == "submit":
            assert client.wait(answer.job_id).status is Status.COMPLETED
    assert len(list(client.jobs(flow_id=echo))) == 1


def test_a_stream_ends_where_it_waits(client: Client) -> None:
    """Soon, and without an error; what it asks is open."""
    seen = list(client.stream(push(client, approval_flow()).id, "May I?"))
    assert isinstance(seen[-1], HumanInputRequired)
    assert seen[-1].prompt == "May I?"


def test_a_stream_stays_across_a_pause(client: Client, suspended: str) -> None:
    events = client.attach(suspended, across_pauses=True)
    asked = next(event for event in events if isinstance(event, HumanInputRequired))
    client.resume(suspended, asked.request_id, "approve")
    rest = list(events)
    assert isinstance(rest[0], HumanInputResolved)
    assert isinstance(rest[-1], End)


def test_a_request_is_answered_once(client: Client, suspended: str) -> None:
    """The same decision again changes nothing; another one is told who was first."""
    [asked] = client.pending(suspended)
    assert asked in list(client.inbox())
    assert [one.request_id for one in client.pending_of_flow(asked.flow_id)] == [asked.request_id]
    with pytest.raises(InvalidRequest, match="'sell' is not one of approve, reject"):
        client.resume(suspended, asked.request_id, "sell")
    for _ in range(2):
        client.resume(suspended, asked.request_id, "approve")
    with pytest.raises(AlreadyAnswered) as late:
        client.resume(suspended, asked.request_id, "reject")
    assert late.value.winner["decision"]["action_id"] == "approve"
    job = client.wait(suspended, timeout=30)
    assert job.result is not None
    assert (job.status, job.result.output.text, client.pending(suspended)) == (Status.COMPLETED, "May I?", [])


def test_each_of_several_requests_is_decided(client: Client) -> None:
    job = client.wait(client.submit(push(client, approvals_flow(2)).id, "May I?").job_id)
    for asked in job.human_requests:
        client.resume(job.job_id, asked.request_id, "approve")
    assert client.wait(job.job_id).status is Status.COMPLETED


def test_a_stopped_job_is_at_rest(client: Client, suspended: str) -> None:
    client.stop(suspended)
    assert client.wait(suspended).status is Status.CANCELLED
    assert "already cancelled" in client.stop(suspended).message


def test_all_jobs_are_listed_page_by_page(client: Client, echo: str) -> None:
    submitted = [client.submit(echo, str(number)).job_id for number in range(130)]
    assert [job.job_id for job in client.jobs(flow_id=echo)] == submitted[::-1]
    assert [job.job_id for job in islice(client.jobs(flow_id=echo), 1)] == submitted[-1:]
    assert list(client.jobs(flow_id=echo, session_id="another")) == []


def test_a_flow_is_stored_changed_and_deleted(client: Client) -> None:
    stored = push(client, echo_flow())
    changed = client.push_flow({"id": stored.id, "name": "renamed", "data": echo_flow()})
    assert (changed.id, client.flow(stored.id).name) == (stored.id, "renamed")
    assert stored.id in [flow.id for flow in client.flows()]
    client.delete_flow(stored.id)
    with pytest.raises(NotFound, match="check the id"):
        client.flow(stored.id)


def test_a_server_that_knows_keys_asks_for_one(tmp_path: Path) -> None:
    first = "the-first-key-of-the-first-user"
    with embedded(tmp_path, {"PENSTOCK_BOOTSTRAP_KEY": first}) as guarded:
        for kind in KINDS:
            with connected(kind, guarded.url) as nobody, pytest.raises(Unauthenticated, match="penstock keys create"):
                nobody.flows()
            with connected(kind, guarded.url, key=first) as known:
                assert known.flows() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_not_there_is_said_to_be_away(kind: type[Client]) -> None:
    with connected(kind, "http://127.0.0.1:1", patience=0.1) as client:
        with pytest.raises(ConnectionLost, match=r"http://127.0.0.1:1 cannot be reached: .* Is `penstock up` there"):
            client.flows()
        with pytest.raises(ConnectionLost):
            next(iter(client.stream("flow")))


@pytest.mark.parametrize("kind", KINDS)
def test_both_clients_go_on_over_broken_connections(kind: type[Client]) -> None:
    """What the pure search proves of any break holds in either client."""
    wire = Wire(log_of([2, 1]), [Mishap(503), Mishap(bytes=230, piece=3), Mishap(bytes=150, breaks=False), Mishap(0)])
    with connected(kind, URL, transport=httpx.MockTransport(wire.handle)) as client:
        read = list(client.stream("flow"))
    assert [event.cursor for event in read] == [str(logged.cursor) for logged in wire.log]
    assert [request.method for request in wire.requests] == ["POST", "POST", "GET", "GET", "GET"]


def test_both_clients_can_the_same() -> None:
    """Under the same names, with the same arguments."""
    offered = [{name for name in vars(kind) if not name.startswith("_")} for kind in KINDS]
    assert offered[0] == offered[1]
    for name in offered[0]:
        taken = [list(signature(getattr(kind, name)).parameters) for kind in KINDS]
        assert taken[0] == taken[1], name


def test_a_client_needs_no_server() -> None:
    """Importing it imports no database and no server; importing the package does not even import it."""
    check = "import sys, penstock; assert 'httpx' not in sys.modules; penstock.Client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlalchemy", "sqlmodel", "starlette", "uvicorn", "dramatiq"} & set(loaded)
