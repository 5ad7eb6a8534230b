"""What somebody proved with who they are, and whether it still counts: for whatever they were given for it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, select

from storage.accounts import Account, active_account, unguarded_account
from storage.database import Database
from storage.keys import KEY_IS_VALID
from storage.logins import LOGIN_IS_VALID
from storage.tables import ApiKey, Login, User, table_of

KEY = "key"
LOGIN = "login"

_users = table_of(User).c


def _standing(table: Any, is_valid: ColumnElement[bool]) -> Select[Any]:
    return (
        select(_users.id, _users.name, _users.is_superuser, _users.is_active)
        .join(table, table.c.user_id == _users.id)
        .where(_users.id == bindparam("of_user"), table.c.id == bindparam("of_credential"), is_valid)
    )


_STANDING: Mapping[str, Select[Any]] = {
    KEY: _standing(table_of(ApiKey), KEY_IS_VALID),
    LOGIN: _standing(table_of(Login), LOGIN_IS_VALID),
}


def credential(kind: str, id: str) -> str:
    """How a key or a login is named where no key and no token may stand."""
    return f"{kind}:{id}"


def account_behind(database: Database, user_id: str, shown: str | None) -> Account | None:
    """The account that showed a credential once, if it could still do so; without a credential the local user, while
    nobody has one. One statement. Raises `AccountInactive`."""
    if shown is None:
        local = unguarded_account(database)
        return local if local is not None and local.user_id == user_id else None
    kind, _, id = shown.partition(":")
    with database.read() as connection:
        row = connection.execute(_STANDING[kind], {"of_user": user_id, "of_credential": id}).one_or_none()
    return None if row is None else active_account(row.id, row.name, row.is_superuser, row.is_active)
