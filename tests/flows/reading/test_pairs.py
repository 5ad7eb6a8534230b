"""pairs.py: names and values in every form in which the editor and its edges have them."""

from typing import Any

import pytest

from flows.reading.pairs import MAX_PAIRS, header_pairs, pairs
from flows.values import Data, Json, Table

READ: dict[str, tuple[Any, dict[str, Json]]] = {
    "nothing": (None, {}),
    "an empty text": ("", {}),
    "the editor's table": ([{"key": "a", "value": 1}, {"key": " b ", "value": "2"}], {"a": 1, "b": "2"}),
    "a row without a name": ([{"key": "", "value": 1}], {}),
    "a row without a value": ([{"key": "a"}], {"a": None}),
    "two rows of one name": ([{"key": "a", "value": 1}, {"key": "a", "value": 2}], {"a": 2}),
    "a table": (Table(("key", "value"), (("a", 1),)), {"a": 1}),
    "a record": (Data({"a": 1}), {"a": 1}),
    "plain JSON": ({"a": 1}, {"a": 1}),
    "several records": ([Data({"a": 1}), Data({"b": 2})], {"a": 1, "b": 2}),
}


@pytest.mark.parametrize("case", READ)
def test_names_and_values_are_read_from_every_form(case: str) -> None:
    given, read = READ[case]
    assert pairs(given) == read


@pytest.mark.parametrize("given", ["a=1", 5, [{"name": "a"}], [1], Table(("name",), (("a",),))])
def test_what_has_no_names_and_values_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"give a table of names and values|has no 'key'"):
        pairs(given)


def test_there_are_so_many_pairs_at_most() -> None:
    """I10."""
    with pytest.raises(ValueError, match=f"more than {MAX_PAIRS} names"):
        pairs({str(number): number for number in range(MAX_PAIRS + 1)})


def test_the_values_of_headers_are_texts() -> None:
    assert header_pairs({"X-Count": 3, "X-Name": " a "}) == {"X-Count": "3", "X-Name": "a"}


@pytest.mark.parametrize("name", ["a b", "a:b", "Grüße", "a\r\nb", "Host", "content-length", "Transfer-Encoding"])
def test_a_header_that_cannot_be_sent_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"is no name of a header|is set by itself"):
        header_pairs({name: "a"})


@pytest.mark.parametrize("value", ["canary\r\nX-More: 1", "canary\x00", "canary ü"])
def test_a_value_that_cannot_be_sent_is_refused_without_repeating_it(value: str) -> None:
    """It may be a secret (I8)."""
    with pytest.raises(ValueError, match="'X-Key' has a value that is no plain text") as caught:
        header_pairs({"X-Key": value})
    assert "canary" not in str(caught.value)
