"""Whose the id of a flow is: of whoever has it, and of whoever ran the flow that had it."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.deployments import embedded
from tests.making import chain, echo_flow, export_file
from tests.reading import FLOWS, WORKFLOWS, Client
from tests.storage.situations import at_once
from tests.web.refusing import assert_refused
from tests.web.signing_in import House, house_of

FILES = "/api/v2/files"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("ids")
    with embedded(folder, {}) as deployment, house_of(deployment, folder) as made:
        yield made


@pytest.fixture(scope="module")
def ann(house: House) -> Iterator[Client]:
    with closing(Client(house.deployment.url, house.key_of(house.add("ann")).key)) as client:
        yield client


@pytest.fixture(scope="module")
def bob(house: House) -> Iterator[Client]:
    with closing(Client(house.deployment.url, house.key_of(house.add("bob")).key)) as client:
        yield client


@pytest.fixture
def left(ann: Client, bob: Client) -> tuple[str, str]:
    """The id of a flow that its owner deleted after somebody else had run it, and that job."""
    flow_id = ann.store(echo_flow())
    shared = ann.http.post(f"{FLOWS}{flow_id}/shares", json={"user": "bob", "level": "execute"})
    assert shared.status_code == 201, shared.text
    job_id = bob.run(flow_id, input_value="mine").json()["job_id"]
    assert ann.http.delete(f"{FLOWS}{flow_id}").status_code == 204
    return flow_id, job_id


def test_a_new_flow_hides_no_jobs_of_others(ann: Client, bob: Client, left: tuple[str, str]) -> None:
    """An export that brings the id is stored under a new one, and nothing can be put there."""
    flow_id, job_id = left
    created = ann.http.post(FLOWS, json=export_file(echo_flow()) | {"id": flow_id})
    uploaded = ann.http.post(f"{FLOWS}upload/", json={"flows": [export_file(echo_flow()) | {"id": flow_id}] * 2})
    put = ann.http.put(f"{FLOWS}{flow_id}", json=export_file(echo_flow()))
    assert (created.status_code, uploaded.status_code) == (201, 201)
    ids = [created.json()["id"], *(flow["id"] for flow in uploaded.json())]
    assert len({flow_id, *ids}) == 4
    assert_refused(put, 404, "FLOW_NOT_FOUND", flow_id=flow_id)
    assert bob.job(job_id)["result"]["output"]["text"] == "mine"
    assert job_id in [job["job_id"] for job in bob.http.get(f"{WORKFLOWS}/jobs").json()["jobs"]]


def test_a_flow_that_only_its_owner_ran_may_be_put_again(ann: Client) -> None:
    flow_id = ann.store(echo_flow())
    ann.run(flow_id, input_value="mine")
    ann.http.delete(f"{FLOWS}{flow_id}")
    put = ann.http.put(f"{FLOWS}{flow_id}", json=export_file(echo_flow()))
    assert (put.status_code, put.json()["id"]) == (201, flow_id)


def test_the_files_of_a_deleted_flow_are_nobodys(house: House, ann: Client, bob: Client) -> None:
    """Whoever has a flow under its id later can neither use nor list them, and their bytes are gone."""
    flow_id = ann.store(echo_flow())
    sent = {"file": ("a.txt", b"a secret of ann")}
    path = ann.http.post(f"/api/v1/files/upload/{flow_id}", files=sent).json()["file_path"]
    assert ann.http.delete(f"{FLOWS}{flow_id}").status_code == 204
    put = bob.http.put(f"{FLOWS}{flow_id}", json=export_file(echo_flow()))
    assert (put.status_code, put.json()["id"]) == (201, flow_id)
    answer = bob.run(flow_id, mode="background", files=[path])
    assert_refused(answer, 422, "FILE_NOT_FOUND", path=path)
    assert bob.http.get(FILES, params={"flow_id": flow_id}).json() == ann.http.get(FILES).json() == []
    assert not list((house.deployment.webs[0].log.parent / "files").rglob("*.txt"))


def put_at_once(url: str, bodies: list[dict[str, Any]], *clients: Client) -> list[httpx.Response]:
    attempts = [partial(client.http.put, url, json=body) for client, body in zip(clients, bodies, strict=True)]
    return [race.result() for race in at_once(attempts)]


@pytest.mark.parametrize("attempt", range(5))
def test_flows_that_are_put_at_once_are_one(house: House, ann: Client, attempt: int) -> None:
    """The first is created and the others change it, all under the id that they name (I12)."""
    flow_id, key = str(uuid4()), ann.http.headers["x-api-key"]
    name = f"name-{flow_id}"
    clients = [Client(house.deployment.url, key) for _ in range(6)]
    bodies = [export_file(chain(n)) | {"endpoint_name": name} for n in range(6)]
    before = {flow["id"] for flow in ann.http.get(FLOWS, params={"header_flows": "true"}).json()}
    answers = put_at_once(f"{FLOWS}{flow_id}", bodies, *clients)
    for client in clients:
        client.close()
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert {answer.json()["id"] for answer in answers} == {flow_id}
    after = {flow["id"] for flow in ann.http.get(FLOWS, params={"header_flows": "true"}).json()}
    assert after - before == {flow_id}


def test_of_two_users_who_put_one_id_at_once_one_has_it(ann: Client, bob: Client) -> None:
    """To the other it is as somebody else's flow."""
    flow_id = str(uuid4())
    answers = put_at_once(f"{FLOWS}{flow_id}", [export_file(echo_flow())] * 2, ann, bob)
    assert sorted(answer.status_code for answer in answers) == [201, 404]
