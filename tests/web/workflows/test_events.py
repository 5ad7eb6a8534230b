"""`GET /api/v2/workflows/{job_id}/events` (contract 1.4)."""

from collections.abc import Callable

import pytest

from storage.database import Database
from storage.states import Status
from tests.reading import WORKFLOWS, Client
from tests.web.refusing import assert_refused, changes_nothing


@pytest.fixture(scope="module")
def finished(client: Client, echo: str) -> str:
    """A job that is over."""
    return str(client.run(echo, input_value="x").json()["job_id"])


@pytest.mark.parametrize("job_id", ["0b105ea0-ccef-46c8-844d-d57373370a52", "my-job", "%20"])
def test_an_unknown_job(client: Client, stored: Database, job_id: str) -> None:
    """It is not found; what is no UUID is no job."""
    with changes_nothing(stored):
        answer = client.http.get(f"{WORKFLOWS}/{job_id}/events")
    assert_refused(answer, 404, "JOB_NOT_FOUND", job_id=job_id.replace("%20", " "))


@pytest.mark.parametrize("written", ["-1", "abc", "1.5", "1-", "-", "0x1", "1 2", "9" * 16, "²"])
def test_what_no_log_gave_out_means_from_the_start(client: Client, finished: str, written: str) -> None:
    """A cursor that cannot be read replays everything."""
    by_header = client.http.get(f"{WORKFLOWS}/{finished}/events", headers=[(b"Last-Event-ID", written.encode())])
    by_query = client.http.get(f"{WORKFLOWS}/{finished}/events", params={"last_event_id": written})
    whole = client.http.get(f"{WORKFLOWS}/{finished}/events")
    assert by_header.content == by_query.content == whole.content
    assert whole.status_code == 200


@pytest.mark.parametrize("beyond", [0, 1, 10**12])
def test_who_has_it_all_is_sent_away(client: Client, finished: str, beyond: int) -> None:
    """At or behind the last event of a job that is over there is nothing more to come."""
    last = int(client.events(finished)[-1].id)
    answer = client.http.get(f"{WORKFLOWS}/{finished}/events", headers={"Last-Event-ID": str(last + beyond)})
    assert (answer.status_code, answer.content) == (204, b"")


def test_the_header_stands_before_the_query(client: Client, finished: str) -> None:
    """A browser that reconnects sends both: its own header is the newer one."""
    path = f"{WORKFLOWS}/{finished}/events"
    both = client.http.get(path, headers={"Last-Event-ID": "3"}, params={"last_event_id": "1"})
    assert both.content == client.http.get(path, headers={"Last-Event-ID": "3"}).content


def test_a_cursor_from_the_future(client: Client, job_in: Callable[[Status], str]) -> None:
    """It means from the start while the job lives, and keeps nothing from anybody else who watches."""
    job_id = job_in(Status.IN_PROGRESS)
    with client.attached(job_id, str(10**12)) as strange, client.attached(job_id) as other:
        first = next(strange), next(other)
        client.stop(job_id)
        seen = [first[0], *strange], [first[1], *other]
    assert seen[0] == seen[1]
    assert [frame.id for frame in seen[1]] == ["1", "2", "3"]
