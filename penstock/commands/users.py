"""`penstock users`: who there is, and whether they may sign in."""

import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.console import REFUSED, answer, complain, remark, shown
from penstock.passwords import type_password
from penstock.release import prepared
from storage.auditing import Actor
from storage.database import Database
from storage.users import UserView, activate, create_user, deactivate, list_users, set_password, user_named


def create(name: str, *, is_superuser: bool, with_password: bool) -> int:
    """Adds a user, and prints their id; the exit code."""
    password = type_password(name) if with_password else None
    if with_password and password is None:
        return _differ()
    with prepared() as (store, account):
        actor = Actor(account.user_id, account.name)
        user_id = create_user(store.database, name, actor, is_superuser=is_superuser, password=password)
    answer(user_id)
    if not with_password:
        remark(f"{name} has no password. Give them a key: penstock keys create --user {name}")
    return 0


def show() -> None:
    """The users by name: a table for a person, tab-separated lines for a program."""
    with prepared() as (store, _):
        found = list_users(store.database)
    if sys.stdout.isatty():
        Console().print(_table(found))
        return
    for user in found:
        answer("\t".join((user.id, user.name, _role(user), _state(user))))


def change_password(name: str) -> int:
    """Gives a user the password that is typed, and ends their logins; the exit code."""
    with prepared() as (store, account):
        user = user_named(store.database, name)
        password = type_password(name)
        if password is None:
            return _differ()
        set_password(store.database, user.id, password, Actor(account.user_id, account.name))
    remark(f"{name} has a new password; whoever was signed in with the one before is not any more.")
    return 0


def let_in(name: str) -> None:
    """Activates a user."""
    _change(name, activate)
    remark(f"{name} is active.")


def keep_out(name: str) -> None:
    """Deactivates a user."""
    _change(name, deactivate)
    remark(f"{name} is not active: their keys are refused, their logins have ended.")


def _change(name: str, change: Callable[[Database, str, Actor], None]) -> None:
    with prepared() as (store, account):
        user = user_named(store.database, name)
        change(store.database, user.id, Actor(account.user_id, account.name))


def _differ() -> int:
    complain("The two passwords differ. Nothing was changed.")
    return REFUSED


def _table(found: Sequence[UserView]) -> Table:
    table = Table("Name", "Id", "Role", "State", "Password", "Since")
    for user in found:
        since = f"{user.created_at.astimezone():%Y-%m-%d %H:%M}"
        cells = (user.name, user.id, _role(user), _state(user), "yes" if user.has_password else "no", since)
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table


def _role(user: UserView) -> str:
    return "superuser" if user.is_superuser else "user"


def _state(user: UserView) -> str:
    return "active" if user.is_active else "inactive"
