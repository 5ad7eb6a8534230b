"""ChatOutput: where a flow shows its answer."""

from typing import Any

import pytest

from flows.errors import VertexFailed
from flows.values import Data, Message, Source, Table, Usage, Value
from tests.flows.components.producing import produce
from tests.making import node


def shown(value: Value, **fields: Any) -> str:
    journal = produce(node("ChatOutput", "out", **fields), input_value=value)
    message = journal.outputs("out")["message"]
    assert isinstance(message, Message)
    return message.text


TABLE = Table(("name", "note"), (("Ada", "one\n\n\ntwo"), ("", None), ("Bo|b", 2)))

TEXTS: dict[str, tuple[Value, str]] = {
    "a message": (Message("Hi"), "Hi"),
    "an empty message": (Message(""), ""),
    "a text": ("Hi", "Hi"),
    "a record with text": (Data({"text": "Hi", "n": 1}), "Hi"),
    "a record with a text key": (Data({"body": "Hi"}, text_key="body"), "Hi"),
    "a record without text": (Data({"n": 1}), '{\n  "n": 1\n}'),
    "plain JSON": ({"n": 1}, '{"n":1}'),
    "a number": (3.5, "3.5"),
    "nothing": (None, ""),
    "a list": ([{"n": 1}, "two"], '{"n":1}\ntwo'),
    "a table, cleaned": (TABLE, "| name | note |\n| --- | --- |\n| Ada | one two |\n| Bo\\|b | 2 |"),
    "a table without columns": (Table(), ""),
}


@pytest.mark.parametrize("case", TEXTS)
def test_every_value_has_its_text(case: str) -> None:
    value, text = TEXTS[case]
    assert shown(value) == text


def test_a_record_fills_the_template() -> None:
    assert shown(Data({"name": "Ada", "n": 1}), data_template="{name}: {n}{gone}") == "Ada: 1"


def test_a_table_that_is_not_cleaned_keeps_its_empty_rows() -> None:
    assert shown(TABLE, clean_data=False).splitlines()[3] == "|  |  |"


def test_the_answer_is_the_machines_and_names_the_vertex_it_came_from() -> None:
    journal = produce(node("ChatOutput", "out"), input_value=Message("Hi", "User", "Ada", "other"))
    assert journal.outputs("out")["message"] == Message(
        "Hi", "Machine", "AI", "s2", source=Source("input_value", "Step", "Step")
    )


def test_a_message_keeps_the_source_usage_and_files_it_brings() -> None:
    model, usage = Source("m", "Language Model", "gpt"), Usage(1, 2)
    journal = produce(node("ChatOutput", "out"), input_value=Message("Hi", files=("a.png",), source=model, usage=usage))
    message = journal.outputs("out")["message"]
    assert isinstance(message, Message)
    assert (message.source, message.usage, message.files) == (model, usage, ("a.png",))


def test_the_answer_is_stored_unless_its_field_says_not() -> None:
    asked = produce(node("ChatOutput", "out"), input_value="Hi")
    assert [record.message.text for record in asked.messages] == ["Hi"]
    assert produce(node("ChatOutput", "out", should_store_message=False), input_value="Hi").messages == []


def test_an_output_that_nothing_feeds_fails() -> None:
    with pytest.raises(VertexFailed, match="field 'input_value': Field required"):
        produce(node("ChatOutput", "out"))
