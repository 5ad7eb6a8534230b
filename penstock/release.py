"""What has to be true of a database before anything uses it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from settings import Settings, load_settings
from storage.accounts import Account
from storage.first_user import ensure_local_user
from storage.schema import check_schema, migrate
from storage.store import Store, open_store


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


@contextmanager
def prepared() -> Iterator[tuple[Store, Account]]:
    """The store that the settings name, ready to be used, and the account that acts at this desk: the local user, who
    may do everything, for whoever sits here reads the secret key. Raises as `prepare`."""
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        yield store, prepare(store, settings)
