"""web/api_keys.py: a user's own keys, in Langflow's shapes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from storage.accounts import Account
from storage.keys import list_keys
from tests.deployments import embedded
from tests.reading import FLOWS
from tests.storage.situations import contents
from tests.web.refusing import assert_invalid, assert_refused, changes_nothing
from tests.web.signing_in import API_KEYS, BAD_KEY, House, house_of, told

MISSING = "0b105ea0-ccef-46c8-844d-d57373370a52"
FIELDS = {"id", "name", "user_id", "api_key", "is_active", "created_at", "last_used_at", "expires_at"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("keys")
    with embedded(folder, {}) as deployment, house_of(deployment, folder) as made:
        yield made


@pytest.fixture(scope="module")
def boss(house: House) -> Account:
    return house.add("boss", is_superuser=True)


@pytest.fixture
def anna(house: House) -> Iterator[httpx.Client]:
    """Somebody new, with one key."""
    account = house.add(f"anna-{len(list_keys(house.stored))}-{datetime.now(UTC):%H%M%S%f}")
    with house.calling(house.key_of(account).key) as client:
        yield client


def made(client: httpx.Client, **body: object) -> dict[str, str]:
    answer = client.post(API_KEYS, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def test_a_key_is_shown_whole_once(house: House, anna: httpx.Client) -> None:
    """In the answer that makes it; the list shows how it begins, and no table and no log has it (I8)."""
    new = made(anna, name="a robot")
    assert new.keys() == FIELDS
    assert new["name"] == "a robot"
    with house.calling(new["api_key"]) as robot:
        assert robot.get(FLOWS).status_code == 200
    listed = anna.get(API_KEYS).json()
    assert listed.keys() == {"total_count", "user_id", "api_keys"}
    assert (listed["total_count"], listed["user_id"]) == (2, new["user_id"])
    [shown] = [key for key in listed["api_keys"] if key["id"] == new["id"]]
    assert shown.keys() == FIELDS
    assert shown["api_key"] == new["api_key"][:10] + "*" * 10
    assert new["api_key"] not in anna.get(API_KEYS).text + repr(contents(house.stored)) + house.deployment.logs()


def test_a_key_may_end_by_itself(anna: httpx.Client) -> None:
    """At a moment ahead, with its time zone; any other is refused with its place."""
    moment = datetime.now(UTC) + timedelta(days=1)
    assert datetime.fromisoformat(made(anna, expires_at=moment.isoformat())["expires_at"]) == moment
    for wrong in (datetime.now(UTC) - timedelta(seconds=1), datetime.now().replace(microsecond=0) + timedelta(days=1)):
        answer = anna.post(API_KEYS, json={"expires_at": wrong.isoformat()})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "expires_at"]
    assert_invalid(anna.post(API_KEYS, json={"name": 5}), "string_type", "body", "name")


def test_a_revoked_key_is_refused_at_the_next_request(house: House, anna: httpx.Client) -> None:
    new = made(anna)
    with house.calling(new["api_key"]) as robot:
        assert robot.get(FLOWS).status_code == 200
        answer = anna.delete(f"{API_KEYS}{new['id']}")
        assert (answer.status_code, answer.json()) == (200, {"detail": "API Key deleted"})
        assert told(robot.get(FLOWS)) == BAD_KEY
    assert new["id"] not in anna.get(API_KEYS).text
    assert_refused(anna.delete(f"{API_KEYS}{new['id']}"), 404, "API_KEY_NOT_FOUND", api_key_id=new["id"])


def test_a_key_may_revoke_itself(house: House, anna: httpx.Client) -> None:
    """It is the last thing that it does."""
    [own] = anna.get(API_KEYS).json()["api_keys"]
    assert anna.delete(f"{API_KEYS}{own['id']}").status_code == 200
    assert told(anna.get(API_KEYS)) == BAD_KEY


def test_a_key_of_somebody_else_is_as_one_that_is_not_there(house: House, boss: Account, anna: httpx.Client) -> None:
    """Byte by byte, for a superuser too (I9)."""
    theirs = made(anna)
    with house.calling(house.key_of(boss).key) as other:
        assert theirs["id"] not in other.get(API_KEYS).text
        answers = [other.delete(f"{API_KEYS}{id}") for id in (theirs["id"], MISSING)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(theirs["id"], MISSING) == answers[1].text
        assert_refused(other.delete(f"{API_KEYS}no-uuid"), 404, "API_KEY_NOT_FOUND", api_key_id="no-uuid")
    with house.calling(theirs["api_key"]) as robot:
        assert robot.get(FLOWS).status_code == 200


def test_more_keys_than_a_user_may_have(house: House, anna: httpx.Client) -> None:
    """I10; one that is revoked makes room."""
    keys = [made(anna) for _ in range(99)]
    with changes_nothing(house.stored, but=("api_keys",)):
        assert_refused(anna.post(API_KEYS, json={}), 422, "TOO_MANY_API_KEYS", limit=100)
    assert anna.get(API_KEYS).json()["total_count"] == 100
    anna.delete(f"{API_KEYS}{keys[0]['id']}")
    made(anna)
