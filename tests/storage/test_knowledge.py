"""Knowledge bases: what is added is added once and whole, and never mixed with another embedding."""

from dataclasses import replace
from typing import Any

import pytest

from flows.knowledge import Base, KnowledgeRefused, OtherEmbedding
from storage import knowledge
from storage.auditing import Action, Actor, DeedFilter, deeds
from storage.database import Database
from storage.knowledge import add, delete_base, find_base, held, list_bases, read_chunks, read_vectors
from tests.storage.learning import NAMED, chunk, many
from tests.storage.situations import another_user, at_once, contents
from tests.web.refusing import changes_nothing

ANN = Actor("ann-1", "ann")


def stored_texts(database: Database, base: Base) -> list[str]:
    return [found.text for found in read_chunks(database, base.id, range(base.chunks)).values()]


def added(database: Database, user_id: str, *texts: str, name: str = "docs") -> Base:
    return add(database, user_id, name, NAMED, [chunk(text) for text in texts])


def test_the_first_addition_makes_the_base(database: Database, user_id: str) -> None:
    base = add(database, user_id, "docs", NAMED, [chunk("one", 3, 4, tag="x"), chunk("two", 0, 1)])
    assert find_base(database, user_id, "docs") == base
    assert (base.name, base.embedding, base.dimensions, base.revision, base.chunks) == ("docs", NAMED, 2, 1, 2)
    first, second = read_chunks(database, base.id, [0, 1]).values()
    assert (first.text, first.metadata, second.text, second.score) == ("one", {"tag": "x"}, "two", None)
    assert [(number, details) for number, _, details in read_vectors(database, base.id)] == [
        (0, '{"tag":"x"}'),
        (1, "{}"),
    ]
    assert [vector for _, vector, _ in read_vectors(database, base.id)] == [first.vector, second.vector]


def test_what_is_added_again_changes_nothing(database: Database, user_id: str) -> None:
    """After a crash the same vertex adds the same chunks: none is there twice, and no process loads anything anew."""
    once = added(database, user_id, "one", "two")
    again = added(database, user_id, "one", "two")
    assert again == once
    assert stored_texts(database, again) == ["one", "two"]


def test_only_what_is_new_is_added_under_the_next_revision(database: Database, user_id: str) -> None:
    first = added(database, user_id, "one", "two")
    second = added(database, user_id, "two", "three", "three")
    assert (second.id, second.revision, second.chunks) == (first.id, first.revision + 1, 3)
    assert stored_texts(database, second) == ["one", "two", "three"]
    assert held(database, second.id, ["one", "three", "four"]) == {"one", "three"}


def test_those_who_add_at_the_same_moment_add_each_text_once(database: Database, user_id: str) -> None:
    """They make one base, and every text has a place of its own."""
    same = many(20)
    attempts = [
        lambda start=start: add(database, user_id, "docs", NAMED, [*same, *many(5, start)]) for start in (50, 60)
    ]
    for done in at_once(attempts * 2):
        done.result()
    [base] = list_bases(database, user_id)
    assert base.chunks == 30
    texts = stored_texts(database, base)
    assert len(texts) == len(set(texts)) == 30


def test_a_batch_larger_than_one_statement_is_added_whole_and_read_in_order(
    database: Database, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knowledge, "AT_ONCE", 7)
    base = add(database, user_id, "docs", NAMED, many(21))
    assert [number for number, _, _ in read_vectors(database, base.id)] == list(range(21))
    assert list(read_chunks(database, base.id, [20, 3, 99])) == [20, 3]
    assert held(database, base.id, [f"text {number}" for number in range(30)]) == {f"text {n}" for n in range(21)}


@pytest.mark.parametrize("other", [{"embedding": "another-model"}, {"numbers": (1.0, 2.0, 3.0)}], ids=str)
def test_another_embedding_is_refused_and_nothing_is_added(
    database: Database, user_id: str, other: dict[str, Any]
) -> None:
    """Or another number of dimensions under the same name."""
    added(database, user_id, "one")
    new = chunk("two", *other.get("numbers", (1.0, 0.0)))
    with changes_nothing(database), pytest.raises(OtherEmbedding, match=r"made with the embedding 'a-model \(2\)'"):
        add(database, user_id, "docs", other.get("embedding", NAMED), [chunk("one"), new])


@pytest.mark.parametrize("bound", ["MAX_CHUNKS", "MAX_BYTES"])
def test_a_base_that_would_grow_too_large_stays_as_it_is(
    database: Database, user_id: str, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """I10."""
    base = added(database, user_id, "one", "two")
    monkeypatch.setattr(knowledge, bound, {"MAX_CHUNKS": 3, "MAX_BYTES": base.bytes + 20}[bound])
    with changes_nothing(database), pytest.raises(KnowledgeRefused, match="'docs' would have more than"):
        added(database, user_id, "three", "four")


def test_the_bytes_of_a_base_are_those_of_all_it_holds(database: Database, user_id: str) -> None:
    base = add(database, user_id, "docs", NAMED, [chunk("é", 1, 2, a=1)])
    assert base.bytes == len("é".encode()) + len('{"a":1}') + 2 * 4


def test_a_user_has_so_many_bases_at_most(database: Database, user_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10: those that are there still grow."""
    monkeypatch.setattr(knowledge, "MOST", 1)
    added(database, user_id, "one")
    with changes_nothing(database), pytest.raises(KnowledgeRefused, match="1 knowledge bases"):
        added(database, user_id, "one", name="more")
    assert added(database, user_id, "two").chunks == 2
    assert added(database, another_user(database), "one").chunks == 1


def test_each_user_has_bases_of_their_own(database: Database, user_id: str) -> None:
    """I9: of the same name too."""
    other = another_user(database)
    mine, theirs = added(database, user_id, "mine"), added(database, other, "theirs")
    assert mine.id != theirs.id
    assert list_bases(database, user_id) == [mine]
    assert not delete_base(database, other, "another name", ANN)
    assert delete_base(database, other, "docs", ANN)
    assert find_base(database, other, "docs") is None
    assert stored_texts(database, mine) == ["mine"]


def test_a_deleted_base_leaves_nothing_and_its_name_may_be_used_again(database: Database, user_id: str) -> None:
    """With another embedding, under another id."""
    old = added(database, user_id, "one")
    assert delete_base(database, user_id, "docs", ANN)
    assert contents(database)["knowledge_chunks"] == []
    [entry] = deeds(database, DeedFilter(action=Action.KNOWLEDGE_DELETED))
    assert (entry.subject, entry.user_name) == ("docs", "ann")
    new = add(database, user_id, "docs", "another-model", [chunk("one", 1, 2, 3)])
    assert (new.dimensions, new.revision, new.chunks) == (3, 1, 1)
    assert new.id != old.id


def test_a_text_with_a_nul_is_stored_without(database: Database, user_id: str) -> None:
    """PostgreSQL stores none."""
    base = add(database, user_id, "docs", NAMED, [replace(chunk("a\0b", note="c\0d"), digest="x")])
    [found] = read_chunks(database, base.id, [0]).values()
    assert (found.text, found.metadata) == ("ab", {"note": "c\0d"})
