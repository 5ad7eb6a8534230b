"""Who a caller is, and the first user, with whom everything begins."""

from dataclasses import dataclass
from uuid import NAMESPACE_DNS, uuid4, uuid5

from sqlalchemy import exists, select, update
from sqlmodel import col

from storage.clock import now
from storage.database import Database
from storage.errors import AccountInactive
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
    """The first user, and when a key is given, that key as one of theirs. Doing it again changes nothing (I12); a key
    that was revoked stays so."""
    account = Account(LOCAL_USER_ID, LOCAL_USER, is_superuser=True)
    with database.read() as connection:
        is_there = connection.execute(select(exists().where(col(User.id) == account.user_id))).scalar_one()
    if not is_there:
        row = {"id": account.user_id, "name": account.name, "is_superuser": True}
        with database.durable() as connection:
            connection.execute(database.insert(User).values(created_at=now(), **row).on_conflict_do_nothing())
    if bootstrap_key:
        _ensure_bootstrap_key(database, bootstrap_key[:_PREFIX_LENGTH], secrets.digest(bootstrap_key))
    return account


def find_account(database: Database, user_id: str) -> Account | None:
    """An account by its id, if there is one. Raises `AccountInactive`."""
    statement = select(col(User.id), col(User.name), col(User.is_superuser), col(User.is_active))
    with database.read() as connection:
        row = connection.execute(statement.where(col(User.id) == user_id)).one_or_none()
    return active_account(row.id, row.name, row.is_superuser, row.is_active) if row is not None else None


def active_account(user_id: str, name: str, is_superuser: bool, is_active: bool) -> Account:
    """The account that was found behind a proof. Raises `AccountInactive`."""
    if not is_active:
        raise AccountInactive(str(AccountInactive.__doc__))
    return Account(user_id, name, is_superuser)


def unguarded_account(database: Database) -> Account | None:
    """The local user, while nobody has a key or a password with which they could show who they are. A key that has
    expired still guards, one that was revoked does not."""
    nobody_can_show = (
        ~exists().where(col(ApiKey.revoked_at).is_(None)),
        ~exists().where(col(User.password).is_not(None)),
    )
    is_local = col(User.id) == LOCAL_USER_ID, col(User.is_active)
    statement = select(col(User.id), col(User.name), col(User.is_superuser)).where(*is_local, *nobody_can_show)
    with database.read() as connection:
        row = connection.execute(statement).one_or_none()
    return Account(*row) if row is not None else None


def _ensure_bootstrap_key(database: Database, prefix: str, digest: str) -> None:
    """Puts a key in the place of the one before. Another process may put the same key there at the same moment."""
    with database.read() as connection:
        if connection.execute(select(exists().where(col(ApiKey.digest) == digest))).scalar_one():
            return
    is_bootstrap = (col(ApiKey.name) == BOOTSTRAP, col(ApiKey.user_id) == LOCAL_USER_ID)
    is_before = (col(ApiKey.digest) != digest, col(ApiKey.revoked_at).is_(None))
    row = {"id": str(uuid4()), "user_id": LOCAL_USER_ID, "name": BOOTSTRAP, "prefix": prefix, "digest": digest}
    with database.durable() as connection:
        connection.execute(update(ApiKey).where(*is_bootstrap, *is_before).values(revoked_at=now()))
        connection.execute(database.insert(ApiKey).values(created_at=now(), **row).on_conflict_do_nothing())
