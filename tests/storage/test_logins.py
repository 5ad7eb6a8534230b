"""storage/logins.py: a browser's session lasts until its time is over, or somebody ends it."""

from functools import partial

import pytest
from sqlalchemy import func, select, update

from storage.accounts import LOCAL_USER, Account
from storage.auditing import Actor, DeedFilter, deeds
from storage.clock import after
from storage.database import Database
from storage.errors import AccountInactive
from storage.keys import NewKey, create_key, revoke_key
from storage.logins import MOST, NewLogin, end_login, find_login, note_refused, start_login
from storage.secrets import Secrets
from storage.tables import ApiKey, Login
from storage.users import activate, create_user, deactivate, set_password
from tests.storage.situations import at_once, contents

HOUR = 3600.0
DESK = Actor()
PASSWORD = "a long password"


@pytest.fixture
def local(user_id: str) -> Actor:
    return Actor(user_id, LOCAL_USER, "203.0.113.7")


@pytest.fixture
def begun(database: Database, secrets: Secrets, local: Actor) -> NewLogin:
    return start_login(database, secrets, local, HOUR)


@pytest.fixture
def key(database: Database, secrets: Secrets, user_id: str) -> NewKey:
    return create_key(database, secrets, user_id, "a key", DESK)


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(Login)).scalar_one())


def test_a_token_is_its_users(database: Database, secrets: Secrets, user_id: str, begun: NewLogin) -> None:
    found = find_login(database, secrets, begun.token)
    assert found is not None
    assert found.account == Account(user_id, LOCAL_USER, is_superuser=True)
    assert found.expires_at == begun.expires_at


def test_a_token_stands_nowhere(database: Database, begun: NewLogin) -> None:
    """It is in no table, and in no text that shows its login (I8)."""
    assert begun.token not in repr(contents(database)) + repr(begun)


@pytest.mark.parametrize("token", ["", "another", "' OR 1=1 --"])
def test_an_unknown_token_is_nobodys(database: Database, secrets: Secrets, begun: NewLogin, token: str) -> None:
    assert find_login(database, secrets, token) is None
    assert find_login(database, secrets, begun.token + token + "x") is None


def test_a_login_ends_by_itself(database: Database, secrets: Secrets, local: Actor) -> None:
    """By the clock of the database."""
    assert find_login(database, secrets, start_login(database, secrets, local, -0.001).token) is None


def test_a_login_that_was_ended_is_over(database: Database, secrets: Secrets, local: Actor, begun: NewLogin) -> None:
    """Others of the same user go on, and ending it again changes nothing."""
    other = start_login(database, secrets, local, HOUR)
    end_login(database, secrets, begun.token, local)
    assert find_login(database, secrets, begun.token) is None
    assert find_login(database, secrets, other.token) is not None
    before = contents(database)
    end_login(database, secrets, begun.token, local)
    assert contents(database) == before


def test_what_is_over_is_forgotten(database: Database, secrets: Secrets, local: Actor) -> None:
    """The next login of the user takes the rows of those that are over."""
    start_login(database, secrets, local, -1)
    end_login(database, secrets, start_login(database, secrets, local, HOUR).token, local)
    start_login(database, secrets, local, HOUR)
    start_login(database, secrets, local, HOUR)
    assert count(database) == 2


def test_eight_logins_at_once_are_eight(database: Database, secrets: Secrets, local: Actor) -> None:
    found = at_once([partial(start_login, database, secrets, local, HOUR)] * 8)
    assert len({begun.result().token for begun in found}) == 8


def test_a_new_password_ends_all_logins(database: Database, secrets: Secrets, user_id: str, begun: NewLogin) -> None:
    set_password(database, user_id, PASSWORD, DESK)
    assert find_login(database, secrets, begun.token) is None


def test_a_login_of_somebody_deactivated_is_over_for_good(database: Database, secrets: Secrets, user_id: str) -> None:
    """Also when they are let in again."""
    anna = create_user(database, "anna", DESK)
    begun = start_login(database, secrets, Actor(anna, "anna"), HOUR)
    deactivate(database, anna, DESK)
    assert find_login(database, secrets, begun.token) is None
    activate(database, anna, DESK)
    assert find_login(database, secrets, begun.token) is None


def test_a_login_that_began_too_late_does_not_help(database: Database, secrets: Secrets, user_id: str) -> None:
    """Somebody who is deactivated while they sign in is refused at the next look."""
    anna = create_user(database, "anna", DESK)
    deactivate(database, anna, DESK)
    begun = start_login(database, secrets, Actor(anna, "anna"), HOUR)
    with pytest.raises(AccountInactive):
        find_login(database, secrets, begun.token)


def test_a_login_ends_with_the_key_it_began_with(
    database: Database, secrets: Secrets, local: Actor, key: NewKey, begun: NewLogin
) -> None:
    """A key that leaked is revoked with all that it opened; what began with a password goes on."""
    by_key = start_login(database, secrets, local, HOUR, key_id=key.id)
    assert find_login(database, secrets, by_key.token) is not None
    revoke_key(database, key.id, DESK)
    assert find_login(database, secrets, by_key.token) is None
    assert find_login(database, secrets, begun.token) is not None


def test_a_login_lasts_no_longer_than_its_key(database: Database, secrets: Secrets, local: Actor, key: NewKey) -> None:
    by_key = start_login(database, secrets, local, HOUR, key_id=key.id)
    with database.durable() as connection:
        connection.execute(update(ApiKey).values(expires_at=after(-1)))
    assert find_login(database, secrets, by_key.token) is None


def test_logins_are_recorded(database: Database, secrets: Secrets, local: Actor, begun: NewLogin) -> None:
    """Those that began, ended and were refused; never what somebody typed as a password."""
    end_login(database, secrets, begun.token, local)
    note_refused(database, "mallory\n", "198.51.100.9")
    found = deeds(database, DeedFilter())
    assert [(deed.action, deed.user_name, deed.address) for deed in found] == [
        ("login_refused", None, "198.51.100.9"),
        ("logout", LOCAL_USER, "203.0.113.7"),
        ("login", LOCAL_USER, "203.0.113.7"),
    ]


def test_the_oldest_of_too_many_logins_ends(database: Database, secrets: Secrets, local: Actor) -> None:
    """I10: whoever signs in is let in; others have logins of their own."""
    anna = Actor(create_user(database, "anna", DESK), "anna")
    theirs = start_login(database, secrets, anna, HOUR)
    first, second, *_, last = [start_login(database, secrets, local, HOUR) for _ in range(MOST + 1)]
    assert find_login(database, secrets, first.token) is None
    for still in (second, last, theirs):
        assert find_login(database, secrets, still.token) is not None
    assert count(database) == MOST + 1
