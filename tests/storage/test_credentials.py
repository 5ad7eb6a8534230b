"""Whether what somebody showed once still counts: as long as it could be shown again."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from storage.accounts import LOCAL_USER, Account
from storage.auditing import Actor
from storage.clock import after
from storage.credentials import KEY, LOGIN, account_behind, credential
from storage.database import Database
from storage.errors import AccountInactive
from storage.keys import NewKey, create_key, revoke_key
from storage.logins import NewLogin, end_login, find_login, start_login
from storage.secrets import Secrets
from storage.tables import ApiKey, Login
from storage.users import create_user, deactivate

HOUR = 3600.0
DESK = Actor()


@pytest.fixture
def key(database: Database, secrets: Secrets, user_id: str) -> NewKey:
    return create_key(database, secrets, user_id, "a key", DESK)


def login(database: Database, secrets: Secrets, user_id: str, key_id: str | None = None) -> tuple[NewLogin, str]:
    """A login, and how it is named."""
    begun = start_login(database, secrets, Actor(user_id, LOCAL_USER), HOUR, key_id=key_id)
    found = find_login(database, secrets, begun.token)
    assert found is not None
    return begun, credential(LOGIN, found.id)


def expire(database: Database, table: type[ApiKey] | type[Login]) -> None:
    with database.durable() as connection:
        connection.execute(update(table).values(expires_at=after(-1)))


def test_what_counts_is_its_users(database: Database, secrets: Secrets, user_id: str, key: NewKey) -> None:
    """And proves nothing of anybody else."""
    anna = create_user(database, "anna", DESK)
    for shown in (credential(KEY, key.id), login(database, secrets, user_id)[1]):
        assert account_behind(database, user_id, shown) == Account(user_id, LOCAL_USER, is_superuser=True)
        assert account_behind(database, anna, shown) is None


@pytest.mark.parametrize(
    "end",
    [lambda database, key: revoke_key(database, key.id, DESK), lambda database, key: expire(database, ApiKey)],
    ids=["revoked", "expired"],
)
def test_a_key_that_ended_counts_no_more(
    database: Database, secrets: Secrets, user_id: str, key: NewKey, end: Callable[[Database, NewKey], object]
) -> None:
    """Nor does a login that began with it."""
    shown = [credential(KEY, key.id), login(database, secrets, user_id, key.id)[1]]
    end(database, key)
    assert [account_behind(database, user_id, one) for one in shown] == [None, None]


def test_a_login_that_ended_counts_no_more(database: Database, secrets: Secrets, user_id: str, key: NewKey) -> None:
    begun, ended = login(database, secrets, user_id)
    _, other = login(database, secrets, user_id)
    end_login(database, secrets, begun.token, DESK)
    assert account_behind(database, user_id, ended) is None
    assert account_behind(database, user_id, other) is not None
    expire(database, Login)
    assert account_behind(database, user_id, other) is None


def test_without_any_the_local_user_counts_while_nobody_has_one(
    database: Database, secrets: Secrets, user_id: str
) -> None:
    anna = create_user(database, "anna", DESK)
    assert account_behind(database, anna, None) is None
    assert account_behind(database, user_id, None) == Account(user_id, LOCAL_USER, is_superuser=True)
    create_key(database, secrets, anna, "the first", DESK)
    assert account_behind(database, user_id, None) is None


def test_somebody_inactive_is_told_so(database: Database, secrets: Secrets) -> None:
    anna = create_user(database, "anna", DESK)
    shown = credential(KEY, create_key(database, secrets, anna, "theirs", DESK).id)
    deactivate(database, anna, DESK)
    with pytest.raises(AccountInactive):
        account_behind(database, anna, shown)
