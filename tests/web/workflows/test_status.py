"""`GET /api/v2/workflows?job_id=`, which answers by status code (contract 1.2), and the added routes, which tell."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from storage.database import Database
from storage.states import Status
from tests.making import failing_flow
from tests.reading import WORKFLOWS, Client
from tests.web.refusing import assert_invalid, assert_refused, changes_nothing

DETAIL = {
    "job_id", "flow_id", "session_id", "object", "mode", "status", "created_timestamp", "started_at", "finished_at",
    "last_event", "error", "links", "is_paused", "human_requests", "result",
}  # fmt: skip


def status_of(client: Client, job_id: str) -> Any:
    return client.http.get(WORKFLOWS, params={"job_id": job_id})


def test_without_a_job(client: Client, stored: Database) -> None:
    """The parameter is asked for."""
    with changes_nothing(stored):
        assert_refused(client.http.get(WORKFLOWS), 400, "MISSING_PARAMETER")


@pytest.mark.parametrize("written", ["", "my-job", "123"])
def test_what_is_no_uuid(client: Client, stored: Database, written: str) -> None:
    """It is a fault of the query."""
    with changes_nothing(stored):
        assert_invalid(status_of(client, written), "uuid_parsing", "query", "job_id")


def test_an_unknown_job(client: Client, stored: Database) -> None:
    """It is not found, by either route."""
    job_id = str(uuid4())
    with changes_nothing(stored):
        assert_refused(status_of(client, job_id), 404, "JOB_NOT_FOUND", job_id=job_id)
        assert_refused(client.http.get(f"{WORKFLOWS}/{job_id}"), 404, "JOB_NOT_FOUND", job_id=job_id)
        assert_refused(client.http.get(f"{WORKFLOWS}/my-job"), 404, "JOB_NOT_FOUND", job_id="my-job")


def test_a_failed_job(client: Client, stored: Database) -> None:
    """The contract's route answers 500 with what went wrong, the added one 200 with the same."""
    flow_id = client.store(failing_flow())
    job_id = client.submit(flow_id, input_value="x")
    client.events(job_id)
    detail = client.job(job_id)
    with changes_nothing(stored):
        answer = status_of(client, job_id)
    assert detail["error"].keys() == {"type", "message", "component_id"}
    assert (detail["error"]["type"], detail["error"]["component_id"]) == ("VertexFailed", "ConditionalRouter-bad")
    assert "resembles" in detail["error"]["message"]
    assert_refused(answer, 500, "JOB_FAILED", job_id=job_id, flow_id=flow_id, error_detail=detail["error"])


def test_a_timed_out_job(client: Client, stored: Database, job_in: Callable[[Status], str], echo: str) -> None:
    """The contract's route answers 408, the added one 200."""
    job_id = job_in(Status.TIMED_OUT)
    with changes_nothing(stored):
        assert_refused(status_of(client, job_id), 408, "EXECUTION_TIMEOUT", job_id=job_id, flow_id=echo)
    assert client.job(job_id)["status"] == "timed_out"


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.SUSPENDED, Status.CANCELLED])
def test_a_job_that_is_not_finished(
    client: Client, stored: Database, job_in: Callable[[Status], str], status: Status
) -> None:
    """It is told as a job."""
    job_id = job_in(status)
    with changes_nothing(stored):
        answer = status_of(client, job_id)
    assert (answer.status_code, answer.json()["object"], answer.json()["status"]) == (200, "job", status)


TOLD = [status for status in Status if status not in (Status.QUEUED, Status.FAILED)]


@pytest.mark.parametrize("status", TOLD)
def test_every_job_is_told(client: Client, job_in: Callable[[Status], str], status: Status) -> None:
    """The added route answers 200 for a job in any state, and has a result when the job is over."""
    detail = client.job(job_in(status))
    assert detail.keys() == DETAIL
    assert detail["status"] == status
    assert (detail["result"] is not None) == (detail["finished_at"] is not None)


@pytest.mark.parametrize(
    ("parameters", "kind", "name"),
    [
        ({"limit": "0"}, "greater_than_equal", "limit"),
        ({"limit": "201"}, "less_than_equal", "limit"),
        ({"limit": "many"}, "int_parsing", "limit"),
        ({"status": "lost"}, "enum", "status"),
        ({"flow_id": "my-flow"}, "uuid_parsing", "flow_id"),
        ({"cursor": "first"}, "uuid_parsing", "cursor"),
        ({"session_id": "\0"}, "value_error", "session_id"),
    ],
)
def test_lists_that_cannot_be(
    client: Client, stored: Database, parameters: dict[str, str], kind: str, name: str
) -> None:
    """A filter or a page that cannot be is a fault of the query."""
    with changes_nothing(stored):
        answer = client.http.get(f"{WORKFLOWS}/jobs", params=parameters)
    assert_invalid(answer, kind, "query", name)


def test_pages_have_no_hole(client: Client) -> None:
    """Page by page come all jobs of a flow, newest first, each once."""
    flow_id = client.store(failing_flow())
    made = [client.run(flow_id, input_value="x").json()["job_id"] for _ in range(5)]
    seen: list[str] = []
    parameters: dict[str, Any] = {"flow_id": flow_id, "limit": 2}
    while parameters.get("cursor", "first"):
        page = client.http.get(f"{WORKFLOWS}/jobs", params=parameters).json()
        assert page.keys() == {"jobs", "next_cursor"}
        seen += [job["job_id"] for job in page["jobs"]]
        parameters["cursor"] = page["next_cursor"]
    assert seen == made[::-1]
