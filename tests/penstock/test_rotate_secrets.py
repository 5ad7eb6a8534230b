"""penstock/commands/rotate_secrets.py: a new secret key takes over, and the old one may go."""

import sys
from io import StringIO
from pathlib import Path

import pytest

from storage.secrets import new_key
from tests.penstock.conftest import Penstock
from tests.penstock.test_variables import value


@pytest.fixture
def file(penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key file of a desk with a variable."""
    monkeypatch.setattr(sys, "stdin", StringIO("hunter2"))
    assert penstock("variables", "set", "TOKEN").code == 0
    return desk / ".penstock" / "secret.key"


def test_the_old_key_may_be_taken_away(penstock: Penstock, desk: Path, file: Path) -> None:
    """After a rotation everything opens without it."""
    old, new = file.read_text().strip(), new_key()
    file.write_text(f"{new}\n{old}\n")
    said = penstock("rotate-secrets")
    assert said.code == 0, said.err
    assert said.lines[0] == "1 encrypted anew, 0 were under the first key already."
    file.write_text(f"{new}\n")
    assert value(desk, "TOKEN") == "hunter2"
    assert penstock("rotate-secrets").lines[0] == "0 encrypted anew, 1 were under the first key already."


def test_what_no_key_opens_is_told(penstock: Penstock, file: Path) -> None:
    file.write_text(new_key())
    said = penstock("rotate-secrets")
    assert said.code == 1
    assert said.err.startswith("1 cannot be read with any key. Add the key they were encrypted with, and repeat;")


def test_what_is_lost_for_good_can_be_given_up(penstock: Penstock, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nothing would start again that has a first API key: its hash cannot be told."""
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP_KEY", "a-first-key-that-is-long")
    assert penstock("migrate").code == 0
    file.write_text(new_key())
    said = penstock("migrate")
    assert (said.code, "PENSTOCK_SECRET_KEY" in said.err) == (2, True)
    said = penstock("rotate-secrets", "--forget-unreadable")
    assert (said.code, said.lines[0]) == (0, "2 forgotten.")
    assert penstock("variables", "list").lines == []
    assert penstock("migrate").code == 0
