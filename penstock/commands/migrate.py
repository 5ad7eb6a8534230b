"""`penstock migrate`: the release step."""

from contextlib import closing

from penstock.console import answer
from penstock.release import release
from settings import load_settings
from storage.schema import head
from storage.store import open_store


def migrate() -> None:
    """Brings the database to the newest revision, with the first user and their key."""
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        release(store, settings)
    answer(f"The database is at revision {head()}.")
