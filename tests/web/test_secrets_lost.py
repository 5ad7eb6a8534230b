"""What a server says that does not have the key of what is stored."""

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from storage.accounts import LOCAL_USER_ID
from storage.database import Database
from storage.flow_store import find_flow
from storage.hash_key import hashing_secrets
from storage.human_requests import requests_of
from storage.requests import Overrides
from storage.secrets import Secrets, new_key
from storage.states import Mode, Status
from storage.submitting import NewJob
from tests.deployments import embedded
from tests.making import echo_flow
from tests.reading import Client
from tests.storage.situations import brought_to
from tests.web.following import silent_log
from tests.web.refusing import assert_refused, changes_nothing

LOST = new_key()


@pytest.fixture(scope="module")
def bereft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Database]]:
    """A server on a database whose secrets are under another key than its own."""
    with (
        embedded(tmp_path_factory.mktemp("bereft"), {"PENSTOCK_SECRET_KEY": new_key()}) as deployment,
        closing(Database(deployment.database_url)) as database,
        closing(Client(deployment.url)) as client,
    ):
        hashing_secrets(database, [LOST]).digest("a key")
        yield client, database


def test_an_api_key_cannot_be_checked(bereft: tuple[Client, Database]) -> None:
    """That is said, and not that the key is wrong; whoever needs none goes on."""
    client, database = bereft
    with changes_nothing(database):
        answer = client.http.get("/api/v1/flows/", headers={"x-api-key": "psk_any"})
        assert_refused(answer, 503, "CREDENTIALS_UNREADABLE")
        assert client.http.get("/api/v1/flows/").status_code == 200


def test_a_request_that_needs_a_keyed_hash(bereft: tuple[Client, Database]) -> None:
    """The fingerprint beside an idempotency key is one."""
    client, database = bereft
    flow_id = client.store(echo_flow())
    with changes_nothing(database):
        answer = client.run(flow_id, mode="background", idempotency_key="once")
    assert_refused(answer, 503, "SECRETS_UNAVAILABLE")


def test_an_answer_to_a_run_whose_overrides_cannot_be_read(bereft: tuple[Client, Database]) -> None:
    """It is refused, the request stays open and the job as it is."""
    client, database = bereft
    flow = find_flow(database, client.store(echo_flow()))
    assert flow is not None
    job_id = str(uuid4())
    job = NewJob(
        id=job_id,
        user_id=LOCAL_USER_ID,
        flow_id=flow.id,
        version_id=flow.version_id,
        mode=Mode.BACKGROUND,
        session_id=job_id,
        request="{}",
        overrides=Overrides(globals={"TOKEN": "hunter2"}).seal(Secrets([LOST]), job_id),
    )
    brought_to(silent_log(database), job, Status.SUSPENDED)
    [asked] = requests_of(database, job_id)
    with changes_nothing(database):
        answer = client.resume(job_id, asked.id, "approve")
    assert_refused(answer, 503, "REQUEST_OVERRIDES_UNAVAILABLE", job_id=job_id)
    assert client.job(job_id)["status"] == "suspended"
