"""flows/text.py: templates that are filled."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.text import fill

VARIABLE = re.compile(r"\{(\w+)\}")


@given(st.text(alphabet="{}ab "), st.text())
def test_filling_is_substitution(template: str, value: str) -> None:
    assert fill(template, VARIABLE, lambda found: value) == VARIABLE.sub(lambda found: value, template)


def test_a_text_that_would_grow_too_large_is_refused() -> None:
    """Before it is put together (I10)."""
    with pytest.raises(ValueError, match="would grow beyond"):
        fill("{x}" * 1_000, VARIABLE, lambda found: "y" * 100, limit=5_000)
