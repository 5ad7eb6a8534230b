"""Texts as vectors: by their words, in batches, and of length 1."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import embedding
from flows.embedding import DIMENSIONS, EmbeddingUnusable, batches, hashed, numbers_of, unit


def nearness(question: str, text: str) -> float:
    asked, told = (numbers_of(vector) for vector in hashed([question, text]))
    return sum(one * other for one, other in zip(asked, told, strict=True))


def test_a_text_is_nearest_to_the_question_that_shares_most_words_with_it() -> None:
    texts = ["A refund is paid within five days.", "We ship to Norway and Chile.", "The office closes at noon."]
    for question, place in [("How do refunds work?", 0), ("SHIPPING to Chile", 1), ("When is the office open?", 2)]:
        scores = [nearness(question, text) for text in texts]
        assert scores.index(max(scores)) == place


def test_words_are_embedded_the_same_in_every_process() -> None:
    """What one has stored another one finds: no seed, no memory."""
    [vector] = hashed(["Hello"])
    found = {place: round(number, 3) for place, number in enumerate(numbers_of(vector)) if number}
    assert found == {62: 0.333, 170: -0.333, 231: 0.333, 495: 0.333, 759: -0.667, 958: -0.333}


@given(st.text())
def test_any_text_has_a_vector_of_length_one_unless_it_has_no_words(text: str) -> None:
    [vector] = hashed([text])
    assert len(vector) == DIMENSIONS * 4
    length = math.sqrt(sum(number**2 for number in numbers_of(vector)))
    assert length == pytest.approx(1 if any(letter.isalnum() or letter == "_" for letter in text) else 0, abs=1e-3)


def test_how_often_a_word_comes_counts_less_and_less() -> None:
    once, thrice, often = (nearness("refund", "refund " * times + "norway chile peru") for times in (1, 3, 9))
    assert once < thrice < often
    assert thrice - once > (often - thrice) / 2


@pytest.mark.parametrize("numbers", [[math.nan, 1.0], [math.inf, 1.0]])
def test_what_is_no_number_is_no_embedding(numbers: list[float]) -> None:
    with pytest.raises(EmbeddingUnusable):
        unit(numbers)


@given(st.lists(st.text(max_size=30)), st.integers(1, 5))
def test_batches_hold_every_text_once_in_order_and_are_not_too_large(texts: list[str], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedding, "MAX_BATCH_TEXT", 40)
        found = list(batches(texts, most))
    assert [text for batch in found for text in batch] == texts
    assert all(0 < len(batch) <= most and (len(batch) == 1 or sum(map(len, batch)) <= 40) for batch in found)
