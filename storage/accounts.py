"""Who a caller is."""

from dataclasses import dataclass
from uuid import NAMESPACE_DNS, uuid5

from sqlalchemy import bindparam, exists, select
from sqlmodel import col

from storage.database import Database
from storage.errors import AccountInactive
from storage.tables import ApiKey, User

LOCAL_USER = "local"
"""The name of the first user, a superuser."""
LOCAL_USER_ID = str(uuid5(NAMESPACE_DNS, "local.penstock"))


# Built once: building a statement costs more than executing it.
_UNGUARDED = select(col(User.id), col(User.name), col(User.is_superuser)).where(
    col(User.id) == LOCAL_USER_ID,
    col(User.is_active),
    ~exists().where(col(ApiKey.revoked_at).is_(None)),
    ~exists().where(col(User.password).is_not(None)),
)
_ACTIVE = select(col(User.id), col(User.name), col(User.is_superuser)).where(
    col(User.id) == bindparam("of_user"), col(User.is_active)
)


@dataclass(frozen=True)
class Account:
    """Who a caller is."""

    user_id: str
    name: str
    is_superuser: bool


def active_account(user_id: str, name: str, is_superuser: bool, is_active: bool) -> Account:
    """The account that was found behind a proof. Raises `AccountInactive`."""
    if not is_active:
        raise AccountInactive(str(AccountInactive.__doc__))
    return Account(user_id, name, is_superuser)


def unguarded_account(database: Database) -> Account | None:
    """The local user, while nobody has a key or a password with which they could show who they are. A key that has
    expired still guards, one that was revoked does not."""
    with database.read() as connection:
        row = connection.execute(_UNGUARDED).one_or_none()
    return Account(*row) if row is not None else None


def account_of(database: Database, user_id: str) -> Account | None:
    """The account of an active user; None when there is none."""
    with database.read() as connection:
        row = connection.execute(_ACTIVE, {"of_user": user_id}).one_or_none()
    return Account(*row) if row is not None else None
