"""penstock/commands/variables.py: secrets are typed unseen or piped in, and never shown."""

import json
import sys
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest

from storage.accounts import LOCAL_USER_ID
from storage.database import Database
from storage.hash_key import hashing_secrets
from storage.secrets import kept_keys, new_key
from storage.variables import get_variable
from tests.making import model_flow
from tests.penstock.conftest import Penstock, Start, Terminal

CANARY = "canary-c0ffee"


def piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(text))


def value(desk: Path, name: str) -> str | None:
    folder = desk / ".penstock"
    with closing(Database(f"sqlite:///{folder / 'penstock.db'}")) as database:
        secrets = hashing_secrets(database, kept_keys(folder / "secret.key"))
        return get_variable(database, secrets, LOCAL_USER_ID, name)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_value_is_read_from_standard_input(
    penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """Without the end of its line; what is listed is its name."""
    piped(monkeypatch, f"{CANARY}{end}")
    assert penstock("variables", "set", "TOKEN").lines == ["set TOKEN"]
    assert value(desk, "TOKEN") == CANARY
    said = penstock("variables", "list")
    assert [line.split("\t")[0] for line in said.lines] == ["TOKEN"]
    assert CANARY not in said.out + said.err


def test_a_value_set_again_takes_the_place_of_the_old_one(
    penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("old", "new"):
        piped(monkeypatch, text)
        penstock("variables", "set", "TOKEN")
    assert value(desk, "TOKEN") == "new"


def test_a_deleted_variable_is_gone(penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piped(monkeypatch, CANARY)
    penstock("variables", "set", "TOKEN")
    assert penstock("variables", "delete", "TOKEN").lines == ["deleted TOKEN"]
    assert value(desk, "TOKEN") is None
    said = penstock("variables", "delete", "TOKEN")
    assert (said.code, said.err) == (2, "There is no variable TOKEN.\n")


def test_what_is_done_at_a_desk_is_recorded(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the local user's, without the value (I8)."""
    piped(monkeypatch, CANARY)
    penstock("variables", "set", "TOKEN")
    penstock("variables", "delete", "TOKEN")
    said = penstock("audit")
    assert [line.split("\t")[1:4] for line in said.lines] == [
        ["local", "variable_deleted", "TOKEN"],
        ["local", "variable_changed", "TOKEN"],
    ]
    assert CANARY not in said.out


@pytest.mark.parametrize(("name", "text"), [("", "x"), ("n" * 257, "x"), ("a\nb", "x"), ("A", ""), ("A", "x" * 65_537)])
def test_what_does_not_fit_is_refused(
    penstock: Penstock, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    piped(monkeypatch, text)
    assert penstock("variables", "set", name).code == 2
    assert penstock("variables", "list").lines == []


def test_a_value_that_is_typed_is_not_shown(start: Start, terminal: Terminal) -> None:
    """It is asked for, and stands nowhere on the terminal."""
    command = ("penstock", "variables", "set", "TOKEN")
    process = start(*command, stdin=terminal.keyboard, stderr=terminal.screen)
    terminal.until("Value of TOKEN: ")
    terminal.type(CANARY)
    out, _ = process.communicate(timeout=30)
    assert out == "set TOKEN\n"
    terminal.screen.write("the end")
    terminal.screen.flush()
    assert CANARY not in terminal.until("the end")


def test_a_run_that_names_what_cannot_be_read_is_refused(
    penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for a worker with the right key, and there is only the one here."""
    piped(monkeypatch, CANARY)
    penstock("variables", "set", "OPENAI_API_KEY")
    (desk / ".penstock" / "secret.key").write_text(new_key())
    (desk / "flow.json").write_text(json.dumps(model_flow()))
    said = penstock("run", desk / "flow.json", "hello")
    assert (said.code, said.out) == (2, "")
    assert "PENSTOCK_SECRET_KEY" in said.err
