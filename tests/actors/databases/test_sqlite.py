"""SQLite files: which may be read, what is read of them, and that nothing is changed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actors.databases import answering, sqlite
from flows.databases import MAX_CELL_BYTES, DatabaseRefused, QueryFailed
from flows.values import Table
from tests.actors.databases.asking import ask

URL = "sqlite:///gates.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The operator's folder with `gates.db`, and `outside.db` beside it."""
    inside = tmp_path / "inside"
    inside.mkdir()
    for path in (inside / "gates.db", tmp_path / "outside.db"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE gates (id INTEGER, name TEXT)")
            connection.executemany("INSERT INTO gates VALUES (?, ?)", [(1, "north"), (2, "south")])
            connection.commit()
    return inside


def rows_of(folder: Path, query: str) -> tuple[tuple[object, ...], ...]:
    return ask(URL, query, folder=folder).rows


def test_a_query_gives_columns_and_rows(folder: Path) -> None:
    assert ask(URL, "SELECT id, upper(name) AS name FROM gates ORDER BY id;", folder=folder) == Table(
        ("id", "name"), ((1, "NORTH"), (2, "SOUTH"))
    )


def test_a_query_without_rows_has_columns(folder: Path) -> None:
    assert ask(URL, "SELECT id FROM gates WHERE id > 9", folder=folder) == Table(("id",))


CELLS = {
    "NULL": None,
    "1": 1,
    "-9223372036854775808": -(2**63),
    "2.5": 2.5,
    "9e999": "inf",
    "'é'": "é",
    "X'00FF'": "\\x00ff",
    "CAST(X'61FF' AS TEXT)": "a\ufffd",
}


@pytest.mark.parametrize("expression", CELLS)
def test_every_cell_is_plain_json(expression: str, folder: Path) -> None:
    assert rows_of(folder, f"SELECT {expression}") == ((CELLS[expression],),)


CHANGES = [
    "INSERT INTO gates VALUES (3, 'east')",
    "UPDATE gates SET name = 'x'",
    "DELETE FROM gates",
    "WITH a AS (SELECT 1) DELETE FROM gates",
    "DELETE FROM gates RETURNING id",
    "DROP TABLE gates",
    "CREATE TABLE more (id)",
    "CREATE TEMP TABLE more (id)",
    "ATTACH '../outside.db' AS other",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "VACUUM INTO 'copy.db'",
    "BEGIN EXCLUSIVE",
    "SELECT load_extension('x')",
    "SELECT 1; DELETE FROM gates",
]


@pytest.mark.parametrize("query", CHANGES)
def test_what_is_more_than_reading_is_refused_and_changes_nothing(query: str, folder: Path) -> None:
    before = (folder / "gates.db").read_bytes()
    with pytest.raises(QueryFailed, match="The query failed: "):
        ask(URL, query, folder=folder)
    assert (folder / "gates.db").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["gates.db"]


ELSEWHERE = [
    "sqlite:///missing.db",
    "sqlite:///../outside.db",
    "sqlite:////etc/passwd",
    "sqlite:///.",
    "sqlite:///link.db",
    "sqlite:///gates.db%00",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_file_elsewhere_is_as_one_that_is_missing(url: str, folder: Path) -> None:
    """I9."""
    (folder / "link.db").symlink_to(folder.parent / "outside.db")
    with pytest.raises(DatabaseRefused, match="There is no such SQLite file in the folder of PENSTOCK_SQL_FOLDER"):
        ask(url, "SELECT 1", folder=folder)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///gates.db?mode=rwc", "sqlite://host/gates.db"])
def test_a_url_names_a_file_and_no_more(url: str, folder: Path) -> None:
    with pytest.raises(DatabaseRefused, match="names no file, or more than one"):
        ask(url, "SELECT 1", folder=folder)


def test_an_absolute_path_into_the_folder_is_read(folder: Path) -> None:
    assert ask(f"sqlite:///{folder}/gates.db", "SELECT 1", folder=folder).rows == ((1,),)


def test_without_a_folder_no_file_is_read(folder: Path) -> None:
    with pytest.raises(DatabaseRefused, match="Set PENSTOCK_SQL_FOLDER to the folder of those"):
        ask(f"sqlite:///{folder}/gates.db", "SELECT 1")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT colour FROM gates", "no such column: colour"),
        ("SELEKT 1", 'near "SELEKT": syntax error'),
        ("-- nothing", "The query has no answer"),
        ("SELECT 1 AS a, 2 AS a", "Two columns of the answer are called 'a'. Tell them apart with AS."),
    ],
)
def test_a_query_that_fails_tells_why(query: str, reason: str, folder: Path) -> None:
    with pytest.raises(QueryFailed) as caught:
        ask(URL, query, folder=folder)
    assert reason in str(caught.value)


def test_what_is_no_database_fails_the_query(folder: Path) -> None:
    (folder / "gates.db").write_bytes(b"no database, whatever its name says" * 100)
    with pytest.raises(QueryFailed, match="file is not a database"):
        ask(URL, "SELECT * FROM gates", folder=folder)


COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT i FROM n"


def test_an_answer_has_so_many_rows_at_most(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(answering, "MAX_ROWS", 100)
    assert len(rows_of(folder, COUNTING.format(100))) == 100
    with pytest.raises(QueryFailed, match="more than 100 rows"):
        rows_of(folder, COUNTING.format(101))


def test_an_answer_has_so_many_bytes_at_most(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(answering, "MAX_BYTES", 1_000)
    with pytest.raises(QueryFailed, match="more than 1000 bytes"):
        rows_of(folder, "SELECT hex(zeroblob(600))")


@pytest.mark.parametrize("query", ["SELECT zeroblob({})", "SELECT replace(hex(zeroblob({})), '0', 'ab')"])
def test_a_cell_has_so_many_bytes_at_most(query: str, folder: Path) -> None:
    """Also one that only stands in between (I10)."""
    with pytest.raises(QueryFailed, match="string or blob too big"):
        rows_of(folder, query.format(MAX_CELL_BYTES + 1))


def test_a_query_takes_so_long_at_most(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(sqlite, "SECONDS", 0.1)
    with pytest.raises(QueryFailed, match=r"The query took longer than 0\.1 s\."):
        rows_of(folder, f"{COUNTING.format(10**12)} ORDER BY i")
