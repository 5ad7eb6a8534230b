"""storage/keys.py: API keys prove who calls, until they expire or are revoked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from storage.accounts import LOCAL_USER, Account
from storage.auditing import Actor, DeedFilter, deeds
from storage.clock import after
from storage.database import Database
from storage.errors import AccountInactive, TooMany
from storage.first_user import ensure_local_user
from storage.hash_key import hashing_secrets
from storage.keys import (
    MAX_LENGTH,
    MOST,
    START,
    NewKey,
    create_key,
    find_key,
    find_view,
    list_keys,
    note_use,
    revoke_key,
)
from storage.secrets import Secrets, new_key
from storage.tables import ApiKey
from storage.users import create_user, deactivate
from tests.storage.situations import NOON, contents

DESK = Actor("desk", "somebody", "203.0.113.7")


@pytest.fixture
def made(database: Database, secrets: Secrets, user_id: str) -> NewKey:
    return create_key(database, secrets, user_id, "a key", DESK)


def column(database: Database, name: str) -> Any:
    """One column of the only key."""
    with database.read() as connection:
        return connection.execute(select(getattr(ApiKey, name))).scalar_one()


def used_before(database: Database, seconds: float) -> None:
    with database.durable() as connection:
        connection.execute(update(ApiKey).values(last_used_at=after(-seconds)))


def test_a_new_key_is_its_users(database: Database, secrets: Secrets, user_id: str, made: NewKey) -> None:
    found = find_key(database, secrets, made.key)
    assert found is not None
    assert (found.id, found.account) == (made.id, Account(user_id, LOCAL_USER, is_superuser=True))


def test_a_key_is_random_and_known_by_its_beginning(database: Database, secrets: Secrets, user_id: str) -> None:
    """Each is `psk_` and 32 random bytes, of which the list shows the first few."""
    keys = [create_key(database, secrets, user_id, "a key", DESK).key for _ in range(10)]
    assert len(set(keys)) == 10
    assert {len(key) for key in keys} == {len(START) + 43}
    prefixes = [view.prefix for view in list_keys(database)]
    assert len(set(prefixes)) == 10
    assert all(any(key.startswith(prefix) for key in keys) and len(prefix) == 10 for prefix in prefixes)


def test_the_key_stands_nowhere(database: Database, made: NewKey) -> None:
    """It is in no table, and in no text that its objects show of themselves (I8)."""
    assert made.key not in repr(contents(database))
    assert made.key not in repr(made) + repr(list_keys(database)) + repr(deeds(database, DeedFilter()))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(shown=st.text(max_size=300) | st.binary(max_size=300).map(lambda sent: sent.decode("latin-1")))
def test_whatever_else_is_shown_is_nobodys(database: Database, secrets: Secrets, made: NewKey, shown: str) -> None:
    assert find_key(database, secrets, shown.encode(errors="replace").decode()) is None


@pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda key: key + " ", lambda key: f"{key}\0"])
def test_nearly_the_key_is_nobodys(
    database: Database, secrets: Secrets, made: NewKey, change: Callable[[str], str]
) -> None:
    assert find_key(database, secrets, change(made.key)) is None


def test_an_absurdly_long_key_is_not_even_hashed(database: Database, made: NewKey) -> None:
    """What is longer than any key needs no secret to be refused."""
    assert find_key(database, Secrets([new_key()], _never), "x" * (MAX_LENGTH + 1)) is None


def _never() -> str:
    raise AssertionError("it was hashed")


def test_a_key_expires_by_the_clock_of_the_database(database: Database, secrets: Secrets, user_id: str) -> None:
    ahead = create_key(database, secrets, user_id, "ahead", DESK, after(60))
    over = create_key(database, secrets, user_id, "over", DESK, after(-0.001))
    assert find_key(database, secrets, ahead.key) is not None
    assert find_key(database, secrets, over.key) is None
    assert {view.name: view.is_expired for view in list_keys(database)} == {"ahead": False, "over": True}


def test_a_moment_may_be_given_as_such(database: Database, secrets: Secrets, user_id: str) -> None:
    """A moment in any time zone is that moment."""
    moment = datetime.now(UTC).astimezone() + timedelta(days=1)
    made = create_key(database, secrets, user_id, "a day", DESK, moment)
    view = find_view(database, made.id)
    assert view is not None
    assert view.expires_at == moment


def test_a_revoked_key_is_nobodys(database: Database, secrets: Secrets, made: NewKey) -> None:
    """At once and for good."""
    assert revoke_key(database, made.id, DESK)
    assert find_key(database, secrets, made.key) is None
    assert not revoke_key(database, made.id, DESK)
    assert list_keys(database) == []


def test_only_its_owner_ends_a_key(database: Database, secrets: Secrets, made: NewKey) -> None:
    """Where an owner is asked for; a key of somebody else is as one that is not there."""
    anna = create_user(database, "anna", DESK)
    assert not revoke_key(database, made.id, DESK, owner_id=anna)
    assert find_key(database, secrets, made.key) is not None


def test_the_keys_of_a_user_are_their_own(database: Database, secrets: Secrets, made: NewKey) -> None:
    anna = create_user(database, "anna", DESK)
    theirs = create_key(database, secrets, anna, "theirs", DESK)
    assert [view.id for view in list_keys(database, anna)] == [theirs.id]
    assert [view.id for view in list_keys(database)] == [made.id, theirs.id]


def test_a_key_of_somebody_inactive_says_so(database: Database, secrets: Secrets, user_id: str) -> None:
    """The key is theirs still, and proves nothing but that."""
    anna = create_user(database, "anna", DESK)
    theirs = create_key(database, secrets, anna, "theirs", DESK)
    deactivate(database, anna, DESK)
    with pytest.raises(AccountInactive):
        find_key(database, secrets, theirs.key)


def test_the_use_of_a_key_is_written_once_a_minute(database: Database, secrets: Secrets, made: NewKey) -> None:
    """The first use is due; the next ones are not, until a minute is over."""
    assert _is_due(database, secrets, made)
    note_use(database, made.id)
    first = column(database, "last_used_at")
    assert first is not None
    assert not _is_due(database, secrets, made)
    note_use(database, made.id)
    assert column(database, "last_used_at") == first
    used_before(database, 61)
    assert _is_due(database, secrets, made)
    note_use(database, made.id)
    assert column(database, "last_used_at") > first - timedelta(seconds=1)


def _is_due(database: Database, secrets: Secrets, made: NewKey) -> bool:
    found = find_key(database, secrets, made.key)
    assert found is not None
    return found.is_due


def test_a_key_outlives_the_secret_keys(database: Database) -> None:
    """A new secret key in front, and then the old one taken away, leave every API key known."""
    old, new = new_key(), new_key()
    user_id = ensure_local_user(database, hashing_secrets(database, [old]), None).user_id
    made = create_key(database, hashing_secrets(database, [old]), user_id, "a key", DESK)
    for keys in ([old], [new, old]):
        assert find_key(database, hashing_secrets(database, keys), made.key) is not None


def test_keys_of_an_older_release_are_known(database: Database, user_id: str) -> None:
    """Before there was a key for hashes, the oldest secret key made them."""
    old, new = new_key(), new_key()
    made = create_key(database, Secrets([new, old]), user_id, "a key", DESK)
    assert find_key(database, hashing_secrets(database, [new, old]), made.key) is not None


def test_what_is_done_to_keys_is_recorded(database: Database, made: NewKey) -> None:
    """Who made and who ended it, and from where; not the key."""
    revoke_key(database, made.id, DESK)
    found = deeds(database, DeedFilter(subject=made.id))
    assert [deed.action for deed in found] == ["key_revoked", "key_created"]
    assert {(deed.user_name, deed.address) for deed in found} == {("somebody", "203.0.113.7")}


def test_a_user_has_so_many_keys_and_no_more(database: Database, secrets: Secrets, user_id: str, made: NewKey) -> None:
    """Beyond them nothing is stored, until one is revoked; others have room of their own (I10)."""
    row = {"user_id": user_id, "name": "a key", "prefix": "psk_", "created_at": NOON}
    with database.durable() as connection:
        connection.execute(insert(ApiKey), [{**row, "id": str(n), "digest": str(n)} for n in range(MOST - 1)])
    before = contents(database)
    with pytest.raises(TooMany, match="100 API keys"):
        create_key(database, secrets, user_id, "one more", DESK)
    assert contents(database) == before
    create_key(database, secrets, create_user(database, "anna", DESK), "theirs", DESK)
    revoke_key(database, made.id, DESK)
    create_key(database, secrets, user_id, "one more", DESK)
