import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.cursor import START, Cursor

numbers = st.integers(0, 10**15 - 1)
cursors = st.builds(Cursor, numbers, numbers)


@given(cursors)
def test_a_cursor_is_read_back_from_either_form(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor
    assert Cursor.parse(cursor.stream_id) == cursor


@given(cursors, cursors)
def test_cursors_are_ordered_as_the_log_is(one: Cursor, other: Cursor) -> None:
    assert (one < other) == ((one.seq, one.delta) < (other.seq, other.delta))


@given(cursors)
def test_a_milestone_is_written_as_its_number_alone(cursor: Cursor) -> None:
    assert cursor.is_milestone == str(cursor).isdigit()


def test_the_log_begins_before_its_first_event() -> None:
    assert START < Cursor(0, 1) < Cursor(1) < Cursor(1, 1) < Cursor(2)


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        " ",
        "a",
        "-1",
        "1-",
        "-",
        "1-2-3",
        "1.5",
        "+1",
        "1 ",
        "1\n",
        "0x1",
        "1_0",
        "1" * 16,
        "1-" + "1" * 16,
        "٣",
    ],
)
def test_what_no_log_ever_gave_out_is_no_cursor(written: str | None) -> None:
    """Contract 1.4."""
    assert Cursor.parse(written) is None


@given(st.text())
def test_no_text_breaks_the_reading_of_a_cursor(written: str) -> None:
    cursor = Cursor.parse(written)
    assert cursor is None or cursor >= START
