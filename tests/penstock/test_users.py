"""penstock/commands/users.py: who may call is said at the desk."""

from contextlib import closing
from io import StringIO

import pytest

from settings import load_settings
from storage.accounts import Account
from storage.store import open_store
from storage.users import account_with
from tests.penstock.conftest import PATIENCE, Penstock, Start, Terminal

PASSWORD = "correct horse"


def signed_in(name: str, password: str) -> Account | None:
    """Who signs in to a server of this desk."""
    with closing(open_store(load_settings().store)) as store:
        return account_with(store.database, name, password)


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that writes a password to standard input."""
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))


def shown(penstock: Penstock) -> list[list[str]]:
    return [line.split("\t")[1:] for line in penstock("users", "list").lines]


def test_a_program_gets_one_line_per_user(penstock: Penstock) -> None:
    """By name: id, name, role and state between tabs."""
    made = penstock("users", "create", "anna", "--superuser")
    assert (made.code, len(made.lines)) == (0, 1)
    penstock("users", "create", "bob")
    penstock("users", "deactivate", "bob")
    assert shown(penstock) == [
        ["anna", "superuser", "active"],
        ["bob", "user", "inactive"],
        ["local", "superuser", "active"],
    ]
    assert penstock("users", "list").lines[0].split("\t")[0] == made.lines[0]


@pytest.mark.usefixtures("typing")
def test_a_program_gives_a_password_on_standard_input(penstock: Penstock) -> None:
    """One line, of which neither answer nor remark repeats anything."""
    said = penstock("users", "create", "anna", "--password")
    assert said.code == 0
    assert PASSWORD not in said.out + said.err
    assert signed_in("anna", PASSWORD) is not None


@pytest.mark.usefixtures("typing")
def test_a_password_is_changed(penstock: Penstock) -> None:
    penstock("users", "create", "anna")
    assert penstock("users", "password", "anna").code == 0
    assert signed_in("anna", PASSWORD) is not None


@pytest.mark.parametrize(("again", "code"), [(PASSWORD, 0), ("another one", 2)])
def test_a_person_types_a_password_twice(
    start: Start, penstock: Penstock, terminal: Terminal, again: str, code: int
) -> None:
    """Where nobody sees it; when the two differ, nothing changes."""
    penstock("migrate")
    asked = start("penstock", "users", "create", "anna", "--password", stdin=terminal.keyboard, stderr=terminal.screen)
    terminal.until("Password of anna: ")
    terminal.type(PASSWORD)
    screen = terminal.until("Once more: ")
    terminal.type(again)
    out, _ = asked.communicate(timeout=PATIENCE)
    assert asked.returncode == code
    assert PASSWORD not in screen + str(out)
    assert (signed_in("anna", PASSWORD) is not None) is (code == 0)


def test_an_unfit_password_or_name_makes_no_user(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("short\n"))
    said = penstock("users", "create", "anna", "--password")
    assert (said.code, said.err) == (2, "A password is 8 to 1,024 characters long.\n")
    said = penstock("users", "create", "two words")
    assert said.code == 2
    assert said.err.startswith("The name of a user is ")
    assert [name for name, *_ in shown(penstock)] == ["local"]


def test_a_name_is_given_once(penstock: Penstock) -> None:
    penstock("users", "create", "anna")
    said = penstock("users", "create", "anna")
    assert (said.code, said.err) == (2, "The name 'anna' is taken. Choose another one.\n")


def test_the_last_superuser_stays(penstock: Penstock) -> None:
    """Until there is another one."""
    said = penstock("users", "deactivate", "local")
    assert (said.code, said.err) == (2, "The last active superuser cannot be deactivated. Make another one first.\n")
    penstock("users", "create", "anna", "--superuser")
    assert penstock("users", "deactivate", "local").code == 0
    assert penstock("users", "activate", "local").code == 0
    assert [state for *_, state in shown(penstock)] == ["active", "active"]


@pytest.mark.parametrize("command", ["password", "deactivate", "activate"])
@pytest.mark.usefixtures("typing")
def test_nobody_of_a_name(penstock: Penstock, command: str) -> None:
    said = penstock("users", command, "nobody")
    assert (said.code, said.err) == (2, "There is no user 'nobody'. `penstock users list` shows who there is.\n")
