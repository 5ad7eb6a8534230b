"""penstock/commands/audit.py: who did what to what."""

from contextlib import closing
from pathlib import Path

import pytest

from storage.auditing import Action, Actor, Deed, record
from storage.database import Database
from tests.penstock.conftest import Penstock


@pytest.fixture
def stored(penstock: Penstock, desk: Path) -> None:
    """A database in which three things were done."""
    penstock("migrate")
    with (
        closing(Database(f"sqlite:///{desk / '.penstock' / 'penstock.db'}")) as database,
        database.durable() as written,
    ):
        record(written, Deed(Action.LOGIN, "1", Actor("ann-1", "ann", "10.0.0.7")))
        record(written, Deed(Action.LOGIN_REFUSED, "2", Actor(address="10.0.0.8")))
        record(written, Deed(Action.FLOW_SHARED, "3", Actor("ann-1", "ann"), {"level": "read", "with": "bob"}))


@pytest.mark.usefixtures("stored")
def test_entries_are_lines_with_the_newest_first(penstock: Penstock) -> None:
    """A program gets moment, who, what, to what, more and from where, between tabs."""
    said = penstock("audit")
    assert said.code == 0
    cells = [line.split("\t") for line in said.lines]
    assert [found[1:] for found in cells] == [
        ["ann", "flow_shared", "3", "level=read with=bob", ""],
        ["", "login_refused", "2", "", "10.0.0.8"],
        ["ann", "login", "1", "", "10.0.0.7"],
    ]
    assert all(found[0].endswith("+00:00") for found in cells)


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("options", "subjects"),
    [
        (["--user", "ann"], ["3", "1"]),
        (["--user", "ann-1", "--limit", "1"], ["3"]),
        (["--action", "login"], ["1"]),
        (["--subject", "2"], ["2"]),
        (["--since", "2020-01-01"], ["3", "2", "1"]),
        (["--since", "2999-01-01"], []),
    ],
)
def test_options_filter(penstock: Penstock, options: list[str], subjects: list[str]) -> None:
    said = penstock("audit", *options)
    assert [line.split("\t")[3] for line in said.lines] == subjects


def test_an_action_that_there_is_not_is_refused(penstock: Penstock) -> None:
    """With those that there are."""
    said = penstock("audit", "--action", "dance")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("There is no action 'dance'. There are: login, login_refused,")
