"""The key that API keys and logins are hashed with. It is kept encrypted, so that a secret key can be taken away
without making every API key unknown."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import col

from storage.database import Database
from storage.secrets import Secrets
from storage.tables import HashKey

ONLY = "1"
"""The id of the one row of its table."""
BINDING = "hash-key"


def hashing_secrets(database: Database, keys: Sequence[str]) -> Secrets:
    """The secrets of a store: what hashes is looked up there when the first hash is made."""
    return Secrets(keys, lambda: kept_hash_key(database, Secrets(keys), keys[-1]))


def kept_hash_key(database: Database, secrets: Secrets, first: str) -> str:
    """The key that is kept; whoever comes first keeps `first`. Raises `SecretUnreadable`."""
    sealed = _find(database)
    if sealed is None:
        row = {"id": ONLY, "sealed": secrets.seal(first, BINDING)}
        with database.durable() as connection:
            connection.execute(database.insert(HashKey).values(row).on_conflict_do_nothing())
        sealed = _find(database)
    assert sealed is not None, "a hash key is never deleted"
    return str(secrets.open(sealed, BINDING))


def _find(database: Database) -> bytes | None:
    with database.read() as connection:
        return connection.execute(select(col(HashKey.sealed)).where(col(HashKey.id) == ONLY)).scalar_one_or_none()
