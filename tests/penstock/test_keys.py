"""penstock/commands/keys.py: API keys are made, listed and revoked at the desk."""

from contextlib import closing

import pytest

from settings import load_settings
from storage.accounts import LOCAL_USER, Account, unguarded_account
from storage.keys import find_key
from storage.store import open_store
from tests.penstock.conftest import Penstock

FIRST = "It is the first one: from now on every caller must show a key, also on this machine."


def owner_of(key: str) -> Account | None:
    """Whose key this is to a server of this desk."""
    with closing(open_store(load_settings().store)) as store:
        found = find_key(store.database, store.secrets, key)
    return found.account if found is not None else None


def is_open() -> bool:
    with closing(open_store(load_settings().store)) as store:
        return unguarded_account(store.database) is not None


def test_a_key_is_printed_alone(penstock: Penstock) -> None:
    """So that a program can take it; the remarks beside it do not repeat it."""
    said = penstock("keys", "create", "a robot")
    assert said.code == 0
    [key] = said.lines
    account = owner_of(key)
    assert account is not None
    assert account.name == LOCAL_USER
    assert key not in said.err
    assert FIRST in said.err


def test_only_the_first_key_closes_the_door(penstock: Penstock) -> None:
    """And says so; the last that is revoked opens it again, and says so too."""
    assert FIRST in penstock("keys", "create").err
    assert not is_open()
    assert FIRST not in penstock("keys", "create").err
    first, second = (line.split("\t")[0] for line in penstock("keys", "list").lines)
    assert "the last one" not in penstock("keys", "revoke", first).err
    assert "the last one" in penstock("keys", "revoke", second).err
    assert is_open()


def test_a_program_gets_one_line_per_key(penstock: Penstock) -> None:
    """Id, beginning, name, user, end and last use between tabs; never the key."""
    penstock("users", "create", "anna")
    anna = penstock("keys", "create", "theirs", "--user", "anna", "--days", "3").lines[0]
    ours = penstock("keys", "create", "ours").lines[0]
    said = penstock("keys", "list")
    rows = [line.split("\t") for line in said.lines]
    assert [(row[1], row[2], row[3], row[5]) for row in rows] == [
        (anna[:10], "theirs", "anna", ""),
        (ours[:10], "ours", "local", ""),
    ]
    assert rows[0][4]
    assert not rows[1][4]
    assert anna not in said.out
    assert [line.split("\t")[2] for line in penstock("keys", "list", "--user", "anna").lines] == ["theirs"]


@pytest.mark.parametrize("column", [0, 1])
def test_a_key_is_revoked_by_its_id_or_its_beginning(penstock: Penstock, column: int) -> None:
    keys = [penstock("keys", "create").lines[0] for _ in range(2)]
    named = penstock("keys", "list").lines[0].split("\t")[column]
    said = penstock("keys", "revoke", named)
    assert (said.code, said.out) == (0, "")
    assert owner_of(keys[0]) is None
    assert owner_of(keys[1]) is not None


def test_what_names_no_key_revokes_none(penstock: Penstock) -> None:
    """Neither an unknown one, nor what every key begins with."""
    key = penstock("keys", "create").lines[0]
    for named in ("nothing", "", "psk_", key[:9]):
        said = penstock("keys", "revoke", named)
        assert (said.code, said.out) == (2, "")
        assert "penstock keys list" in said.err
    assert owner_of(key) is not None


def test_a_key_needs_its_user(penstock: Penstock) -> None:
    said = penstock("keys", "create", "--user", "nobody")
    assert (said.code, said.out) == (2, "")
    assert said.err == "There is no user 'nobody'. `penstock users list` shows who there is.\n"
    assert penstock("keys", "list").lines == []


@pytest.mark.parametrize("days", ["0", "-1", "x", "40000"])
def test_days_that_are_none_make_no_key(penstock: Penstock, days: str) -> None:
    assert penstock("keys", "create", "--days", days).code == 2
    assert penstock("keys", "list").lines == []
