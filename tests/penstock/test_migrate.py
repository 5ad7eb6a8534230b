"""penstock/commands/migrate.py: the release step."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from settings import load_settings
from storage.accounts import LOCAL_USER
from storage.auditing import Actor
from storage.keys import find_key, list_keys, revoke_key
from storage.schema import check_schema, head
from storage.store import open_store
from tests.penstock.conftest import Penstock, Start

KEY = "a-first-key-of-some-length"


def test_the_release_makes_what_the_server_needs(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest revision, the first user and their key; doing it again changes nothing."""
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP_KEY", KEY)
    for _ in range(2):
        assert penstock("migrate").lines == [f"The database is at revision {head()}."]
    with closing(open_store(load_settings().store)) as store:
        check_schema(store.database)
        found = find_key(store.database, store.secrets, KEY)
    assert found is not None
    assert (found.account.name, found.account.is_superuser) == (LOCAL_USER, True)


def test_without_a_key_there_is_none(penstock: Penstock, desk: Path) -> None:
    penstock("migrate")
    with closing(open_store(load_settings().store)) as store:
        assert list_keys(store.database) == []
    assert (desk / ".penstock" / "penstock.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "command", [("penstock", "migrate"), ("penstock", "up"), ("uvicorn", "web.app:app", "--port", "0")]
)
@pytest.mark.usefixtures("url")
def test_a_first_key_that_was_revoked_is_refused(
    penstock: Penstock, start: Start, monkeypatch: pytest.MonkeyPatch, command: Sequence[str]
) -> None:
    """By whatever starts with it: nobody could sign in with what the settings say."""
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP_KEY", KEY)
    penstock("migrate")
    with closing(open_store(load_settings().store)) as store:
        [key] = list_keys(store.database)
        revoke_key(store.database, key.id, Actor())
    process = start(*command)
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert out == ""
    assert "PENSTOCK_BOOTSTRAP_KEY was revoked. Choose another one.\n" in err
