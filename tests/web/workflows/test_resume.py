"""`POST /api/v2/workflows/{job_id}/resume` (contract 1.6): what is refused, and in which order."""

from collections.abc import Callable
from json import loads
from typing import Any

import pytest

from storage.database import Database
from storage.states import TERMINAL, Status
from tests.reading import WORKFLOWS, Client
from tests.web.refusing import assert_invalid, assert_refused, changes_nothing


def asked(client: Client, job_id: str) -> str:
    """The id of the one open request of a job."""
    [found] = client.asked(job_id)
    return str(found["request_id"])


def refusal(answer: Any) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["detail"]["code"]


def resume(client: Client, job_id: str, body: Any) -> Any:
    return client.http.post(f"{WORKFLOWS}/{job_id}/resume", json=body)


@pytest.mark.parametrize("job_id", ["00000000-0000-4000-8000-000000000000", "my-job", "%20"])
def test_an_unknown_job(client: Client, stored: Database, job_id: str) -> None:
    """It is not found, whatever the decision says."""
    with changes_nothing(stored):
        for path in ("resume", "pause"):
            answer = client.http.post(f"{WORKFLOWS}/{job_id}/{path}", json={"request_id": "r", "decision": {}})
            assert refusal(answer) == (404, "JOB_NOT_FOUND")
        assert refusal(client.http.get(f"{WORKFLOWS}/{job_id}/pending")) == (404, "JOB_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "kind", "place"),
    [
        ([], "model_type", ("body",)),
        ({"request_id": 1}, "string_type", ("body", "request_id")),
        ({"request_id": "r", "decision": "approve"}, "model_type", ("body", "decision")),
        ({"request_id": "r", "decision": {"values": []}}, "dict_type", ("body", "decision", "values")),
        ({"decision": {"action_id": "approve"}}, "missing", ("body", "request_id")),
    ],
)
def test_bodies_that_do_not_fit(
    client: Client, stored: Database, job_in: Callable[[Status], str], body: Any, kind: str, place: tuple[str, ...]
) -> None:
    job_id = job_in(Status.SUSPENDED)
    with changes_nothing(stored):
        assert_invalid(resume(client, job_id, body), kind, *place)


@pytest.mark.parametrize(
    ("decision", "field"),
    [
        (None, "action_id"),
        ({}, "action_id"),
        ({"action_id": "sell"}, "action_id"),
        ({"action_id": "fallback"}, "action_id"),
        ({"action_id": "approve", "text": "by the way"}, "text"),
        ({"action_id": "approve", "decisions": [{"action_id": "approve"}]}, "decisions"),
        ({"action_id": "approve", "values": {"x": "x" * 70_000}}, "decision"),
        ({"action_id": "approve", "values": {"x": loads("[" * 40 + "]" * 40)}}, "decision"),
    ],
)  # fmt: skip
def test_decisions_that_do_not_fit(
    client: Client, stored: Database, job_in: Callable[[Status], str], decision: Any, field: str
) -> None:
    """Each fault is told with its field, and the request stays open (B24)."""
    job_id = job_in(Status.SUSPENDED)
    request_id = asked(client, job_id)
    with changes_nothing(stored):
        answer = resume(client, job_id, {"request_id": request_id, "decision": decision})
    assert refusal(answer) == (422, "INVALID_DECISION")
    assert answer.json()["detail"]["errors"][0]["field"] == field


@pytest.mark.parametrize("status", TERMINAL)
def test_a_job_that_is_over(client: Client, stored: Database, job_in: Callable[[Status], str], status: Status) -> None:
    """It is not resumed, nor paused."""
    job_id = job_in(status)
    with changes_nothing(stored):
        answer = resume(client, job_id, {"request_id": "r", "decision": {"action_id": "approve"}})
        assert_refused(answer, 409, "NOT_RESUMABLE", job_id=job_id, request_id="r")
        assert_refused(resume(client, job_id, {}), 409, "NOT_RESUMABLE", job_id=job_id)
        assert_refused(client.pause(job_id), 409, "NOT_PAUSABLE", job_id=job_id)


def test_a_wrong_action_is_told_before_it_is_too_late(client: Client, job_in: Callable[[Status], str]) -> None:
    """As the contract has it: a bad action on a job that has gone on is 422, a good one 409."""
    job_id = job_in(Status.SUSPENDED)
    request_id = asked(client, job_id)
    assert client.stop(job_id).status_code == 200
    assert refusal(client.resume(job_id, request_id, "sell")) == (422, "INVALID_DECISION")
    assert refusal(client.resume(job_id, request_id, "approve")) == (409, "NOT_RESUMABLE")


def test_pausing_twice_is_pausing(client: Client, job_in: Callable[[Status], str]) -> None:
    job_id = job_in(Status.SUSPENDED)
    answers = [client.pause(job_id).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert client.job(job_id)["is_paused"]
