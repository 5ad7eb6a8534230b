"""The first user, with whom everything begins, and the key that the settings give them."""

from sqlalchemy import exists, select, update
from sqlmodel import col

from storage.accounts import LOCAL_USER, LOCAL_USER_ID, Account
from storage.clock import now
from storage.database import Database
from storage.errors import BootstrapKeyRevoked
from storage.keys import row_of_key
from storage.secrets import Secrets
from storage.tables import ApiKey, User

BOOTSTRAP = "bootstrap"
"""The name of the key that the settings give; a new one takes the place of the old one."""

_IS_BOOTSTRAP = (col(ApiKey.name) == BOOTSTRAP, col(ApiKey.user_id) == LOCAL_USER_ID, col(ApiKey.revoked_at).is_(None))


def ensure_local_user(database: Database, secrets: Secrets, bootstrap_key: str | None) -> Account:
    """The first user, and when a key is given, that key as one of theirs. Doing it again changes nothing (I12). Raises
    `BootstrapKeyRevoked`."""
    account = Account(LOCAL_USER_ID, LOCAL_USER, is_superuser=True)
    with database.read() as connection:
        is_there = connection.execute(select(exists().where(col(User.id) == account.user_id))).scalar_one()
    if not is_there:
        row = {"id": account.user_id, "name": account.name, "is_superuser": True}
        with database.durable() as connection:
            connection.execute(database.insert(User).values(created_at=now(), **row).on_conflict_do_nothing())
    if bootstrap_key:
        _ensure_bootstrap_key(database, secrets, bootstrap_key)
    return account


def _ensure_bootstrap_key(database: Database, secrets: Secrets, key: str) -> None:
    """Puts a key in the place of those before it. They end in any case: whoever changed the setting wants none of them
    to be taken any more. Another process may put the same key there at the same moment."""
    row = row_of_key(secrets, LOCAL_USER_ID, BOOTSTRAP, key)
    is_same = col(ApiKey.digest) == row["digest"]
    with database.read() as connection:
        if connection.execute(select(col(ApiKey.digest)).where(*_IS_BOOTSTRAP)).scalars().all() == [row["digest"]]:
            return
    with database.durable() as connection:
        connection.execute(update(ApiKey).where(*_IS_BOOTSTRAP, ~is_same).values(revoked_at=now()))
        connection.execute(database.insert(ApiKey).values(created_at=now(), **row).on_conflict_do_nothing())
        revoked_at = connection.execute(select(col(ApiKey.revoked_at)).where(is_same)).scalar_one()
    if revoked_at is not None:
        raise BootstrapKeyRevoked(str(BootstrapKeyRevoked.__doc__))
