"""storage/accounts.py: the first user and the first key, and who may go without one."""

from functools import partial

import pytest
from sqlalchemy import update

from storage.accounts import (
    BOOTSTRAP,
    LOCAL_USER,
    LOCAL_USER_ID,
    Account,
    ensure_local_user,
    find_account,
    unguarded_account,
)
from storage.auditing import Actor
from storage.clock import after, now
from storage.database import Database
from storage.errors import AccountInactive
from storage.keys import any_key_exists, create_key, find_key
from storage.secrets import Secrets
from storage.tables import ApiKey
from storage.users import create_user, deactivate, set_password
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
    assert not any_key_exists(database)


def test_the_first_key_signs_the_first_user_in(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, KEY)
    assert owner_of(database, secrets, KEY) == account
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
    assert not any_key_exists(database)


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
    """A restart with the same setting does not bring it back."""
    ensure_local_user(database, secrets, KEY)
    revoke_all(database)
    ensure_local_user(database, secrets, KEY)
    assert owner_of(database, secrets, KEY) is None


def test_a_key_of_the_same_name_is_left_alone(database: Database, secrets: Secrets) -> None:
    """Another first key takes the place of the first key only, not of what somebody else calls so."""
    ensure_local_user(database, secrets, KEY)
    anna = create_user(database, "anna", DESK)
    theirs = create_key(database, secrets, anna, BOOTSTRAP, DESK)
    ensure_local_user(database, secrets, NEXT)
    assert owner_of(database, secrets, theirs.key) is not None


def test_nobody_needs_a_key_while_there_is_none(database: Database, secrets: Secrets) -> None:
    account = ensure_local_user(database, secrets, None)
    create_user(database, "anna", DESK)
    assert unguarded_account(database) == account


@pytest.mark.parametrize("of", [LOCAL_USER, "anna"])
def test_a_password_guards(database: Database, secrets: Secrets, of: str) -> None:
    """Whoever has it."""
    ensure_local_user(database, secrets, None)
    user_id = LOCAL_USER_ID if of == LOCAL_USER else create_user(database, of, DESK)
    set_password(database, user_id, "a long password", DESK)
    assert unguarded_account(database) is None


def test_a_key_guards_until_it_is_revoked(database: Database, secrets: Secrets) -> None:
    """One that has expired still does: nobody decided to open the door."""
    account = ensure_local_user(database, secrets, None)
    create_key(database, secrets, LOCAL_USER_ID, "expired", DESK, after(-1))
    assert unguarded_account(database) is None
    revoke_all(database)
    assert unguarded_account(database) == account


def test_a_local_user_who_may_do_nothing_is_nobody(database: Database, secrets: Secrets) -> None:
    ensure_local_user(database, secrets, None)
    create_user(database, "anna", DESK, is_superuser=True)
    deactivate(database, LOCAL_USER_ID, DESK)
    assert unguarded_account(database) is None
    with pytest.raises(AccountInactive):
        find_account(database, LOCAL_USER_ID)


def test_an_account_is_found_by_its_id(database: Database, secrets: Secrets) -> None:
    assert find_account(database, LOCAL_USER_ID) is None
    assert find_account(database, ensure_local_user(database, secrets, None).user_id) is not None
