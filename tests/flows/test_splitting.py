"""flows/splitting.py: a long text becomes chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.splitting import Keep, Splitter


def chunks(text: str, separator: str = " ", size: int = 5, overlap: int = 0, keep: Keep = Keep.NOWHERE) -> list[str]:
    return list(Splitter(separator, size, overlap, keep).split(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   ", []),
        ("a b c", ["a b c"]),
        ("a b c d", ["a b c", "d"]),
        ("aaaaaaa b", ["aaaaaaa", "b"]),
        ("a  b", ["a b"]),
        (" a b ", ["a b"]),
    ],
)
def test_pieces_are_put_together_up_to_the_size(text: str, expected: list[str]) -> None:
    """One that is longer stays whole; empty ones vanish."""
    assert chunks(text) == expected


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (0, ["a b c", "d e f"]),
        (1, ["a b c", "c d e", "e f"]),
        (3, ["a b c", "b c d", "c d e", "d e f"]),
    ],
)
def test_a_chunk_begins_with_the_end_of_the_one_before(overlap: int, expected: list[str]) -> None:
    assert chunks("a b c d e f", overlap=overlap) == expected


def test_an_overlap_makes_room_for_what_comes() -> None:
    """It is shorter than it may be rather than the chunk longer."""
    assert chunks("aa bb cccc", size=5, overlap=5) == ["aa bb", "cccc"]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [(Keep.NOWHERE, ["a", "b", "c"]), (Keep.START, ["a", "|b", "|c"]), (Keep.END, ["a|", "b|", "c"])],
)
def test_the_separator_stays_where_it_is_told_to(keep: Keep, expected: list[str]) -> None:
    assert chunks("a|b|c", "|", size=2, keep=keep) == expected


def test_without_a_separator_a_text_is_cut_anywhere() -> None:
    assert chunks("abcdefg", "", size=3, overlap=1) == ["abc", "cde", "efg"]


@pytest.mark.parametrize(
    ("size", "overlap", "reason"),
    [
        (0, 0, "`chunk_size` must be at least 1"),
        (5, 6, "`chunk_overlap` must lie between"),
        (5, -1, "must lie between"),
    ],
)
def test_sizes_that_no_chunk_can_have_are_refused(size: int, overlap: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Splitter(size=size, overlap=overlap)


@given(st.text("ab c|", max_size=60), st.integers(1, 12), st.integers(0, 12), st.sampled_from(Keep))
def test_no_word_is_lost_and_no_chunk_of_several_pieces_is_too_long(
    text: str, size: int, overlap: int, keep: Keep
) -> None:
    found = chunks(text, "|", size, min(overlap, size), keep)
    assert {word for chunk in found for word in chunk.replace("|", " ").split()} == set(text.replace("|", " ").split())
    longest = max((len(piece) for piece in text.split("|")), default=0) + 1
    assert all(len(chunk) <= max(size, longest) for chunk in found)


@given(st.text("abc", max_size=60), st.integers(1, 12))
def test_without_overlap_the_chunks_are_the_text(text: str, size: int) -> None:
    found = chunks(text, "", size)
    assert "".join(found) == text
    assert all(len(chunk) == size for chunk in found[:-1])
