"""`penstock keys`: API keys, each shown once."""

import sys
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.console import REFUSED, answer, complain, remark, shown
from penstock.release import prepared
from storage.accounts import unguarded_account
from storage.auditing import Actor
from storage.clock import after
from storage.keys import KeyView, create_key, list_keys, revoke_key
from storage.users import user_named

SECONDS_OF_DAY = 86_400


def create(name: str, user_name: str | None, days: int | None) -> None:
    """Makes a key, and prints it: nothing else goes to stdout, and nothing shows it again."""
    with prepared() as (store, account):
        user_id = account.user_id if user_name is None else user_named(store.database, user_name).id
        was_open = unguarded_account(store.database) is not None
        expires_at = None if days is None else after(days * SECONDS_OF_DAY)
        actor = Actor(account.user_id, account.name)
        new = create_key(store.database, store.secrets, user_id, name, actor, expires_at)
    answer(new.key)
    remark(f"Keep it: it is shown only now. Send it as the header x-api-key. Its id is {new.id}.")
    if was_open:
        remark("It is the first one: from now on every caller must show a key, also on this machine.")


def show(user_name: str | None) -> None:
    """The keys that were not revoked, the oldest first: a table for a person, tab-separated lines for a program."""
    with prepared() as (store, _):
        user_id = None if user_name is None else user_named(store.database, user_name).id
        found = list_keys(store.database, user_id)
    if sys.stdout.isatty():
        Console().print(_table(found))
        return
    for key in found:
        answer("\t".join((key.id, key.prefix, key.name, key.user_name, _until(key), _day(key.last_used_at))))


def revoke(id_or_prefix: str) -> int:
    """Ends the one key with an id or a visible prefix; the exit code."""
    with prepared() as (store, account):
        meant = [key for key in list_keys(store.database) if id_or_prefix in (key.id, key.prefix)]
        if len(meant) != 1:
            complain(_unclear(id_or_prefix, meant))
            return REFUSED
        revoke_key(store.database, meant[0].id, Actor(account.user_id, account.name))
        is_open = unguarded_account(store.database) is not None
    remark(f"Revoked {meant[0].prefix}… ({meant[0].name}) of {meant[0].user_name}.")
    if is_open:
        remark("It was the last one: a server bound to loopback signs callers on this machine in without any.")
    return 0


def _unclear(id_or_prefix: str, meant: Sequence[KeyView]) -> str:
    if not meant:
        return f"There is no key {id_or_prefix}. `penstock keys list` shows ids and prefixes."
    return f"Several keys begin with {id_or_prefix}. Give an id: {', '.join(key.id for key in meant)}"


def _table(found: Sequence[KeyView]) -> Table:
    table = Table("Key", "Name", "User", "Id", "Valid until", "Last used")
    for key in found:
        cells = (f"{key.prefix}…", key.name, key.user_name, key.id, _until(key), _day(key.last_used_at))
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table


def _until(key: KeyView) -> str:
    return f"{_day(key.expires_at)}{' (expired)' if key.is_expired else ''}"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"
