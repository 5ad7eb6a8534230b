"""What has to be true of a database before anything uses it."""

from settings import Settings
from storage.accounts import Account, ensure_local_user
from storage.schema import check_schema, migrate
from storage.store import Store


def release(store: Store, settings: Settings) -> Account:
    """Migrates, then ensures the first user and their key. Safe to repeat, and when several do it at once."""
    migrate(store.database)
    return ensure_local_user(store.database, store.secrets, settings.first_key)


def prepare(store: Store, settings: Settings) -> Account:
    """Releases a database that is this desk's own; one that others use too is only checked, and its release is theirs.

    Raises `SchemaUnknown`.
    """
    if settings.is_embedded:
        return release(store, settings)
    check_schema(store.database)
    return ensure_local_user(store.database, store.secrets, settings.first_key)
