"""Browser sessions: begun with a password or a key, found by the keyed hash of their token, ended in the database."""

from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_urlsafe
from uuid import uuid4

from sqlalchemy import Connection, and_, bindparam, delete, exists, insert, or_, select, update

from storage.accounts import Account, active_account
from storage.auditing import Action, Actor, Deed, record
from storage.clock import after, now
from storage.database import Database
from storage.keys import KEY_IS_VALID
from storage.secrets import Secrets
from storage.tables import ApiKey, Login, User, table_of

MOST = 100
"""Sessions of one user at most; the oldest ends for one more (I10)."""
_BYTES = 32

_logins, _keys, _users = (table_of(table).c for table in (Login, ApiKey, User))
LOGIN_IS_VALID = and_(
    _logins.ended_at.is_(None),
    _logins.expires_at > now(),
    or_(_logins.key_id.is_(None), exists().where(_keys.id == _logins.key_id, KEY_IS_VALID)),
)
_FIND = (
    select(_logins.id, _users.id.label("user_id"), _users.name, _users.is_superuser, _users.is_active)
    .add_columns(_logins.expires_at)
    .select_from(table_of(Login).join(table_of(User), _users.id == _logins.user_id))
    .where(_logins.digest == bindparam("of_digest"), LOGIN_IS_VALID)
)


@dataclass(frozen=True)
class FoundLogin:
    """A session that goes on, and whose it is."""

    id: str
    account: Account
    expires_at: datetime


@dataclass(frozen=True)
class NewLogin:
    """A session that was just begun. Its token is for the browser only."""

    token: str = field(repr=False)
    expires_at: datetime


def start_login(
    database: Database, secrets: Secrets, by: Actor, seconds: float, *, key_id: str | None = None
) -> NewLogin:
    """Begins a session of the acting user's, which ends by itself after some seconds, and with the key that it was
    begun with. Forgets those of theirs that are over, and the oldest of too many."""
    assert by.user_id is not None, "nobody cannot sign in"
    token = token_urlsafe(_BYTES)
    row = {"id": str(uuid4()), "user_id": by.user_id, "key_id": key_id, "digest": _digest(secrets, token)}
    is_over = or_(_logins.ended_at.is_not(None), _logins.expires_at <= now())
    begun = insert(table_of(Login)).values(created_at=now(), expires_at=after(seconds), **row)
    others = select(_logins.id).where(_logins.user_id == by.user_id, _logins.id != row["id"])
    too_many = others.order_by(_logins.created_at.desc(), _logins.id).offset(MOST - 1)
    with database.durable() as connection:
        connection.execute(delete(table_of(Login)).where(_logins.user_id == by.user_id, is_over))
        connection.execute(delete(table_of(Login)).where(_logins.id.in_(too_many)))
        expires_at = connection.execute(begun.returning(_logins.expires_at)).scalar_one()
        record(connection, Deed(Action.LOGIN, by.user_id, by, {"with": "password" if key_id is None else "key"}))
    return NewLogin(token, expires_at)


def find_login(database: Database, secrets: Secrets, token: str) -> FoundLogin | None:
    """The session of a token; None when it is unknown, over or ended. Raises `AccountInactive`."""
    with database.read() as connection:
        row = connection.execute(_FIND, {"of_digest": _digest(secrets, token)}).one_or_none()
    if row is None:
        return None
    account = active_account(row.user_id, row.name, row.is_superuser, row.is_active)
    return FoundLogin(row.id, account, row.expires_at)


def end_login(database: Database, secrets: Secrets, token: str, by: Actor) -> None:
    """Ends a session; doing it again changes nothing."""
    is_meant = (_logins.digest == _digest(secrets, token), _logins.ended_at.is_(None))
    with database.durable() as connection:
        ended = connection.execute(update(table_of(Login)).where(*is_meant).values(ended_at=now())).rowcount
        if ended and by.user_id is not None:
            record(connection, Deed(Action.LOGOUT, by.user_id, by))


def end_logins_of(connection: Connection, user_id: str) -> None:
    """Ends all sessions of a user, inside an open transaction."""
    is_meant = (_logins.user_id == user_id, _logins.ended_at.is_(None))
    connection.execute(update(table_of(Login)).where(*is_meant).values(ended_at=now()))


def note_refused(database: Database, name: str, address: str | None) -> None:
    """Records that somebody could not sign in under a name."""
    with database.relaxed() as connection:
        record(connection, Deed(Action.LOGIN_REFUSED, name, Actor(address=address)))


def _digest(secrets: Secrets, token: str) -> str:
    return secrets.digest(f"login:{token}")
