"""The first user and the key that the settings give them."""

from functools import partial

import pytest
from sqlalchemy import update

from storage.accounts import LOCAL_USER, Account
from storage.auditing import Actor
from storage.clock import now
from storage.database import Database
from storage.errors import BootstrapKeyRevoked
from storage.first_user import BOOTSTRAP, ensure_local_user
from storage.keys import create_key, find_key, list_keys
from storage.secrets import Secrets
from storage.tables import ApiKey
from storage.users import create_user
from tests.storage.situations import at_once, contents

KEY = "a-key-that-nobody-guesses"
NEXT = "the-next-key-of-the-user"
DESK = Actor()


def owner_of(database: Database, secrets: Secrets, key: str) -> Account | None:
    found = find_key(database, secrets, key)
    return found.account if found is not None else None


def revoke_all(database: Database) -> None:
    with database.durable() as connection:
        connection.execute(update(ApiKey).values(revoked_at=now()))


def test_the_first_user_is_a_superuser(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, None)
    assert (account.name, account.is_superuser) == (LOCAL_USER, True)
    assert list_keys(database) == []


def test_the_first_key_signs_the_first_user_in(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, KEY)
    assert owner_of(database, secrets, KEY) == account
    assert [view.user_id for view in list_keys(database)] == [account.user_id]


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
    ensure_local_user(database, secrets, NEXT)
    assert owner_of(database, secrets, KEY) is None
    assert owner_of(database, secrets, NEXT) == account


@pytest.mark.parametrize("key", ["", "another", KEY[:-1], KEY.upper(), "' OR 1=1 --"])
def test_an_unknown_key_is_nobodys(database: Database, secrets: Secrets, key: str) -> None:
    ensure_local_user(database, secrets, KEY)
    assert owner_of(database, secrets, key) is None


def test_a_revoked_key_is_nobodys_and_none_is_left(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, KEY)
    assert isinstance(account, Account)
    revoke_all(database)
    assert owner_of(database, secrets, KEY) is None
    assert list_keys(database) == []


def test_a_key_is_stored_as_its_hash_only(database: Database, secrets: Secrets) -> None:
    """Rule 12."""
    ensure_local_user(database, secrets, KEY)
    assert KEY not in repr(contents(database))
    assert secrets.digest(KEY) in repr(contents(database))


def test_eight_that_ensure_at_once_leave_a_key_that_is_taken(database: Database, secrets: Secrets) -> None:
    """None of them takes the key of another for the one before."""
    ensure_local_user(database, secrets, KEY)
    at_once([partial(ensure_local_user, database, secrets, NEXT)] * 8)
    assert owner_of(database, secrets, NEXT) is not None
    assert owner_of(database, secrets, KEY) is None


def test_a_first_key_that_was_revoked_stays_so(database: Database, secrets: Secrets) -> None:
    """A start with the same setting does not bring it back, and says so."""
    ensure_local_user(database, secrets, KEY)
    revoke_all(database)
    with pytest.raises(BootstrapKeyRevoked, match="PENSTOCK_BOOTSTRAP_KEY was revoked"):
        ensure_local_user(database, secrets, KEY)
    assert owner_of(database, secrets, KEY) is None


def test_a_first_key_that_is_set_back_leaves_none(database: Database, secrets: Secrets) -> None:
    """The one before was revoked for the next one, which nobody wants any more."""
    ensure_local_user(database, secrets, KEY)
    ensure_local_user(database, secrets, NEXT)
    with pytest.raises(BootstrapKeyRevoked):
        ensure_local_user(database, secrets, KEY)
    assert list_keys(database) == []
    account = ensure_local_user(database, secrets, "a-third-key-of-the-user")
    assert owner_of(database, secrets, "a-third-key-of-the-user") == account


@pytest.mark.parametrize(("key", "shown"), [(KEY, "a-key-"), (f"psk_{KEY}", "psk_a-key-")])
def test_as_much_of_a_first_key_is_shown_as_of_any(database: Database, secrets: Secrets, key: str, shown: str) -> None:
    """Whatever it begins with."""
    ensure_local_user(database, secrets, key)
    assert [view.prefix for view in list_keys(database)] == [shown]


def test_a_key_of_the_same_name_is_left_alone(database: Database, secrets: Secrets) -> None:
    """Another first key takes the place of the first key only, not of what somebody else calls so."""
    ensure_local_user(database, secrets, KEY)
    anna = create_user(database, "anna", DESK)
    theirs = create_key(database, secrets, anna, BOOTSTRAP, DESK)
    ensure_local_user(database, secrets, NEXT)
    assert owner_of(database, secrets, theirs.key) is not None
