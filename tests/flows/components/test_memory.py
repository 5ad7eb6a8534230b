"""Memory (Message History): what was said before in the session."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from flows.errors import VertexFailed
from flows.events import EventType
from flows.graph import Graph
from flows.memory import MAX_MESSAGES, Speaker
from flows.text import MAX_TEXT
from flows.values import Data, Message, Table, Value
from tests.flows.components.producing import produce
from tests.flows.remembering import Session, remembering, says
from tests.flows.running import RecordingJournal, request, run, tools
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import PLAIN, TEXT, Exported, Shape

SHAPE = Shape(
    "Message History",
    {
        "mode": {"type": "tab", "value": "Retrieve"},
        "message": TEXT,
        "n_messages": {"type": "int", "value": 100},
        "order": PLAIN | {"value": "Ascending"},
        "sender_type": PLAIN | {"value": "Machine and User"},
        "sender": TEXT,
        "sender_name": TEXT,
        "session_id": TEXT,
        "context_id": TEXT,
        "template": TEXT | {"value": "{sender_name}: {text}"},
    },
    {"messages_text": ["Message"], "dataframe": ["Table"]},
)
STORING = Shape("Message History", SHAPE.fields, {"stored_messages": ["Message"]})


def session() -> Session:
    return Session(says("Hi", files=["u/a.png"]), says("Hello, Ann", "Machine", "AI"), says("Bye"))


def retrieved(said: Session | None = None, **fields: Any) -> Mapping[str, Value]:
    asked = node("Memory", "m", shape=SHAPE, **fields)
    return produce(asked, borrowed=remembering(said or session())).outputs("m")


def stored(message: Value, **fields: Any) -> RecordingJournal:
    storing = node("Memory", "m", shape=STORING, mode="Store", **fields)
    return produce(storing, borrowed=remembering(session()), message=message)


def test_messages_come_as_text_and_as_a_table() -> None:
    assert retrieved() == {
        "messages_text": Message("Ann: Hi\nAI: Hello, Ann\nAnn: Bye"),
        "dataframe": Table(
            ("id", "timestamp", "sender", "sender_name", "session_id", "text", "files"),
            (
                ("m1", "2026-11-22 17:50:11.274457 UTC", "User", "Ann", "s2", "Hi", ["u/a.png"]),
                ("m2", "2026-11-22 17:51:11.274457 UTC", "Machine", "AI", "s2", "Hello, Ann", []),
                ("m3", "2026-11-22 17:52:11.274457 UTC", "User", "Ann", "s2", "Bye", []),
            ),
        ),
    }


def test_a_session_in_which_nothing_was_said_is_empty() -> None:
    columns = ("id", "timestamp", "sender", "sender_name", "session_id", "text", "files")
    assert retrieved(Session()) == {"messages_text": Message(""), "dataframe": Table(columns)}
    assert produce(node("Memory", "m", shape=SHAPE), borrowed=tools()).outputs("m")["messages_text"] == Message("")


def test_the_newest_come_first_where_the_order_says_so() -> None:
    """The newest are meant either way."""
    for order, text in (("Ascending", "AI: Hello, Ann\nAnn: Bye"), ("Descending", "Ann: Bye\nAI: Hello, Ann")):
        assert retrieved(n_messages=2, order=order)["messages_text"] == Message(text)


def test_no_messages_are_wanted_and_none_are_asked_for() -> None:
    said = session()
    assert retrieved(said, n_messages=0)["messages_text"] == Message("")
    assert said.asked == []


@pytest.mark.parametrize(
    ("fields", "speaker"),
    [
        ({}, Speaker()),
        ({"sender_type": "Machine"}, Speaker("Machine")),
        ({"sender_type": "User", "sender_name": "Ann"}, Speaker("User", "Ann")),
        ({"sender": "User"}, Speaker()),
    ],
)
def test_the_speaker_is_asked_for_by_type_and_name(fields: Mapping[str, Any], speaker: Speaker) -> None:
    """`sender` is for storing only."""
    said = session()
    retrieved(said, n_messages=7, **fields)
    assert said.asked == [(7, speaker)]


def test_the_template_may_use_every_column() -> None:
    template = "{id} {sender}/{sender_name} {text} {files} {nothing} {"
    text = 'm1 User/Ann Hi ["u/a.png"]  {'
    assert retrieved(Session(says("Hi", files=["u/a.png"])), template=template)["messages_text"] == Message(text)


def test_what_a_message_says_is_not_filled_again() -> None:
    assert retrieved(Session(says("{sender}")))["messages_text"] == Message("Ann: {sender}")


def test_the_session_may_be_named_if_it_is_the_runs_own() -> None:
    assert retrieved(session_id="s2") == retrieved()
    with pytest.raises(VertexFailed, match="cannot read the session 's3': a run reads its own session only"):
        retrieved(session_id="s3")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"n_messages": -1}, "`n_messages` must lie between 0 and"),
        ({"n_messages": MAX_MESSAGES + 1}, "`n_messages` must lie between 0 and"),
        ({"n_messages": "many"}, "field 'n_messages'"),
        ({"order": "Sideways"}, "field 'order'"),
        ({"sender_type": "Dog"}, "field 'sender_type'"),
        ({"mode": "Forget"}, "field 'mode'"),
        ({"context_id": "c"}, "leave `context_id` empty"),
    ],
)
def test_what_cannot_be_retrieved_fails_with_what_to_do(fields: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(VertexFailed, match=reason):
        retrieved(**fields)


def test_the_text_grows_no_further_than_its_bound() -> None:
    said = Session(*(says("x" * 100_000) for _ in range(20)))
    with pytest.raises(VertexFailed, match=f"the text would grow beyond {MAX_TEXT} characters"):
        retrieved(said, template="{text}" * 6)


@pytest.mark.parametrize(
    ("message", "fields", "kept"),
    [
        (Message("Hi"), {}, Message("Hi", "Machine", "AI", "s2")),
        (says("Hi", files=["u/a.png"]), {}, Message("Hi", "User", "Ann", "s2", files=("u/a.png",))),
        (says("Hi"), {"sender": "Machine", "sender_name": "Bot"}, Message("Hi", "Machine", "Bot", "s2")),
        (says("Hi"), {"session_id": "s3"}, Message("Hi", "User", "Ann", "s3")),
        (Data({"text": "Hi"}), {}, Message("Hi", "Machine", "AI", "s2")),
    ],
)
def test_a_message_is_stored_without_being_shown(message: Value, fields: Mapping[str, Any], kept: Message) -> None:
    journal = stored(message, **fields)
    assert journal.outputs("m") == {"stored_messages": kept}
    assert [record.message for record in journal.messages] == [kept]
    assert journal.of_type(EventType.ADD_MESSAGE) == []


def test_nothing_is_stored_of_a_run_that_is_not_remembered() -> None:
    storing = node("Memory", "m", shape=STORING, mode="Store", message="Hi")
    journal = produce(storing, asked=replace(request(), is_remembered=False), borrowed=remembering(session()))
    assert journal.outputs("m") == {"stored_messages": Message("Hi", "Machine", "AI", "s2")}
    assert journal.messages == []


def test_a_history_from_the_palette_fills_a_prompt(load: Callable[[Exported], Graph]) -> None:
    history, answered = from_palette("Memory.json", "m"), node("ChatOutput", "o")
    prompt = node("Prompt", "p", template="Before:\n{before}", before="")
    edges = [edge(history, "messages_text", prompt, "before"), edge(prompt, "prompt", answered, "input_value")]
    [answer] = run(load(flow([history, prompt, answered], edges)), borrowed=remembering(session())).messages
    assert answer.message.text == "Before:\nAnn: Hi\nAI: Hello, Ann\nAnn: Bye"
