"""Users: who there is, what they sign in with, and whether they may."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage.accounts import Account, active_account
from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.database import Database
from storage.errors import LastSuperuser, NameTaken, NoSuchUser, UnfitName
from storage.logins import end_logins_of
from storage.passwords import hash_password, is_outdated, matches
from storage.tables import User, table_of

MAX_NAME = 128

_users = table_of(User).c


@dataclass(frozen=True)
class UserView:
    """A user, without the hash of their password."""

    id: str
    name: str
    is_superuser: bool
    is_active: bool
    has_password: bool
    created_at: datetime


def create_user(
    database: Database, name: str, by: Actor, *, is_superuser: bool = False, password: str | None = None
) -> str:
    """Adds a user; their id. Raises `UnfitName`, `UnfitPassword` and `NameTaken`."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name.split() != [name]:
        raise UnfitName(str(UnfitName.__doc__))
    hashed = None if password is None else hash_password(password)
    row = {"id": str(uuid4()), "name": name, "is_superuser": is_superuser, "password": hashed}
    try:
        with database.durable() as connection:
            connection.execute(insert(table_of(User)).values(created_at=now(), is_active=True, **row))
            record(connection, Deed(Action.USER_CREATED, str(row["id"]), by, {"name": name, "superuser": is_superuser}))
    except IntegrityError:
        raise NameTaken(name) from None
    return str(row["id"])


def list_users(database: Database) -> list[UserView]:
    """All users by name."""
    with database.read() as connection:
        return [_view(row) for row in connection.execute(select(table_of(User)).order_by(_users.name))]


def user_named(database: Database, name: str) -> UserView:
    """The user of a name. Raises `NoSuchUser`."""
    with database.read() as connection:
        row = connection.execute(select(table_of(User)).where(_users.name == name)).one_or_none()
    if row is None:
        raise NoSuchUser(name)
    return _view(row)


def account_with(database: Database, name: str, password: str) -> Account | None:
    """Whose name and password these are; None when either is wrong, which takes the same time. Raises
    `AccountInactive` to whoever knows the password. A hash made at another cost is made again."""
    with database.read() as connection:
        row = connection.execute(select(table_of(User)).where(_users.name == name)).one_or_none()
    if not matches(row.password if row is not None else None, password) or row is None:
        return None
    account = active_account(row.id, row.name, row.is_superuser, row.is_active)
    if is_outdated(row.password):
        is_same, hashed = (_users.id == row.id, _users.password == row.password), hash_password(password)
        with database.relaxed() as connection:
            connection.execute(update(table_of(User)).where(*is_same).values(password=hashed))
    return account


def set_password(database: Database, user_id: str, password: str, by: Actor) -> None:
    """Gives a user a password, and ends all their logins. Raises `UnfitPassword`."""
    hashed = hash_password(password)
    with database.durable() as connection:
        connection.execute(update(table_of(User)).where(_users.id == user_id).values(password=hashed))
        end_logins_of(connection, user_id)
        record(connection, Deed(Action.USER_CHANGED, user_id, by, {"changed": "password"}))


def activate(database: Database, user_id: str, by: Actor) -> None:
    """Lets a user in again: with their keys, not with the logins of before."""
    with database.durable() as connection:
        connection.execute(update(table_of(User)).where(_users.id == user_id).values(is_active=True))
        record(connection, Deed(Action.USER_CHANGED, user_id, by, {"is_active": True}))


def deactivate(database: Database, user_id: str, by: Actor) -> None:
    """Refuses a user from now on, and ends their logins. Raises `LastSuperuser`, also to one of two who deactivate each
    other at the same moment: each locks all of them first."""
    superusers = select(_users.id).where(_users.is_superuser, _users.is_active).order_by(_users.id).with_for_update()
    with database.durable() as connection:
        if connection.execute(superusers).scalars().all() == [user_id]:
            raise LastSuperuser(str(LastSuperuser.__doc__))
        connection.execute(update(table_of(User)).where(_users.id == user_id).values(is_active=False))
        end_logins_of(connection, user_id)
        record(connection, Deed(Action.USER_CHANGED, user_id, by, {"is_active": False}))


def _view(row: Row[Any]) -> UserView:
    return UserView(row.id, row.name, row.is_superuser, row.is_active, row.password is not None, row.created_at)
