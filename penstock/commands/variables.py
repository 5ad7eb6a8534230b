"""`penstock variables`: the local user's variables. Values are typed where nobody sees them, and never shown."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from getpass import getpass

from penstock.console import REFUSED, answer, complain
from penstock.release import prepare
from settings import load_settings
from storage.accounts import Account
from storage.auditing import Actor
from storage.store import Store, open_store
from storage.variables import MAX_NAME, MAX_VALUE, delete_variable, list_variables, set_variable


def set_value(name: str) -> int:
    """Stores what is typed, or what stands in standard input, under a name; the exit code."""
    if not _is_name(name):
        complain(f"A name has 1 to {MAX_NAME} characters, none of them a control character.")
        return REFUSED
    value = _asked(name)
    if not value or len(value) > MAX_VALUE:
        complain(f"A value has 1 to {MAX_VALUE} characters. Nothing was stored.")
        return REFUSED
    with _opened() as (store, account):
        actor = Actor(account.user_id, account.name)
        set_variable(store.database, store.secrets, account.user_id, name, value, actor)
    answer(f"set {name}")
    return 0


def show() -> None:
    """One line per variable: its name and when it was last set, between a tab."""
    with _opened() as (store, account):
        found = list_variables(store.database, account.user_id)
    for variable in found:
        answer(f"{variable.name}\t{variable.updated_at.astimezone():%Y-%m-%d %H:%M}")


def forget(name: str) -> int:
    """Deletes a variable; the exit code."""
    with _opened() as (store, account):
        is_deleted = delete_variable(store.database, account.user_id, name, Actor(account.user_id, account.name))
    if not is_deleted:
        complain(f"There is no variable {name}.")
        return REFUSED
    answer(f"deleted {name}")
    return 0


@contextmanager
def _opened() -> Iterator[tuple[Store, Account]]:
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        yield store, prepare(store, settings)


def _asked(name: str) -> str:
    """A line end behind the value, as `echo` writes it, does not belong to it."""
    if sys.stdin.isatty():
        return getpass(f"Value of {name}: ")
    return sys.stdin.read(MAX_VALUE + 2).removesuffix("\n").removesuffix("\r")


def _is_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME and name.isprintable()
