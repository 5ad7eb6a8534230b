"""penstock/client/events.py: frames as typed events."""

import json
from typing import get_args

import pytest

from flows.events import EventType, lifecycle, token
from penstock.client.events import MODELS, Cancelled, Event, Token, UnknownEvent, read_event
from web.protocols.langflow_frames import Frame, LangflowFrame


def test_every_type_of_event_has_a_model() -> None:
    assert set(MODELS) == set(EventType)


@pytest.mark.parametrize("described", get_args(get_args(LangflowFrame)[0]))
def test_a_model_reads_what_the_server_describes(described: type[Frame]) -> None:
    """Each field of a client's event is one that the server describes in the event of that type."""
    [event] = get_args(described.model_fields["event"].annotation)
    sent = described.model_fields["data"].annotation
    assert sent is not None
    told = getattr(sent, "model_fields", {})
    assert set(MODELS[event].model_fields) - set(Event.model_fields) <= set(told)


def test_an_event_knows_its_place() -> None:
    read = read_event(token("Hel", "m1").encode().decode(), "7-3")
    assert isinstance(read, Token)
    assert (read.cursor, read.chunk, read.is_terminal) == ("7-3", "Hel", False)


def test_an_end_that_the_flow_did_not_come_to() -> None:
    read = read_event(lifecycle(EventType.CANCELLED, "Stopped.").encode().decode(), "9")
    assert isinstance(read, Cancelled)
    assert (read.message, read.is_terminal) == ("Stopped.", True)


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "teleported", "data": {"to": "x"}},
        {"event": "token", "data": {"chunk": 7}},
        {"event": "token", "data": None},
        {"data": []},
    ],
)
def test_what_a_newer_server_sends_is_no_error(frame: dict[str, object]) -> None:
    """It is an event that is not known, with all that was sent."""
    read = read_event(json.dumps(frame), "3")
    assert type(read) is UnknownEvent
    assert json.loads(read.frame) == frame


def test_a_field_that_is_not_known_is_left_out() -> None:
    read = read_event('{"event": "token", "data": {"chunk": "a", "id": "m", "new": 1, "cursor": "9"}}', "3")
    assert isinstance(read, Token)
    assert (read.cursor, read.data["new"]) == ("3", 1)
