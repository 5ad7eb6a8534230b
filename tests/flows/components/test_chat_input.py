"""ChatInput: where the text of the request enters a flow."""

from typing import Any

import pytest

from flows.run import RunRequest
from flows.values import Message
from tests.flows.components.producing import produce
from tests.flows.running import request
from tests.making import node


def said(asked: RunRequest | None = None, **values: Any) -> Message:
    journal = produce(node("ChatInput", "in", **values), asked=asked)
    message = journal.outputs("in")["message"]
    assert isinstance(message, Message)
    return message


def test_it_says_the_text_of_the_request() -> None:
    assert said() == Message("hello", "User", "User", "s2")


def test_it_says_its_own_text_when_the_request_has_none() -> None:
    assert said(request(""), input_value="stored").text == "stored"
    assert said(request("asked"), input_value="stored").text == "asked"


def test_its_fields_stand_before_the_request() -> None:
    message = said(session_id="own", context_id="c", sender="Robot", sender_name="R")
    assert message == Message("hello", "Robot", "R", "own", "c")


@pytest.mark.parametrize(
    ("asked", "stored", "files"),
    [
        (("a.png",), "", ("a.png",)),
        (("a.png",), ["b.png"], ("a.png",)),
        ((), ["b.png", ""], ("b.png",)),
        ((), "b.png", ("b.png",)),
        ((), "", ()),
        ((), None, ()),
    ],
)
def test_files_come_with_the_request_or_stand_in_the_field(
    asked: tuple[str, ...], stored: Any, files: tuple[str, ...]
) -> None:
    assert said(request(files=asked), files=stored).files == files


def test_what_it_says_is_shown_and_stored_unless_its_field_says_not() -> None:
    asked = produce(node("ChatInput", "in"))
    assert [record.message.text for record in asked.messages] == ["hello"]
    assert produce(node("ChatInput", "in", should_store_message=False)).messages == []
