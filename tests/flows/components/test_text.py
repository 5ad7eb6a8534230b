"""TextInput, TextOutput and Pass: texts that stand in a flow, leave it, or go through it."""

import pytest

from flows.events import EventType
from flows.values import Data, Message
from tests.flows.components.producing import produce
from tests.making import node


@pytest.mark.parametrize("kind", ["TextInput", "TextOutput"])
def test_a_text_is_passed_on(kind: str) -> None:
    assert produce(node(kind, "t", input_value="Hi")).outputs("t") == {"text": Message("Hi")}
    assert produce(node(kind, "t"), input_value=Data({"text": "Hi"})).outputs("t") == {"text": Message("Hi")}


@pytest.mark.parametrize("kind", ["TextInput", "TextOutput", "Pass"])
def test_nothing_of_it_is_said_in_the_chat(kind: str) -> None:
    journal = produce(node(kind, "t"))
    assert (journal.messages, journal.of_type(EventType.ADD_MESSAGE)) == ([], [])


def test_a_text_output_is_an_answer_of_the_flow() -> None:
    [output] = produce(node("TextOutput", "t", input_value="Hi")).of_type(EventType.OUTPUT)
    assert (output.data["type"], output.data["content"]) == ("message", "Hi")


def test_a_message_passes_unchanged() -> None:
    message = Message("Hi", sender="User", files=("a.png",))
    assert produce(node("Pass", "p"), input_message=message, ignored_message="x").outputs("p") == {
        "output_message": message
    }


def test_what_passes_becomes_a_message() -> None:
    assert produce(node("Pass", "p"), input_message={"n": 1}).outputs("p") == {"output_message": Message('{"n":1}')}
