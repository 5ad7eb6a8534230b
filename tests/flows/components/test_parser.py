"""ParserComponent: records and tables become text."""

from typing import Any

import pytest

from flows.errors import VertexFailed
from flows.values import Data, Message, Table, Value
from tests.flows.components.producing import produce
from tests.making import node

TABLE = Table(("text", "n"), (("a", 1), ("b", 2)))

PARSED: dict[str, tuple[Value, str]] = {
    "a record": (Data({"text": "a"}), "Text: a"),
    "a table, row by row": (TABLE, "Text: a\nText: b"),
    "plain JSON": ({"text": "a"}, "Text: a"),
    "a list of records": ([{"text": "a"}, {"text": "b"}], "Text: a\nText: b"),
    "a message": (Message("a"), "Text: a"),
    "a text": ("a", "Text: a"),
    "a record without the entry": (Data({"n": 1}), "Text: "),
    "an entry that is no text": ({"text": {"n": 1}}, 'Text: {"n":1}'),
    "a table without rows": (Table(("text",)), ""),
}


def parsed(value: Value, **fields: Any) -> Value:
    return produce(node("ParserComponent", "p", **fields), input_data=value).outputs("p")["parsed_text"]


@pytest.mark.parametrize("case", PARSED)
def test_the_pattern_is_filled_for_every_record(case: str) -> None:
    value, text = PARSED[case]
    assert parsed(value) == Message(text)


def test_pattern_and_separator_are_fields() -> None:
    assert parsed(TABLE, pattern="{n}={text}", sep="; ") == Message("1=a; 2=b")


def test_a_value_that_looks_like_a_variable_is_not_filled_again() -> None:
    assert parsed({"text": "{n}", "n": 1}) == Message("Text: {n}")


@pytest.mark.parametrize(("value", "text"), [(Data({"text": "a"}), "a"), (["a", {"n": 1}], 'a\n{"n":1}')])
def test_stringify_takes_the_input_as_it_is(value: Value, text: str) -> None:
    assert parsed(value, mode="Stringify") == Message(text)


def test_an_input_without_records_fails() -> None:
    with pytest.raises(VertexFailed, match="a parser reads Data, JSON or a Table, not int"):
        parsed(5)


def test_an_unknown_mode_fails() -> None:
    with pytest.raises(VertexFailed, match="field 'mode': Input should be 'Parser' or 'Stringify'"):
        parsed("a", mode="Guess")
