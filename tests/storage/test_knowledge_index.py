"""What a process keeps of knowledge bases in memory, and when it reads them anew."""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager
from typing import Any

import pytest

from flows.embedding import unit
from flows.extras import ExtraMissing
from flows.knowledge import Base
from storage import knowledge, knowledge_index
from storage.auditing import Actor
from storage.database import Database
from storage.knowledge import add, delete_base, find_base
from storage.knowledge_index import Indexes
from tests.storage.learning import NAMED, chunk, many
from tests.storage.situations import at_once

EAST, NORTH = unit([1, 0]), unit([0, 1])


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the bases whose vectors were read, in order."""
    read: list[str] = []
    original = knowledge.read_vectors

    def reading(database: Database, base_id: str) -> Any:
        read.append(base_id)
        return original(database, base_id)

    monkeypatch.setattr(knowledge_index, "read_vectors", reading)
    return read


@contextmanager
def two_processes(database: Database) -> Iterator[tuple[Indexes, Indexes]]:
    """The indexes of two processes on one database."""
    yield Indexes(database), Indexes(database)


def base_of(database: Database, user_id: str, name: str = "docs") -> Base:
    found = find_base(database, user_id, name)
    assert found is not None
    return found


def texts(indexes: Indexes, base: Base, question: bytes | None = EAST, **wanted: Any) -> list[str]:
    asked: Mapping[str, set[str]] = {name: set(values) for name, values in wanted.items()}
    return [found.text for found in indexes.search(base, question, asked, 10)]


def test_the_nearest_come_first_with_their_scores(database: Database, user_id: str) -> None:
    """Of two alike the one that was added earlier."""
    directions = {"north": (0, 2), "east": (5, 0), "both": (3, 3), "west": (-1, 0), "east again": (1, 0)}
    base = add(database, user_id, "docs", NAMED, [chunk(text, *way) for text, way in directions.items()])
    found = Indexes(database).search(base, EAST, {}, 4)
    assert [one.text for one in found] == ["east", "east again", "both", "north"]
    assert [one.score for one in found] == pytest.approx([1.0, 1.0, 0.5**0.5, 0.0])
    assert Indexes(database).search(base, NORTH, {}, 1)[0].vector == NORTH


def test_of_many_alike_the_earliest_come_first(database: Database, user_id: str) -> None:
    alike = [chunk(f"text {number}") for number in range(100)]
    base = add(database, user_id, "docs", NAMED, [chunk("north", 0, 1), *alike])
    assert texts(Indexes(database), base) == [one.text for one in alike[:10]]


def test_without_a_question_the_first_that_were_added_come(database: Database, user_id: str) -> None:
    base = add(database, user_id, "docs", NAMED, many(5))
    found = Indexes(database).search(base, None, {}, 2)
    assert [(one.text, one.score) for one in found] == [("text 0", None), ("text 1", None)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"tag": ["a"]}, ["one", "three"]),
        ({"tag": ["a", "b"]}, ["one", "two", "three"]),
        ({"tag": ["a"], "year": ["2026"]}, ["one"]),
        ({"year": ["2025"]}, []),
        ({"nothing": ["None"]}, ["one", "two", "three", "four"]),
        ({"listed": ["y"]}, ["four"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("question", [None, EAST])
def test_only_chunks_with_the_wanted_metadata_are_found(
    database: Database, user_id: str, wanted: dict[str, Any], found: list[str], question: bytes | None
) -> None:
    """However near the others are."""
    chunks = [
        chunk("one", tag="a", year=2026),
        chunk("two", tag="b"),
        chunk("three", 0.1, 1, tag="a"),
        chunk("four", 0, 1, listed=["x", "y"]),
    ]
    base = add(database, user_id, "docs", NAMED, chunks)
    assert texts(Indexes(database), base, question, **wanted) == found


def test_what_one_process_adds_the_next_search_of_another_finds(
    database: Database, user_id: str, loads: list[str]
) -> None:
    """Though it keeps the base in memory; where nothing changed it reads no vectors again."""
    add(database, user_id, "docs", NAMED, [chunk("one")])
    with two_processes(database) as (here, there):
        for indexes in (here, there, there):
            assert texts(indexes, base_of(database, user_id)) == ["one"]
        assert len(loads) == 2
        add(database, user_id, "docs", NAMED, [chunk("two")])
        assert texts(there, base_of(database, user_id)) == ["one", "two"]
        add(database, user_id, "docs", NAMED, [chunk("two")])
        assert texts(there, base_of(database, user_id)) == ["one", "two"]
        assert len(loads) == 3


def test_a_base_that_was_deleted_and_made_again_is_another_one(database: Database, user_id: str) -> None:
    """At the same revision."""
    indexes = Indexes(database)
    add(database, user_id, "docs", NAMED, [chunk("old")])
    assert texts(indexes, base_of(database, user_id)) == ["old"]
    delete_base(database, user_id, "docs", Actor())
    add(database, user_id, "docs", NAMED, [chunk("new")])
    assert texts(indexes, base_of(database, user_id)) == ["new"]


def test_a_base_that_is_deleted_under_a_search_is_empty(database: Database, user_id: str) -> None:
    indexes, base = Indexes(database), add(database, user_id, "docs", NAMED, [chunk("old")])
    indexes.index(base)
    delete_base(database, user_id, "docs", Actor())
    assert texts(indexes, base) == texts(Indexes(database), base) == []


def test_what_is_added_while_a_base_is_read_is_found_then_or_the_next_time(database: Database, user_id: str) -> None:
    """A search that comes with an older revision finds what was committed when it read."""
    old = add(database, user_id, "docs", NAMED, many(3))
    new = add(database, user_id, "docs", NAMED, many(300, 3))
    indexes = Indexes(database)
    assert len(indexes.index(old).numbers) == new.chunks
    assert len(indexes.index(new).numbers) == new.chunks


def test_the_bases_asked_longest_ago_make_room(database: Database, user_id: str, loads: list[str]) -> None:
    """I10: one base is always held, however large."""
    bases = [add(database, user_id, name, NAMED, many(50)) for name in "abc"]
    indexes = Indexes(database, Indexes(database).index(bases[0]).size * 2)
    loads.clear()
    for place in (0, 1, 0, 2, 0, 1):
        texts(indexes, bases[place])
    assert loads == [bases[place].id for place in (0, 1, 2, 1)]
    small = Indexes(database, 1)
    for base in (*bases, bases[-1]):
        texts(small, base)
    assert loads[4:] == [base.id for base in bases]


def test_without_the_extra_its_name_is_told(database: Database, user_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = add(database, user_id, "docs", NAMED, [chunk("one")])
    monkeypatch.setitem(sys.modules, "numpy", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'penstock\[knowledge\]'"):
        texts(Indexes(database), base)


def test_many_threads_that_search_at_once_read_the_base_once(
    database: Database, user_id: str, loads: list[str]
) -> None:
    base, indexes = add(database, user_id, "docs", NAMED, many(50)), Indexes(database)
    done = at_once([lambda: len(indexes.search(base, EAST, {}, 7))] * 8)
    wait(done)
    assert [one.result() for one in done] == [7] * 8
    assert loads == [base.id]
