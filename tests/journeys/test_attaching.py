"""Watching a run from anywhere, again and again, without losing an event (I4, I11)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from threading import Event, Semaphore

import httpx
import pytest

from tests.deployments import Deployment
from tests.journeys.conftest import Deploy, Rough
from tests.making import chain, model_flow
from tests.model_stub import ModelStub
from tests.reading import WORKFLOWS, Client, milestones, until

TOKENS = ("one ", "two ", "three ", "four")


@pytest.fixture
def stepping(stub: ModelStub) -> Iterator[Semaphore]:
    """A model that says its next token when the test lets it."""
    allowed = Semaphore(0)
    stub.tokens = TOKENS
    stub.before_token = lambda index: allowed.acquire(timeout=60)
    yield allowed
    allowed.release(100)


def test_tokens_arrive_one_by_one(client: Client, stepping: Semaphore) -> None:
    """Each token is with the client before the model says the next one."""
    flow_id = client.store(model_flow())
    with client.streaming(flow_id, input_value="count") as found:
        for token in TOKENS:
            stepping.release()
            assert until(found, "token")[-1].json["data"]["chunk"] == token
        stepping.release()
        rest = list(found)
    assert [frame.event for frame in rest][-2:] == ["output", "end"]
    assert rest[-2].json["data"]["content"] == "".join(TOKENS)


def test_another_process_sees_everything(client: Client, other_client: Client, stepping: Semaphore) -> None:
    """A client of another web process sees, while the run goes on, the very frames that the first one sees."""
    job_id = client.submit(client.store(model_flow()), input_value="count")
    with client.attached(job_id) as here, other_client.attached(job_id) as there:
        first = until(here, "add_message"), until(there, "add_message")
        stepping.release(100)
        seen = [[*before, *after] for before, after in zip(first, (here, there), strict=True)]
    assert seen[0] == seen[1]
    assert [frame.json["data"]["chunk"] for frame in seen[0] if frame.event == "token"] == list(TOKENS)


def test_reconnecting_anywhere_leaves_no_gap_and_no_repeat(
    client: Client, other_client: Client, stepping: Semaphore
) -> None:
    """After any frame, tokens included, `Last-Event-ID` continues with exactly the rest."""
    stepping.release(100)
    job_id = client.submit(client.store(model_flow()), input_value="count")
    whole = client.events(job_id)
    assert [frame.id for frame in whole if frame.is_delta], "no token was kept"
    for position, frame in enumerate(whole[:-1], 1):
        assert other_client.events(job_id, frame.id) == whole[position:]


def test_a_reader_who_has_it_all_is_sent_away(client: Client) -> None:
    """204 ends a browser's EventSource; it would come back for ever otherwise."""
    job_id = client.submit(client.store(chain(1)), input_value="x")
    last = client.events(job_id)[-1].id
    answer = client.http.get(f"/api/v2/workflows/{job_id}/events", headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.content) == (204, b"")
    by_query = client.http.get(f"/api/v2/workflows/{job_id}/events", params={"last_event_id": last})
    assert by_query.status_code == 204


def test_a_slow_reader_never_loses_a_milestone(client: Client) -> None:
    """A client that reads nothing until the run is over still gets every milestone, in order."""
    flow_id = client.store(chain(300))
    over = Event()
    with client.streaming(flow_id, input_value="x" * 2_000) as found:
        first = next(found)
        [job] = client.http.get("/api/v2/workflows/jobs", params={"flow_id": flow_id}).json()["jobs"]
        with closing(Client(str(client.http.base_url))) as fast:
            last_event = int(fast.events(job["job_id"])[-1].id)
            over.set()
        seen = [first, *found]
    assert over.is_set()
    assert [int(frame.id) for frame in milestones(seen)] == list(range(1, last_event + 1))


@pytest.mark.real_services
def test_keep_alives_in_every_mode(
    shared_deployments: Callable[[str], Deployment], stub: ModelStub, stepping: Semaphore
) -> None:
    """While nothing happens a comment comes at least every 15 seconds, on a live stream and on an attached one."""
    with ExitStack() as stack:
        silent: list[httpx.Response] = []
        for kind in ("embedded", "scaled"):
            client = stack.enter_context(closing(Client(shared_deployments(kind).url)))
            request = {"flow_id": client.store(model_flow()), "mode": "stream", "input_value": "count"}
            live = stack.enter_context(client.http.stream("POST", WORKFLOWS, json=request))
            path = f"{WORKFLOWS}/{live.headers['X-Job-Id']}/events"
            silent += [live, stack.enter_context(client.http.stream("GET", path))]
        for response in silent:
            assert next(line for line in response.iter_lines() if line.startswith(":")) == ": keepalive"


@pytest.mark.real_services
def test_nothing_is_lost_with_redis_or_a_restart(rough: Rough) -> None:
    """After FLUSHALL, and after a restart of every process, every milestone is still there, byte for byte."""
    with closing(Client(rough.deployment.url)) as client:
        job_id = client.submit(client.store(chain(5)), input_value="x")
        before = milestones(client.events(job_id))
        rough.deployment.flush_redis()
        assert milestones(client.events(job_id)) == before
        rough.deployment.stop()
        rough.deployment.start()
        assert milestones(client.events(job_id)) == before


def test_nothing_is_lost_with_the_embedded_process(deploying: Deploy) -> None:
    """After a kill -9 of the one process and a new start every milestone is still there, byte for byte."""
    with deploying("embedded") as deployment, closing(Client(deployment.url)) as client:
        job_id = client.submit(client.store(chain(5)), input_value="x")
        before = milestones(client.events(job_id))
        deployment.webs[0].kill()
        deployment.start()
        assert milestones(client.events(job_id)) == before
