"""storage/users.py: who there is, and whether they may."""

import statistics
import time
from collections.abc import Callable
from functools import partial

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from storage.accounts import Account
from storage.auditing import Actor, DeedFilter, deeds
from storage.database import Database
from storage.errors import AccountInactive, LastSuperuser, NameTaken, NoSuchUser, UnfitName, UnfitPassword
from storage.tables import User
from storage.users import (
    account_with,
    activate,
    create_user,
    deactivate,
    list_users,
    set_password,
    user_named,
)
from tests.storage.situations import at_once, contents

DESK = Actor("desk", "somebody")
PASSWORD = "correct horse"


@pytest.fixture
def anna(database: Database, user_id: str) -> str:
    return create_user(database, "anna", DESK, password=PASSWORD)


def stored_password(database: Database, user_id: str) -> str:
    with database.read() as connection:
        return str(connection.execute(select(User.password).where(User.id == user_id)).scalar_one())  # type: ignore[call-overload]


def test_a_user_signs_in_with_a_password(database: Database, anna: str) -> None:
    assert account_with(database, "anna", PASSWORD) == Account(anna, "anna", is_superuser=False)


@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", ""), ("anna", PASSWORD.upper()), ("anna", PASSWORD + " "), ("Anna", PASSWORD), ("bob", PASSWORD),
     ("local", ""), ("local", PASSWORD), ("", ""), ("anna", "x" * 1_024)],
)  # fmt: skip
def test_a_wrong_name_or_password_is_nobodys(database: Database, anna: str, name: str, password: str) -> None:
    """Of a user without a password too, and a name is no other one in capitals."""
    assert account_with(database, name, password) is None


def test_an_unknown_name_takes_as_long_as_a_wrong_password(database: Database, anna: str) -> None:
    """Nobody learns from the clock which names there are (fault F9): in turns, neither is clearly the quicker."""

    def seconds(name: str) -> float:
        begun = time.perf_counter()
        account_with(database, name, "wrong password")
        return time.perf_counter() - begun

    pairs = [(seconds("anna"), seconds("bob")) for _ in range(9)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2


def test_a_password_is_stored_as_its_hash_only(database: Database, anna: str) -> None:
    """Rule 12."""
    assert stored_password(database, anna).startswith("$argon2id$")
    assert PASSWORD not in repr(contents(database)) + repr(list_users(database))


def test_a_hash_made_at_another_cost_is_made_again(database: Database, anna: str) -> None:
    """With the next login, by the same password."""
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    with database.durable() as connection:
        connection.execute(update(User).where(User.id == anna).values(password=cheap))  # type: ignore[arg-type]
    assert account_with(database, "anna", "wrong password") is None
    assert stored_password(database, anna) == cheap
    assert account_with(database, "anna", PASSWORD) is not None
    assert stored_password(database, anna) != cheap
    assert account_with(database, "anna", PASSWORD) is not None


def test_a_hash_that_is_none_lets_nobody_in(database: Database, anna: str) -> None:
    with database.durable() as connection:
        connection.execute(update(User).values(password="plain text"))
    assert account_with(database, "anna", "plain text") is None


@pytest.mark.parametrize("password", ["", "short", "1234567", "x" * 1_025])
def test_an_unfit_password_changes_nothing(database: Database, anna: str, password: str) -> None:
    before = contents(database)
    with pytest.raises(UnfitPassword, match="8 to"):
        create_user(database, "bob", DESK, password=password)
    with pytest.raises(UnfitPassword):
        set_password(database, anna, password, DESK)
    assert contents(database) == before


@pytest.mark.parametrize("name", ["", " ", "a b", " a", "a\n", "a\0", "\x1b[31m", "x" * 129])
def test_an_unfit_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(UnfitName):
        create_user(database, name, DESK)
    assert list_users(database) == []


def test_a_name_belongs_to_one_user(database: Database, anna: str) -> None:
    before = contents(database)
    with pytest.raises(NameTaken):
        create_user(database, "anna", DESK)
    assert contents(database) == before


def test_of_eight_with_one_name_one_is_made(database: Database, user_id: str) -> None:
    races = at_once([partial(create_user, database, "anna", DESK)] * 8)
    assert sum(race.exception() is None for race in races) == 1
    assert [user.name for user in list_users(database)] == ["anna", "local"]


def test_users_are_listed_by_name(database: Database, anna: str) -> None:
    shown = [(user.name, user.is_superuser, user.is_active, user.has_password) for user in list_users(database)]
    assert shown == [("anna", False, True, True), ("local", True, True, False)]


def test_a_user_is_found_by_name(database: Database, anna: str) -> None:
    assert user_named(database, "anna").id == anna
    with pytest.raises(NoSuchUser, match="'bob'"):
        user_named(database, "bob")


def test_another_password_takes_the_place_of_the_one_before(database: Database, anna: str) -> None:
    set_password(database, anna, "another password", DESK)
    assert account_with(database, "anna", PASSWORD) is None
    assert account_with(database, "anna", "another password") is not None


def test_somebody_deactivated_may_not_sign_in(database: Database, anna: str) -> None:
    """Whoever knows the password is told why; nobody else is. Activated again, they may."""
    deactivate(database, anna, DESK)
    assert account_with(database, "anna", "wrong password") is None
    with pytest.raises(AccountInactive):
        account_with(database, "anna", PASSWORD)
    activate(database, anna, DESK)
    assert account_with(database, "anna", PASSWORD) is not None


def test_the_last_active_superuser_stays(database: Database, user_id: str) -> None:
    """An inactive one does not count, another one does."""
    second = create_user(database, "second", DESK, is_superuser=True)
    deactivate(database, user_id, DESK)
    before = contents(database)
    with pytest.raises(LastSuperuser):
        deactivate(database, second, DESK)
    assert contents(database) == before
    activate(database, user_id, DESK)
    deactivate(database, second, DESK)


def test_of_superusers_who_deactivate_each_other_one_stays(database: Database, user_id: str) -> None:
    others = [create_user(database, f"super-{number}", DESK, is_superuser=True) for number in range(3)]
    attempts: list[Callable[[], None]] = [partial(deactivate, database, one, DESK) for one in (user_id, *others)]
    races = at_once(attempts)
    assert [type(race.exception()) for race in races if race.exception() is not None] == [LastSuperuser]
    assert [user.is_active for user in list_users(database)].count(True) == 1


def test_what_is_done_to_users_is_recorded(database: Database, anna: str) -> None:
    """Who did it, and what changed; not the password."""
    set_password(database, anna, "another password", DESK)
    deactivate(database, anna, DESK)
    activate(database, anna, DESK)
    found = [(deed.action, dict(deed.detail)) for deed in deeds(database, DeedFilter(subject=anna))]
    assert found == [
        ("user_changed", {"is_active": True}),
        ("user_changed", {"is_active": False}),
        ("user_changed", {"changed": "password"}),
        ("user_created", {"name": "anna", "superuser": False}),
    ]
