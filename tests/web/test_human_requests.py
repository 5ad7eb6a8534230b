"""The inbox and its feed: what somebody may answer, as it is and as it changes."""

from collections.abc import Callable
from typing import Any

import pytest

from storage.states import Status
from tests.reading import PATIENCE, WORKFLOWS, Client
from tests.web.refusing import assert_invalid

INBOX = "/api/v2/human-requests"


def listed(client: Client, **query: Any) -> list[str]:
    """The ids of all open requests, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = client.http.get(INBOX, params={**query, **({"cursor": cursor} if cursor else {})}).json()
        found += [one["request_id"] for one in page["human_requests"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def test_pages_have_no_hole_and_no_repeat(client: Client, job_in: Callable[[Status], str]) -> None:
    jobs = [job_in(Status.SUSPENDED) for _ in range(5)]
    wanted = [client.asked(job_id)[0]["request_id"] for job_id in jobs]
    found = listed(client, limit=2)
    assert len(found) == len(set(found))
    assert set(wanted) <= set(found)
    assert found == listed(client)


@pytest.mark.parametrize(
    ("query", "count"), [({"kind": "node_input"}, 1), ({"kind": "tool_approval"}, 0), ({"overdue": True}, 0)]
)
def test_requests_are_found_by_what_they_are(
    client: Client, job_in: Callable[[Status], str], query: dict[str, Any], count: int
) -> None:
    [asked] = client.asked(job_in(Status.SUSPENDED))
    assert listed(client, **query).count(asked["request_id"]) == count


@pytest.mark.parametrize(
    ("query", "kind", "name"),
    [
        ({"flow_id": "my-flow"}, "uuid_parsing", "flow_id"),
        ({"kind": "riddle"}, "enum", "kind"),
        ({"limit": 0}, "greater_than_equal", "limit"),
    ],
)
def test_queries_that_do_not_fit(client: Client, query: dict[str, Any], kind: str, name: str) -> None:
    assert_invalid(client.http.get(INBOX, params=query), kind, "query", name)


def test_the_flow_of_pending_requests_must_be_named(client: Client) -> None:
    """Contract 1.5."""
    assert_invalid(client.http.get(f"{WORKFLOWS}/pending"), "missing", "query", "flow_id")


def test_the_feed_tells_of_requests_as_they_open_and_close(client: Client, job_in: Callable[[Status], str]) -> None:
    """First what is open now; a client that comes back misses nothing."""
    before = client.asked(job_in(Status.SUSPENDED))[0]["request_id"]
    job_id = ""
    with client.http.stream("GET", f"{INBOX}/events", timeout=PATIENCE) as answer:
        for line in answer.iter_lines():
            if before in line and not job_id:
                assert "human_request_opened" in line
                job_id = job_in(Status.SUSPENDED)
            elif job_id and job_id in line and "human_request_opened" in line:
                assert client.stop(job_id).status_code == 200
            elif job_id and job_id in line:
                assert "human_request_closed" in line
                return
    raise AssertionError("the feed ended")
