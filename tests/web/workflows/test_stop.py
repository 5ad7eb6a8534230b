"""`POST /api/v2/workflows/stop` (contract 1.3)."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from storage.database import Database
from storage.states import TERMINAL, Status
from tests.reading import WORKFLOWS, Client
from tests.web.refusing import assert_invalid, assert_refused, changes_nothing

STOP = f"{WORKFLOWS}/stop"


@pytest.mark.parametrize(
    ("body", "kind", "place"),
    [
        ({}, "missing", ("body", "job_id")),
        ({"job_id": None}, "uuid_type", ("body", "job_id")),
        ({"job_id": "my-job"}, "uuid_parsing", ("body", "job_id")),
        ([], "model_type", ("body",)),
    ],
)
def test_bodies_that_do_not_fit(client: Client, stored: Database, body: Any, kind: str, place: tuple[str, ...]) -> None:
    """Each fault is told with its kind and its place."""
    with changes_nothing(stored):
        assert_invalid(client.http.post(STOP, json=body), kind, *place)


def test_an_unknown_job(client: Client, stored: Database) -> None:
    """It is not found, whatever else the body says."""
    job_id = str(uuid4())
    with changes_nothing(stored):
        answer = client.http.post(STOP, json={"job_id": job_id, "force": True})
    assert_refused(answer, 404, "JOB_NOT_FOUND", job_id=job_id)
    assert answer.json()["detail"]["error"] == "Job not found"


@pytest.mark.parametrize("status", TERMINAL)
def test_a_job_that_is_over(client: Client, stored: Database, job_in: Callable[[Status], str], status: Status) -> None:
    """It stays as it is, and the answer says so."""
    job_id = job_in(status)
    with changes_nothing(stored):
        answer = client.stop(job_id)
    told = "is already cancelled" if status is Status.CANCELLED else f"already finished ({status})"
    assert (answer.status_code, answer.json()) == (200, {"job_id": job_id, "message": f"Job {job_id} {told}."})


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.SUSPENDED])
def test_a_live_job(client: Client, job_in: Callable[[Status], str], status: Status) -> None:
    """It is cancelled at once, and its last event says so."""
    job_id = job_in(status)
    answer = client.stop(job_id)
    assert (answer.status_code, answer.json()["message"]) == (200, f"Job {job_id} cancelled successfully.")
    assert client.job(job_id)["status"] == "cancelled"
    assert client.events(job_id)[-1].json["type"] == "cancelled"
