"""penstock/main.py: what can be typed, and what is said to a mistake."""

import subprocess
import sys
from pathlib import Path

import pytest

from storage.secrets import is_key
from tests.penstock.conftest import ROOT, Penstock, Start

HEAVY = ("sqlalchemy", "starlette", "dramatiq", "pydantic", "redis", "alembic")


def test_help_loads_nothing_that_only_commands_need() -> None:
    """Help comes at once: it imports no database, no server and no settings."""
    asked = (
        "import sys; from penstock.main import main; sys.argv = ['penstock', '--help']\n"
        "try: main()\n"
        f"finally: sys.exit(','.join({{*sys.modules}} & {{*{HEAVY!r}}}))"
    )
    ended = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == ""
    assert "secret-key" in ended.stdout


def test_every_command_explains_itself(penstock: Penstock) -> None:
    for command in ("up", "run", "flows", "components", "inbox", "migrate", "doctor", "secret-key"):
        said = penstock(command, "--help")
        assert said.code == 0
        assert command in said.out


def test_a_secret_key_is_new_each_time(penstock: Penstock) -> None:
    first, second = penstock("secret-key").out.strip(), penstock("secret-key").out.strip()
    assert is_key(first)
    assert first != second


def test_a_wrong_setting_is_one_line(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that cannot begin says why in one line on stderr, without a traceback, and exits with 2."""
    monkeypatch.setenv("PORT", "0")
    for command in (("up",), ("migrate",), ("flows", "list")):
        said = penstock(*command)
        assert (said.code, said.out) == (2, "")
        assert said.err == ("PORT=0: Input should be greater than or equal to 1. Give a port between 1 and 65535.\n")


def test_a_database_that_is_none_is_one_line(penstock: Penstock, desk: Path) -> None:
    """The database's own words, without the statement that met them."""
    (desk / ".penstock").mkdir()
    (desk / ".penstock" / "penstock.db").write_text("This is not a database." * 100)
    said = penstock("migrate")
    assert (said.code, said.err) == (2, "The database cannot be used: file is not a database\n")


def test_a_folder_that_cannot_be_made_is_one_line(penstock: Penstock, desk: Path) -> None:
    (desk / ".penstock").write_text("in the way")
    said = penstock("migrate")
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert ".penstock" in said.err


def test_the_package_runs_as_the_command(start: Start) -> None:
    process = start("penstock", "secret-key")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert is_key(out.strip())
