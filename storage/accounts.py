"""Users and their API keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

from sqlalchemy import exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage.clock import now
from storage.database import Database
from storage.secrets import Secrets
from storage.tables import ApiKey, User

LOCAL_USER = "local"
"""The name of the first user, a superuser."""
LOCAL_USER_ID = str(uuid5(NAMESPACE_DNS, "local.penstock"))
BOOTSTRAP = "bootstrap"
"""The name of the key that the settings give; a new one takes the place of the old one."""
_PREFIX_LENGTH = 6


@dataclass(frozen=True)
class Account:
    """Who a caller is."""

    user_id: str
    name: str
    is_superuser: bool


def ensure_local_user(database: Database, secrets: Secrets, bootstrap_key: str | None) -> Account:
    """The first user, and when a key is given, that key as one of theirs. Doing it again changes nothing (I12)."""
    account = Account(LOCAL_USER_ID, LOCAL_USER, is_superuser=True)
    if _find(database, account.user_id) is None:
        _insert_once(database, User, {"id": account.user_id, "name": account.name, "is_superuser": True})
    if bootstrap_key and account_of(database, secrets, bootstrap_key) is None:
        row = {
            "id": str(uuid4()),
            "user_id": account.user_id,
            "name": BOOTSTRAP,
            "prefix": bootstrap_key[:_PREFIX_LENGTH],
            "digest": secrets.digest(bootstrap_key),
        }
        _revoke_bootstrap_keys(database)
        _insert_once(database, ApiKey, row)
    return account


def account_of(database: Database, secrets: Secrets, key: str) -> Account | None:
    """Whose API key this is; None for a key that is unknown or revoked."""
    statement = (
        select(col(User.id), col(User.name), col(User.is_superuser))
        .join(ApiKey, col(ApiKey.user_id) == col(User.id))
        .where(col(ApiKey.digest) == secrets.digest(key), col(ApiKey.revoked_at).is_(None))
    )
    with database.read() as connection:
        row = connection.execute(statement).one_or_none()
    return Account(row.id, row.name, row.is_superuser) if row is not None else None


def any_key_exists(database: Database) -> bool:
    """Whether anybody has an API key, so that callers must show one."""
    with database.read() as connection:
        return bool(connection.execute(select(exists().where(col(ApiKey.revoked_at).is_(None)))).scalar_one())


def _revoke_bootstrap_keys(database: Database) -> None:
    held = (col(ApiKey.name) == BOOTSTRAP, col(ApiKey.revoked_at).is_(None))
    with database.durable() as connection:
        connection.execute(update(ApiKey).where(*held).values(revoked_at=now()))


def _find(database: Database, user_id: str) -> str | None:
    with database.read() as connection:
        return connection.execute(select(col(User.id)).where(col(User.id) == user_id)).scalar_one_or_none()


def _insert_once(database: Database, table: type[User] | type[ApiKey], row: Mapping[str, Any]) -> None:
    try:
        with database.durable() as connection:
            connection.execute(insert(table).values(created_at=now(), **row))
    except IntegrityError:
        # Another process ensured the same row at the same moment.
        return
