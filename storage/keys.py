"""API keys: random, shown once, stored as keyed hashes (fault F15)."""

from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, insert, or_, select, update

from storage.accounts import Account, active_account
from storage.auditing import Action, Actor, Deed, record
from storage.clock import Moment, after, now
from storage.database import Database
from storage.errors import TooMany
from storage.secrets import Secrets
from storage.tables import ApiKey, User, table_of

START = "psk_"
"""What every key begins with that is made here, so that one that leaked is known for what it is."""
MAX_LENGTH = 256
"""Characters of a text that may be a key; no longer one is looked up."""
USE_SECONDS = 60.0
"""How often the use of a key is written."""
MOST = 100
"""Keys of one user at most that were not revoked (I10)."""
_BYTES = 32
_SHOWN = 6
"""Characters of a key that stay visible, behind how all begin: 36 of its 256 random bits."""

_keys, _users = table_of(ApiKey).c, table_of(User).c
_IS_CURRENT = or_(_keys.expires_at.is_(None), _keys.expires_at > now())
KEY_IS_VALID = and_(_keys.revoked_at.is_(None), _IS_CURRENT)
_IS_DUE = or_(_keys.last_used_at.is_(None), _keys.last_used_at < after(-USE_SECONDS))
_FIND = (
    select(_keys.id, _users.id.label("user_id"), _users.name, _users.is_superuser, _users.is_active)
    .add_columns(_IS_DUE.label("is_due"))
    .join(table_of(User), _users.id == _keys.user_id)
    .where(_keys.digest == bindparam("of_digest"), KEY_IS_VALID)
)


@dataclass(frozen=True)
class FoundKey:
    """A key that somebody showed, and whose it is."""

    id: str
    account: Account
    is_due: bool
    """Whether its use was not written for a minute."""


@dataclass(frozen=True)
class KeyView:
    """A key that was not revoked, without the key."""

    id: str
    user_id: str
    user_name: str
    name: str
    prefix: str
    """How it begins."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    is_expired: bool


@dataclass(frozen=True)
class NewKey:
    """A key that was just made, and the only time that it is shown."""

    id: str
    key: str = field(repr=False)


def find_key(database: Database, secrets: Secrets, shown: str) -> FoundKey | None:
    """The key that somebody shows; None when it is unknown, expired or revoked. Raises `AccountInactive`.

    One statement, which finds it by its keyed hash: how long it takes tells nothing of the keys that there are.
    """
    if len(shown) > MAX_LENGTH:
        return None
    with database.read() as connection:
        row = connection.execute(_FIND, {"of_digest": secrets.digest(shown)}).one_or_none()
    if row is None:
        return None
    account = active_account(row.user_id, row.name, row.is_superuser, row.is_active)
    return FoundKey(row.id, account, bool(row.is_due))


def note_use(database: Database, key_id: str) -> None:
    """Writes that a key is used now, unless that was written within the last minute."""
    with database.relaxed() as connection:
        connection.execute(update(table_of(ApiKey)).where(_keys.id == key_id, _IS_DUE).values(last_used_at=now()))


def create_key(
    database: Database,
    secrets: Secrets,
    user_id: str,
    name: str,
    by: Actor,
    expires_at: datetime | Moment | None = None,
) -> NewKey:
    """Makes a key of a user's, which is valid until a moment or for good. Raises `TooMany`."""
    key = START + token_urlsafe(_BYTES)
    row = row_of_key(secrets, user_id, name, key)
    with database.durable() as connection:
        _check_room(connection, user_id)
        connection.execute(insert(ApiKey).values(created_at=now(), expires_at=expires_at, **row))
        record(connection, Deed(Action.KEY_CREATED, row["id"], by, {"name": name, "user_id": user_id}))
    return NewKey(row["id"], key)


def row_of_key(secrets: Secrets, user_id: str, name: str, key: str) -> dict[str, str]:
    """What is stored of a key that is new: its keyed hash, and as much of it as may be seen."""
    prefix = key[: _SHOWN + (len(START) if key.startswith(START) else 0)]
    return {"id": str(uuid4()), "user_id": user_id, "name": name, "prefix": prefix, "digest": secrets.digest(key)}


def revoke_key(database: Database, key_id: str, by: Actor, *, owner_id: str | None = None) -> bool:
    """Ends a key, and the logins that began with it; false when there is none, or with `owner_id` none of theirs."""
    is_meant = [_keys.id == key_id, _keys.revoked_at.is_(None)]
    if owner_id is not None:
        is_meant.append(_keys.user_id == owner_id)
    with database.durable() as connection:
        revoked = connection.execute(update(table_of(ApiKey)).where(*is_meant).values(revoked_at=now())).rowcount > 0
        if revoked:
            record(connection, Deed(Action.KEY_REVOKED, key_id, by))
    return revoked


def list_keys(database: Database, user_id: str | None = None) -> list[KeyView]:
    """The keys of a user, or of everybody, that were not revoked, the oldest first."""
    return _views(database, _keys.user_id == user_id if user_id is not None else None)


def find_view(database: Database, key_id: str) -> KeyView | None:
    """One key that was not revoked."""
    return next(iter(_views(database, _keys.id == key_id)), None)


def _check_room(connection: Connection, user_id: str) -> None:
    """Those who make keys at the same moment may each find room for one."""
    held = select(func.count()).where(_keys.user_id == user_id, _keys.revoked_at.is_(None))
    if connection.execute(held).scalar_one() >= MOST:
        raise TooMany(f"A user may have {MOST} API keys. Revoke one first.")


def _views(database: Database, wanted: ColumnElement[bool] | None) -> list[KeyView]:
    statement = _VIEW if wanted is None else _VIEW.where(wanted)
    with database.read() as connection:
        return [_view(row) for row in connection.execute(statement)]


_VIEW: Select[Any] = (
    select(*(_keys[name] for name in ("id", "user_id", "name", "prefix", "created_at", "expires_at", "last_used_at")))
    .add_columns(_users.name.label("user_name"), (~_IS_CURRENT).label("is_expired"))
    .join(table_of(User), _users.id == _keys.user_id)
    .where(_keys.revoked_at.is_(None))
    .order_by(_keys.created_at, _keys.id)
)


def _view(row: Row[Any]) -> KeyView:
    fields = dict(row._mapping)
    return KeyView(**{**fields, "is_expired": bool(fields["is_expired"])})
