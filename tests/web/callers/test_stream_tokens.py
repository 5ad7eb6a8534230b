"""web/callers/stream_tokens.py: leave to follow one job for a few minutes, for whoever cannot send headers."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.accounts import Account
from storage.keys import revoke_key
from storage.secrets import kept_keys
from storage.users import activate, deactivate
from tests.deployments import embedded
from tests.making import approval_flow, echo_flow
from tests.reading import WORKFLOWS, Client, frames, until
from tests.web.signing_in import BAD_TOKEN, DESK, INACTIVE, LOGOUT, NOBODY, House, house_of, told
from web.callers.stream_tokens import SECONDS

MISSING = "0b105ea0-ccef-46c8-844d-d57373370a52"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("tokens")
    with embedded(folder, {}) as deployment, house_of(deployment, folder) as made:
        yield made


@pytest.fixture(scope="module")
def anna(house: House) -> Account:
    return house.add("anna")


@pytest.fixture(scope="module")
def client(house: House, anna: Account) -> Iterator[Client]:
    with closing(Client(house.deployment.url, house.key_of(anna).key)) as connected:
        yield connected


@pytest.fixture(scope="module")
def job_id(client: Client) -> str:
    """A job that is over."""
    job = client.submit(client.store(echo_flow()), input_value="seen")
    client.events(job)
    return job


@pytest.fixture(scope="module")
def page(house: House, client: Client) -> Iterator[httpx.Client]:
    """What has the URL and nothing else."""
    with house.calling() as nobody:
        yield nobody


def issued(client: Client, job_id: str) -> dict[str, str]:
    answer = client.http.post(f"{WORKFLOWS}/{job_id}/stream-token")
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def test_a_token_follows_its_job(client: Client, page: httpx.Client, job_id: str) -> None:
    """The URL is all that a browser needs; it serves again when the connection breaks."""
    leave = issued(client, job_id)
    assert leave.keys() == {"token", "expires_at", "url"}
    assert leave["url"] == f"/api/v2/workflows/{job_id}/events?{httpx.QueryParams(stream_token=leave['token'])}"
    ends_in = datetime.fromisoformat(leave["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=SECONDS - 60) < ends_in <= timedelta(seconds=SECONDS)
    for _ in range(2):
        with page.stream("GET", leave["url"]) as response:
            assert response.status_code == 200
            assert [frame.event for frame in frames(response)][-1] == "end"


def test_a_token_is_worth_nothing_elsewhere(client: Client, page: httpx.Client, job_id: str) -> None:
    """Neither at another job of the same user, nor at any other route, nor as another credential."""
    token = issued(client, job_id)["token"]
    other = client.submit(client.store(echo_flow()), input_value="other")
    query = {"stream_token": token}
    assert told(page.get(f"{WORKFLOWS}/{other}/events", params=query)) == BAD_TOKEN
    assert told(page.get(f"{WORKFLOWS}/{job_id}", params=query)) == NOBODY
    assert told(page.get(f"{WORKFLOWS}/{job_id}/pending", params=query)) == NOBODY
    assert told(page.post(f"{WORKFLOWS}/{job_id}/pause", params=query)) == NOBODY
    assert told(page.post(f"{WORKFLOWS}/{job_id}/stream-token", params=query)) == NOBODY
    assert told(page.get(f"{WORKFLOWS}/{job_id}/events", headers={"Authorization": f"Bearer {token}"})) == BAD_TOKEN


def test_a_token_ends_by_itself(house: House, page: httpx.Client, client: Client, anna: Account, job_id: str) -> None:
    """One that was made too long ago is refused, and one that is about to be too old is not."""
    [key] = kept_keys(house.deployment.webs[0].log.parent / "secret.key")
    fernet = Fernet(key)
    fresh = issued(client, job_id)["token"].encode()
    content = fernet.decrypt(fresh)
    for age, is_taken in ((SECONDS - 30, True), (SECONDS + 2, False)):
        aged = fernet.encrypt_at_time(content, int(time.time()) - age).decode()
        answer = page.get(f"{WORKFLOWS}/{job_id}/events", params={"stream_token": aged})
        assert (answer.status_code == 200) is is_taken
        assert is_taken or told(answer) == BAD_TOKEN


def test_what_is_sealed_for_something_else_is_no_token(house: House, page: httpx.Client, job_id: str) -> None:
    """A variable's or an override's ciphertext is under the same keys."""
    sealed = house.secrets.seal({"user_id": "x", "end_user": None}, "variable:x:y").decode()
    assert told(page.get(f"{WORKFLOWS}/{job_id}/events", params={"stream_token": sealed})) == BAD_TOKEN


def test_rights_are_looked_up_when_a_token_is_used(
    house: House, page: httpx.Client, client: Client, anna: Account, job_id: str
) -> None:
    """Whoever is deactivated follows no more, with a token of before (I9)."""
    url = issued(client, job_id)["url"]
    deactivate(house.stored, anna.user_id, DESK)
    assert told(page.get(url)) == INACTIVE
    activate(house.stored, anna.user_id, DESK)
    assert page.get(url).status_code == 200


def test_only_who_may_read_a_job_gets_a_token(house: House, page: httpx.Client, job_id: str) -> None:
    """A job of somebody else is as one that is not there, byte by byte (I9)."""
    assert told(page.post(f"{WORKFLOWS}/{job_id}/stream-token")) == NOBODY
    with house.calling(house.key_of(house.add("bob")).key) as other:
        answers = [other.post(f"{WORKFLOWS}/{id}/stream-token") for id in (job_id, MISSING)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text.replace(job_id, MISSING) == answers[1].text


def test_a_token_tells_nothing(house: House, client: Client, anna: Account, job_id: str) -> None:
    """It is in no log, and shows nobody whom it is for."""
    token = issued(client, job_id)["token"]
    assert anna.user_id not in token
    assert token not in house.deployment.logs()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(token=st.text(max_size=200))
def test_whatever_else_is_shown_is_no_token(page: httpx.Client, job_id: str, token: str) -> None:
    sent = token.encode(errors="replace").decode()
    assert told(page.get(f"{WORKFLOWS}/{job_id}/events", params={"stream_token": sent})) == BAD_TOKEN


def test_a_token_lasts_no_longer_than_the_key_that_it_was_made_with(
    house: House, page: httpx.Client, anna: Account, job_id: str
) -> None:
    """Another key of the same user does not keep it (I9)."""
    key = house.key_of(anna)
    with closing(Client(house.deployment.url, key.key)) as keyed:
        url = issued(keyed, job_id)["url"]
    assert page.get(url).status_code == 200
    revoke_key(house.stored, key.id, DESK)
    assert told(page.get(url)) == BAD_TOKEN


def test_a_token_lasts_no_longer_than_the_login_that_it_was_made_with(
    house: House, page: httpx.Client, anna: Account, job_id: str
) -> None:
    with house.browser_of(anna) as (browser, csrf):
        url = browser.post(f"{WORKFLOWS}/{job_id}/stream-token", headers=csrf).json()["url"]
        assert page.get(url).status_code == 200
        assert browser.post(LOGOUT, headers=csrf).status_code == 200
    assert told(page.get(url)) == BAD_TOKEN


def test_a_token_of_nobodys_ends_when_somebody_has_a_key(tmp_path: Path) -> None:
    """The local user who needed none needs one from then on."""
    with (
        embedded(tmp_path, {}) as deployment,
        house_of(deployment, tmp_path) as unguarded,
        closing(Client(deployment.url)) as local,
    ):
        job = local.submit(local.store(echo_flow()), input_value="seen")
        local.events(job)
        url = issued(local, job)["url"]
        assert local.http.get(url).status_code == 200
        unguarded.key_of(unguarded.add("bob"))
        assert told(local.http.get(url)) == BAD_TOKEN


def test_a_stream_that_a_token_opened_ends_with_the_key(tmp_path: Path) -> None:
    """Before the next event, however far the time of the token is (fault F14)."""
    with embedded(tmp_path, {"PENSTOCK_RECHECK_SECONDS": "0.001"}) as deployment, house_of(deployment, tmp_path) as own:
        anna = own.add("anna")
        key, other = own.key_of(anna), own.key_of(anna)
        with closing(Client(deployment.url, key.key)) as keyed, closing(Client(deployment.url, other.key)) as still:
            job = still.submit(still.store(approval_flow()), input_value="x")
            url = f"{issued(keyed, job)['url']}&on_suspend=follow"
            with own.calling() as page, page.stream("GET", url) as response:
                stream = frames(response)
                until(stream, "human_input_required")
                revoke_key(own.stored, key.id, DESK)
                [asked] = still.asked(job)
                assert still.resume(job, asked["request_id"], "approve").status_code == 200
                assert [frame.event for frame in stream if frame.event == "end"] == []
