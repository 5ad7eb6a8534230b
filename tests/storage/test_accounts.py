"""storage/accounts.py: who may go without a key."""

import pytest
from sqlalchemy import update

from storage.accounts import LOCAL_USER, LOCAL_USER_ID, unguarded_account
from storage.auditing import Actor
from storage.clock import after, now
from storage.database import Database
from storage.first_user import ensure_local_user
from storage.keys import create_key
from storage.secrets import Secrets
from storage.tables import ApiKey
from storage.users import create_user, deactivate, set_password

DESK = Actor()


def revoke_all(database: Database) -> None:
    with database.durable() as connection:
        connection.execute(update(ApiKey).values(revoked_at=now()))


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
