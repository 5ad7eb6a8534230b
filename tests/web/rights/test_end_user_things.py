"""The people behind one service key (contract 6.4): each has their own files, and nothing that is the account's."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.making import edge, flow, node, template
from tests.reading import FLOWS, PATIENCE, WORKFLOWS
from tests.web.refusing import assert_refused
from tests.web.rights.principals import END_USER, PROXY, People, Principal
from tests.web.rights.world import World

FILES = "/api/v2/files"
SECRET = "sk-canary-of-the-owner"


@pytest.fixture
def service(http: httpx.Client, people: People) -> Iterator[httpx.Client]:
    """The service, behind the proxy, which names an end user with each request."""
    headers = {"x-api-key": people.headers[Principal.OWNER]["x-api-key"]}
    transport = httpx.HTTPTransport(local_address=PROXY)
    with httpx.Client(base_url=http.base_url, timeout=PATIENCE, headers=headers, transport=transport) as client:
        yield client


def of(end_user: str) -> dict[str, Any]:
    return {"headers": {END_USER: end_user}}


def uploaded(service: httpx.Client, end_user: str) -> dict[str, Any]:
    answer = service.post(FILES, files={"file": ("a.txt", f"of {end_user}")}, **of(end_user))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_is_the_accounts_is_refused_with_one_code(world: World) -> None:
    """Whatever the account itself may do with it."""
    answer = world.send(Principal.END_USER, "GET", "/api/v1/api_key/")
    assert_refused(answer, 403, "NOT_FOR_END_USERS")
    files = world.send(Principal.END_USER, "GET", f"{FILES}?flow_id={world.flow_id}")
    assert_refused(files, 403, "NOT_FOR_END_USERS")


def test_each_end_user_has_their_own_files(world: World, service: httpx.Client) -> None:
    """To list, to read and to delete; to all others they look missing, to whoever holds the key too (I9)."""
    ann, ben = f"ann-{uuid4()}", f"ben-{uuid4()}"
    file = uploaded(service, ann)
    url = f"{FILES}/{file['id']}"
    assert [one["id"] for one in service.get(FILES, **of(ann)).json()] == [file["id"]]
    assert service.get(url, **of(ann)).text == f"of {ann}"
    assert service.get(FILES, **of(ben)).json() == []
    assert file["id"] not in [one["id"] for one in world.by_owner("GET", FILES)]
    for method in ("GET", "DELETE"):
        others = [service.request(method, url, **of(ben)), world.send(Principal.OWNER, method, url)]
        for answer in others:
            assert_refused(answer, 404, "FILE_NOT_FOUND", file_id=file["id"])
    assert service.delete(url, **of(ann)).status_code == 204


def test_a_run_has_the_files_of_its_end_user_only(world: World, service: httpx.Client) -> None:
    """And those of its flow; neither another one's, nor the account's own."""
    ann, ben = uploaded(service, "ann"), uploaded(service, "ben")
    own = world.by_owner("POST", FILES, files={"file": ("a.txt", "of the owner")})
    sent = {"file": ("a.txt", "of the flow")}
    of_flow = world.by_owner("POST", f"/api/v1/files/upload/{world.flow_id}", files=sent)["file_path"]

    def run_with(path: str) -> httpx.Response:
        body = {"flow_id": world.flow_id, "mode": "background", "files": [path]}
        return service.post(WORKFLOWS, json=body, **of("ann"))

    assert [run_with(path).status_code for path in (ann["path"], of_flow)] == [200, 200]
    for path in (ben["path"], own["path"]):
        assert_refused(run_with(path), 422, "FILE_NOT_FOUND", path=path)


def test_an_end_user_sees_no_secrets_of_a_flow(world: World, service: httpx.Client) -> None:
    """They may run it for its owner, not change it: in the list and alone it is shown to them without."""
    secretive, answering = node("TextInput", "TextInput-a1"), node("TextOutput", "TextOutput-b1")
    template(secretive)["input_value"] |= {"password": True, "value": SECRET}
    flow_id = world.store(flow([secretive, answering], [edge(secretive, "text", answering, "input_value")]))
    assert SECRET in str(world.by_owner("GET", f"{FLOWS}{flow_id}"))
    alone = service.get(f"{FLOWS}{flow_id}", **of("ann")).json()
    [listed] = [one for one in service.get(FLOWS, **of("ann")).json() if one["id"] == flow_id]
    assert alone == listed
    assert alone["access"] == "execute"
    assert SECRET not in str(alone)
