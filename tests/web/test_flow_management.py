"""The routes under `/api/v1/flows/`: what they refuse, and that what they take comes back."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from storage.database import Database
from storage.states import LIVE, Status
from tests.making import chain, echo_flow, export_file
from tests.reading import FLOWS, Client
from tests.shapes import Exported
from tests.web.broken_graphs import BROKEN
from tests.web.refusing import assert_invalid, assert_not_json, assert_refused, changes_nothing

UPLOAD = f"{FLOWS}upload/"
MISSING = "0b105ea0-ccef-46c8-844d-d57373370a52"
SHOWN = {
    "id", "name", "description", "endpoint_name", "tags", "is_component", "access_type", "access", "max_tokens",
    "user_id", "version_id", "created_at", "updated_at", "data", "folder_id", "icon", "icon_bg_color", "locked",
    "mcp_enabled", "webhook",
}  # fmt: skip

WRITES: Mapping[str, tuple[str, str]] = {
    "create": ("POST", FLOWS),
    "change": ("PATCH", "{flow}"),
    "put": ("PUT", "{flow}"),
    "upload": ("POST", UPLOAD),
}


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest, client: Client, echo: str) -> Callable[..., httpx.Response]:
    """Each way to write a flow."""
    method, path = WRITES[request.param]
    return lambda **content: client.http.request(method, path.replace("{flow}", f"{FLOWS}{echo}"), **content)


@pytest.mark.parametrize("content", ["", "{", '{"name": NaN}', '{"name": "\\ud800"}', b"\xff", "[" * 2_000])
def test_what_is_not_json(write: Callable[..., httpx.Response], stored: Database, content: str | bytes) -> None:
    """A malformed body is refused by every route that takes one."""
    with changes_nothing(stored):
        assert_not_json(write(content=content))


@pytest.mark.parametrize(
    ("body", "kind", "place"),
    [
        ([], "model_type", ("body",)),
        ({"name": 7, "data": {}}, "string_type", ("body", "name")),
        ({"name": "n" * 513, "data": {}}, "string_too_long", ("body", "name")),
        ({"name": "a\0b", "data": {}}, "value_error", ("body", "name")),
        ({"name": "a", "data": []}, "dict_type", ("body", "data")),
        ({"name": "a", "data": {}, "endpoint_name": "a b"}, "string_pattern_mismatch", ("body", "endpoint_name")),
        ({"name": "a", "data": {}, "tags": "a"}, "list_type", ("body", "tags")),
    ],
)
def test_bodies_that_do_not_fit(
    write: Callable[..., httpx.Response], stored: Database, body: Any, kind: str, place: tuple[str, ...]
) -> None:
    """Each fault is told with its kind and its place, by every route."""
    with changes_nothing(stored):
        assert_invalid(write(json=body), kind, *place)


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_graphs_that_cannot_run(write: Callable[..., httpx.Response], stored: Database, data: Exported) -> None:
    """A definition that cannot become a graph is refused, and what it names that is not here is listed."""
    with changes_nothing(stored):
        answer = write(content=json.dumps({"name": "broken", "data": data}))
    unknown = {"unknown_types": ["Teleporter"]} if data is BROKEN["unknown type"] else {}
    assert_refused(answer, 400, "INVALID_FLOW_DATA", **unknown)


@pytest.mark.parametrize("flow_id", [MISSING, "my-flow", "%20"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_flow_that_is_not_there(client: Client, stored: Database, method: str, flow_id: str) -> None:
    """It is not found, and its id is told as it was sent."""
    with changes_nothing(stored):
        answer = client.http.request(method, f"{FLOWS}{flow_id}", json={"name": "other"})
    assert_refused(answer, 404, "FLOW_NOT_FOUND", flow_id=flow_id.replace("%20", " "))


def test_what_is_no_id_cannot_be_put(client: Client, stored: Database) -> None:
    """The id of a flow that is put must be one."""
    with changes_nothing(stored):
        answer = client.http.put(f"{FLOWS}my-flow", json=export_file(echo_flow()))
    assert_invalid(answer, "uuid_parsing", "path", "id")


@pytest.fixture
def taken(client: Client) -> str:
    """An endpoint name that a flow has."""
    name = f"name-{uuid4()}"
    assert client.http.post(FLOWS, json=export_file(echo_flow()) | {"endpoint_name": name}).status_code == 201
    return name


def test_a_name_that_is_taken(write: Callable[..., httpx.Response], stored: Database, taken: str) -> None:
    """An endpoint name stands for one flow; the definition that came with it is not kept either."""
    with changes_nothing(stored):
        answer = write(json=export_file(chain(7)) | {"endpoint_name": taken})
    assert_refused(answer, 409, "NAME_TAKEN", name=taken)


def test_an_upload_of_several_flows_is_one(client: Client, stored: Database, taken: str) -> None:
    """When one of them is refused none is stored."""
    fine, clashing = export_file(chain(8)), export_file(chain(9)) | {"endpoint_name": taken}
    broken = export_file(BROKEN["cycle"])
    with changes_nothing(stored):
        with_broken = client.http.post(UPLOAD, json={"flows": [fine, broken]})
        with_clash = client.http.post(UPLOAD, json={"flows": [fine, clashing]})
    assert_refused(with_broken, 400, "INVALID_FLOW_DATA")
    assert_refused(with_clash, 409, "NAME_TAKEN", name=taken)


def test_an_upload_without_a_file(client: Client, stored: Database) -> None:
    """A form has to have the field `file`, as a file."""
    with changes_nothing(stored):
        other_field = client.http.post(UPLOAD, files={"flow": b"{}"})
        text_field = client.http.post(UPLOAD, files={"file": (None, "{}")})
        no_form = client.http.post(UPLOAD, content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert_refused(other_field, 400, "MISSING_PARAMETER")
    assert_refused(text_field, 400, "MISSING_PARAMETER")
    assert no_form.status_code == 400


@pytest.mark.parametrize("status", LIVE[1:])
def test_a_flow_whose_jobs_live(
    client: Client, stored: Database, echo: str, job_in: Callable[[Status], str], status: Status
) -> None:
    """It cannot be deleted before they are over."""
    job_id = job_in(status)
    with changes_nothing(stored):
        answer = client.http.delete(f"{FLOWS}{echo}")
    assert_refused(answer, 409, "FLOW_HAS_LIVE_JOBS", flow_id=echo, job_ids=answer.json()["detail"]["job_ids"])
    client.stop(job_id)


def test_finished_jobs_outlive_their_flow(client: Client) -> None:
    """A flow whose jobs are over is deleted; they stay readable."""
    flow_id = client.store(echo_flow())
    job_id = client.run(flow_id, input_value="kept").json()["job_id"]
    assert client.http.delete(f"{FLOWS}{flow_id}").status_code == 204
    assert client.http.get(f"{FLOWS}{flow_id}").status_code == 404
    assert client.job(job_id)["result"]["output"]["text"] == "kept"


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("form", [False, True])
def test_an_export_can_be_uploaded(client: Client, form: bool, several: bool) -> None:
    """As a form or as the body, alone or among several; it comes back as it was."""
    exported = export_file(echo_flow(), name="exported")
    document = {"flows": [exported]} if several else exported
    sent: dict[str, Any] = {"files": {"file": json.dumps(document).encode()}} if form else {"json": document}
    answer = client.http.post(UPLOAD, **sent)
    assert answer.status_code == 201
    [created] = answer.json()
    assert created.keys() == SHOWN
    assert (created["name"], created["data"]) == ("exported", exported["data"])
    assert client.http.get(f"{FLOWS}{created['id']}").json() == created


def test_a_change_makes_a_version(client: Client) -> None:
    """New data give a flow another version; the same data, in whatever order, the same one."""
    flow_id = client.store(echo_flow())
    path = f"{FLOWS}{flow_id}"
    first = client.http.get(path).json()
    renamed = client.http.patch(path, json={"name": "renamed"}).json()
    reordered = client.http.patch(path, json={"data": dict(reversed(echo_flow().items()))}).json()
    changed = client.http.patch(path, json={"data": chain(1)}).json()
    assert renamed["name"] == "renamed"
    assert first["version_id"] == renamed["version_id"] == reordered["version_id"] != changed["version_id"]


def test_put_creates_and_replaces(client: Client) -> None:
    """The first PUT answers 201 under the id of the path, the next one 200; both leave what was sent."""
    flow_id = str(uuid4())
    path = f"{FLOWS}{flow_id}"
    created = client.http.put(path, json=export_file(echo_flow(), name="one"))
    replaced = client.http.put(path, json=export_file(chain(1), name="two"))
    assert (created.status_code, replaced.status_code) == (201, 200)
    assert created.json()["id"] == replaced.json()["id"] == flow_id
    assert (replaced.json()["name"], replaced.json()["data"]) == ("two", chain(1))


def test_an_id_that_somebody_has_is_not_given_twice(client: Client, echo: str) -> None:
    """An export that brings the id of a stored flow is stored under a new one."""
    answer = client.http.post(FLOWS, json=export_file(echo_flow()) | {"id": echo})
    assert answer.status_code == 201
    assert answer.json()["id"] != echo


def test_the_list_can_leave_the_data_out(client: Client, echo: str) -> None:
    """With `header_flows` the list has the same flows without their data."""
    whole = client.http.get(FLOWS).json()
    headers = client.http.get(FLOWS, params={"header_flows": "true"}).json()
    assert [flow["id"] for flow in headers] == [flow["id"] for flow in whole]
    assert all(flow["data"] is None for flow in headers)
    assert any(flow["id"] == echo and flow["data"] == echo_flow() for flow in whole)


def test_an_upload_of_more_flows_than_it_may_hold(client: Client, stored: Database) -> None:
    """It is refused before any of them is looked at (I10)."""
    with changes_nothing(stored):
        too_many, most = [client.http.post(UPLOAD, json={"flows": [{}] * count}) for count in (101, 100)]
    assert_refused(too_many, 422, "TOO_MANY_FLOWS", limit=100)
    assert_invalid(most, "missing", "body", "name")


def test_an_upload_of_no_flows(client: Client, stored: Database) -> None:
    with changes_nothing(stored):
        answer = client.http.post(UPLOAD, json={"flows": []})
    assert (answer.status_code, answer.json()) == (201, [])
