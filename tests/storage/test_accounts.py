from functools import partial

import pytest
from sqlalchemy import update

from storage.accounts import LOCAL_USER, Account, account_of, any_key_exists, ensure_local_user
from storage.clock import now
from storage.database import Database
from storage.secrets import Secrets
from storage.tables import ApiKey
from tests.storage.situations import at_once, contents

KEY = "a-key-that-nobody-guesses"


def revoke_all(database: Database) -> None:
    with database.durable() as connection:
        connection.execute(update(ApiKey).values(revoked_at=now()))


def test_the_first_user_is_a_superuser(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, None)
    assert (account.name, account.is_superuser) == (LOCAL_USER, True)
    assert not any_key_exists(database)


def test_the_first_key_signs_the_first_user_in(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, KEY)
    assert account_of(database, secrets, KEY) == account
    assert any_key_exists(database)


def test_ensuring_again_changes_nothing(database: Database, secrets: Secrets) -> None:
    """I12."""
    ensure_local_user(database, secrets, KEY)
    before = contents(database)
    ensure_local_user(database, secrets, KEY)
    assert contents(database) == before


def test_eight_that_ensure_at_once_make_one_user_with_one_key(database: Database, secrets: Secrets) -> None:
    """I12."""
    races = at_once([partial(ensure_local_user, database, secrets, KEY)] * 8)
    assert len({race.result() for race in races}) == 1
    stored = contents(database)
    assert (len(stored["users"]), len(stored["api_keys"])) == (1, 1)


def test_another_first_key_takes_the_place_of_the_one_before(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, KEY)
    ensure_local_user(database, secrets, "the-next-key-of-the-user")
    assert account_of(database, secrets, KEY) is None
    assert account_of(database, secrets, "the-next-key-of-the-user") == account


@pytest.mark.parametrize("key", ["", "another", KEY[:-1], KEY.upper(), "' OR 1=1 --"])
def test_an_unknown_key_is_nobodys(database: Database, secrets: Secrets, key: str) -> None:
    ensure_local_user(database, secrets, KEY)
    assert account_of(database, secrets, key) is None


def test_a_revoked_key_is_nobodys_and_none_is_left(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, KEY)
    assert isinstance(account, Account)
    revoke_all(database)
    assert account_of(database, secrets, KEY) is None
    assert not any_key_exists(database)


def test_a_key_is_stored_as_its_hash_only(database: Database, secrets: Secrets) -> None:
    """Rule 12."""
    ensure_local_user(database, secrets, KEY)
    assert KEY not in repr(contents(database))
    assert secrets.digest(KEY) in repr(contents(database))
