"""penstock/forms.py: values as people type them."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.values import Json
from penstock.forms import read_value, read_values

_SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    _SCALARS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(_VALUES)
def test_every_value_can_be_written_as_json(value: Json) -> None:
    assert read_value({}, orjson.dumps(value).decode()) == value


@given(st.text())
def test_a_text_is_itself_or_its_json(text: str) -> None:
    """A field that only holds texts never becomes anything else, and any text can be written."""
    assert isinstance(read_value({"type": "string"}, text), str)
    assert read_value({"type": "string"}, orjson.dumps(text).decode()) == text


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ({"type": "string"}, "17", "17"),
        ({"enum": ["1", "2"]}, "1", "1"),
        ({"enum": [1, 2]}, "1", 1),
        ({"type": ["string", "integer"]}, "17", 17),
        ({"type": "number"}, "much", "much"),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "boolean"}, "no", False),
        ({"type": "boolean"}, "true", True),
        ({}, "yes", "yes"),
    ],
)
def test_the_field_says_how_a_text_is_read(field: dict[str, Any], text: str, value: Json) -> None:
    """What does not fit stays what was typed, for the check to name."""
    read = read_value(field, text)
    assert (read, type(read)) == (value, type(value))


def test_a_field_that_no_form_names_is_read_as_it_looks() -> None:
    assert read_values(None, {"a": "1", "b": "one"}) == {"a": 1, "b": "one"}
    assert read_values({"properties": {"a": True}}, {"a": "1"}) == {"a": 1}
