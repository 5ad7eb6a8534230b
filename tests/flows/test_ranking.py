"""flows/ranking.py: how well texts answer a question, by the words that they share with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.ranking import rank

TEXTS = ["The cat sat.", "A dog ran home.", "The cat and the dog slept, and slept.", "Nobody came."]


def places(question: str, count: int = 10, texts: list[str] | None = None) -> list[int]:
    return [place for place, _ in rank(question, TEXTS if texts is None else texts, count)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("cat dog", [2, 0, 1]),
        ("CAT?", [0, 2]),
        ("where did the dog run home", [1, 2, 0]),
        ("zebra", []),
        ("", []),
        ("?!", []),
    ],
)
def test_texts_that_share_words_are_found_the_best_first(question: str, expected: list[int]) -> None:
    """One that shares none is not found."""
    assert places(question) == expected


def test_a_rare_word_counts_more() -> None:
    assert places("the came", texts=["the", "the", "the", "came"])[0] == 3


def test_the_later_of_two_alike_comes_first() -> None:
    assert places("cat", texts=["cat", "dog", "cat"]) == [2, 0]


def test_only_the_best_are_found() -> None:
    assert places("cat dog", 1) == [2]


@given(st.text("ab ?", max_size=12), st.lists(st.text("ab ?", max_size=12), max_size=6), st.integers(0, 8))
def test_whatever_is_asked_scores_fall_and_are_above_nothing(question: str, texts: list[str], count: int) -> None:
    found = rank(question, texts, count)
    scores = [score for _, score in found]
    assert len(found) <= count
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)
