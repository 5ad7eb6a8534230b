"""The people behind one service key (contract 6.4): each sees their own jobs, whoever holds the key."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlmodel import col

from storage.database import Database
from storage.tables import ChatMessage
from tests.deployments import Deployment, embedded
from tests.making import approval_flow, echo_flow
from tests.reading import PATIENCE, WORKFLOWS, Client
from tests.web.refusing import assert_refused, changes_nothing
from tests.web.rights.principals import END_USER, PROXY, People, Principal
from tests.web.rights.world import World

INBOX = "/api/v2/human-requests"
KEY = "a-key-of-enough-characters"
NAMING = {"PENSTOCK_END_USER_HEADER": END_USER, "PENSTOCK_BOOTSTRAP_KEY": KEY}


@pytest.fixture
def service(guarded: Deployment, people: People) -> Iterator[httpx.Client]:
    """The service behind its proxy, which names an end user with each request, or nobody."""
    transport, headers = httpx.HTTPTransport(local_address=PROXY), dict(people.headers[Principal.OWNER])
    with httpx.Client(base_url=guarded.url, timeout=PATIENCE, transport=transport, headers=headers) as client:
        yield client


def of(end_user: str) -> dict[str, Any]:
    return {"headers": {END_USER: end_user}}


def submitted(service: httpx.Client, flow_id: str, end_user: str, **body: Any) -> dict[str, Any]:
    answer = service.post(WORKFLOWS, json={"flow_id": flow_id, "mode": "background", **body}, **of(end_user))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(service: httpx.Client, flow_id: str, **headers: Any) -> list[str]:
    jobs = service.get(f"{WORKFLOWS}/jobs", params={"flow_id": flow_id}, **headers).json()["jobs"]
    return [job["job_id"] for job in jobs]


def test_an_end_user_finds_their_own_jobs_and_requests_and_nobody_elses(world: World, service: httpx.Client) -> None:
    flow_id = world.store(approval_flow())
    asked = {}
    for end_user in ("ann", "ben"):
        answer = service.post(WORKFLOWS, json={"flow_id": flow_id, "input_value": "x"}, **of(end_user)).json()
        asked[end_user] = (answer["job_id"], answer["human_request"]["request_id"])
    for end_user, (job_id, request_id) in asked.items():
        pending = service.get(f"{WORKFLOWS}/pending", params={"flow_id": flow_id}, **of(end_user)).json()
        inbox = service.get(INBOX, params={"flow_id": flow_id}, **of(end_user)).json()["human_requests"]
        assert listed(service, flow_id, **of(end_user)) == [job_id]
        assert [one["request_id"] for one in pending] == [request_id]
        assert [one["request_id"] for one in inbox] == [request_id]
    assert listed(service, flow_id) == []


def test_what_somebody_else_behind_the_key_is_asked_they_do_not_answer(world: World, service: httpx.Client) -> None:
    """The request stays open for those whose it is."""
    flow_id = world.store(approval_flow())
    answer = service.post(WORKFLOWS, json={"flow_id": flow_id, "input_value": "x"}, **of("ann")).json()
    body = {"request_id": answer["human_request"]["request_id"], "decision": {"action_id": "approve"}}
    url = f"{WORKFLOWS}/{answer['job_id']}/resume"
    statuses = [service.post(url, json=body, **headers).status_code for headers in (of("ben"), {}, of("ann"))]
    assert statuses == [404, 404, 200]


def test_a_session_is_one_of_its_end_users(world: World, service: httpx.Client) -> None:
    """Told to be so already, it stays as it is."""
    found = []
    for session in (None, "a", "ann::a", "ben::a"):
        job_id = submitted(service, world.flow_id, "ann", session_id=session)["job_id"]
        found.append(service.get(f"{WORKFLOWS}/{job_id}", **of("ann")).json()["session_id"])
    assert found == [f"ann::{world.flow_id}", "ann::a", "ann::a", "ann::ben::a"]


def test_the_same_idempotency_key_of_two_end_users_is_two_keys(world: World, service: httpx.Client) -> None:
    """F9: neither learns that the other one has used it."""
    first = submitted(service, world.flow_id, "ann", idempotency_key="k")["job_id"]
    second = submitted(service, world.flow_id, "ben", idempotency_key="k", input_value="other")["job_id"]
    assert submitted(service, world.flow_id, "ann", idempotency_key="k")["job_id"] == first
    assert second != first


@pytest.mark.parametrize("mode", ["sync", "stream"])
def test_a_run_for_nobody_is_answered_and_nothing_of_it_is_remembered(
    world: World, service: httpx.Client, kept: Database, mode: str
) -> None:
    statement = select(func.count()).where(col(ChatMessage.flow_id) == world.flow_id)
    answer = service.post(WORKFLOWS, json={"flow_id": world.flow_id, "input_value": "hello", "mode": mode})
    assert answer.status_code == 200
    assert "hello" in answer.text
    with kept.read() as connection:
        assert connection.execute(statement).scalar_one() == 0
    assert listed(service, world.flow_id) == []


@pytest.mark.parametrize("name", ["a::b", "x" * 257, "anon::1"])
def test_a_name_that_could_be_taken_for_another_is_refused(world: World, service: httpx.Client, name: str) -> None:
    answer = service.post(WORKFLOWS, json={"flow_id": world.flow_id}, **of(name))
    assert_refused(answer, 401, "END_USER_IDENTITY_REQUIRED")


def test_where_a_run_must_name_its_end_user_it_is_refused_without(tmp_path: Path) -> None:
    """And the header of whoever is no trusted proxy names nobody."""
    settings = {**NAMING, "PENSTOCK_END_USER_REQUIRED": "true"}
    with embedded(tmp_path, settings) as deployment, closing(Client(deployment.url, KEY)) as client:
        flow_id = client.store(echo_flow())
        with closing(Database(deployment.database_url)) as stored, changes_nothing(stored):
            for headers in ({}, {END_USER: "ann"}):
                answer = client.http.post(WORKFLOWS, json={"flow_id": flow_id}, headers=headers)
                assert_refused(answer, 401, "END_USER_IDENTITY_REQUIRED")


def test_a_header_that_no_trusted_proxy_sends_is_ignored(tmp_path: Path) -> None:
    with (
        embedded(tmp_path, NAMING) as deployment,
        closing(Client(deployment.url, KEY)) as client,
    ):
        flow_id = client.store(echo_flow())
        answer = client.http.post(WORKFLOWS, json={"flow_id": flow_id}, headers={END_USER: "ann"}).json()
        assert answer["session_id"] == flow_id
        assert client.job(answer["job_id"])["status"] == "completed"


@pytest.mark.parametrize("field", ["session_id", "idempotency_key"])
def test_nobody_names_a_session_or_key_of_an_end_user_past_the_proxy(world: World, field: str) -> None:
    """Or it would take the place of theirs, or tell of it."""
    body = {"flow_id": world.flow_id, "mode": "background", field: "ann::a"}
    assert_refused(world.send(Principal.OWNER, "POST", WORKFLOWS, json=body), 422, "RESERVED_NAME")


def test_a_service_that_is_named_as_answerer_has_no_end_user_who_is(world: World, service: httpx.Client) -> None:
    """Its name is that of everybody behind it."""
    flow_id = world.store(approval_flow(answerers=[Principal.OWNER.value]))
    answer = service.post(WORKFLOWS, json={"flow_id": flow_id, "input_value": "of ann"}, **of("ann")).json()
    query = {"flow_id": flow_id}
    found = [service.get(INBOX, params=query, **headers).json()["human_requests"] for headers in (of("ben"), of("ann"))]
    direct = world.send(Principal.OWNER, "GET", INBOX, params=query).json()["human_requests"]
    assert found == [[], []]
    assert [one["request_id"] for one in direct] == [answer["human_request"]["request_id"]]
