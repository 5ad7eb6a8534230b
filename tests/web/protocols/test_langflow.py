"""The protocol `langflow`: every byte with graph state; without it nothing that tells of the graph (contract 3.1)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from flows.events import (
    LIFECYCLE,
    Event,
    EventType,
    add_message,
    build_start,
    end,
    error,
    human_input_expired,
    human_input_reminder,
    human_input_required,
    human_input_resolved,
    lifecycle,
    log,
    remove_message,
    run_recovered,
    run_suspended,
    token,
    vertices_sorted,
    warning,
)
from flows.messages import MessageRecord
from flows.values import Message, Source
from storage.cursor import Cursor
from storage.stream import Entry
from web.protocols.langflow import LangflowProjection
from web.protocols.place import BEGINNING
from web.protocols.projection import View

BLANK = {"id": None, "display_name": None, "source": None}


def record(category: str = "message") -> MessageRecord:
    source = Source("ChatInput-a1", "Chat Input", "Chat Input")
    message = Message("hello \u2028 ChatInput-a1", "Machine", "AI", "s", source=source)
    return MessageRecord("m", "j", "f", datetime(2026, 11, 22, tzinfo=UTC), message, category=category)


def output(**metadata: Any) -> Event:
    shown = {"component_type": "ChatOutput", **metadata}
    return Event(EventType.OUTPUT, {"type": "message", "metadata": shown, "component_id": "ChatOutput-b1"})


EVENTS: Sequence[Event] = (
    vertices_sorted(["a"], ["a", "b"]),
    build_start(),
    run_recovered(["a"], 2),
    remove_message("m"),
    add_message(record()),
    Event(EventType.END_VERTEX, {"build_data": {"id": "a"}, "output_meta": {}}),
    output(),
    output(is_output=False),
    warning("careful"),
    error(record("error")),
    end("completed", 1.0),
    *(lifecycle(kind, "over") for kind in sorted(LIFECYCLE)),
    run_suspended(paused=True),
    human_input_required({"request_id": "r"}),
    human_input_reminder("r", "2026-11-26T00:00:00+00:00"),
    human_input_resolved("r", {"action_id": "approve"}, "somebody", "2026-11-26T00:00:00+00:00", late=False),
    human_input_expired("r", "fallback"),
    token("to", "m"),
    log("a", "log", "line"),
)


def entry(event: Event) -> Entry:
    return Entry(Cursor(1), event.type, event.encode(), event.terminal)


def projected(event: Event, *, exposed: bool) -> list[bytes]:
    seen = LangflowProjection(View(exposed, "j", "s", "j"), BEGINNING).seen(entry(event))
    return [] if seen is None else [seen]


def test_all_types_are_tried() -> None:
    """Every type of event stands in the table of these tests."""
    assert {event.type for event in EVENTS} == set(EventType)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_with_graph_state_every_byte_is_relayed(event: Event) -> None:
    """What the worker encoded is what a client gets."""
    assert projected(event, exposed=True) == [event.encode()]


@pytest.mark.parametrize("exposed", [True, False])
def test_that_a_run_waits_for_a_person_is_told_by_the_end_of_the_stream(exposed: bool) -> None:
    """As Langflow's clients know it (contract 4.2)."""
    assert projected(run_suspended(paused=False), exposed=exposed) == []


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_without_graph_state(event: Event) -> None:
    """The graph is not told of, messages do not name who sent them, and all else is relayed as it is."""
    frames = projected(event, exposed=False)
    if event.type in ("vertices_sorted", "run_recovered", "end_vertex", "log") or event == output(is_output=False):
        assert frames == []
    elif event.type in ("add_message", "error"):
        assert [orjson.loads(frame) for frame in frames] == [_without_sources(event)]
    else:
        assert frames == [event.encode()]


@pytest.mark.parametrize("event", [add_message(record()), error(record("error"))], ids=lambda event: event.type)
def test_a_source_is_named_nowhere(event: Event) -> None:
    """Neither copy of a message has the component's name left, nor anything else of it but the text."""
    [frame] = projected(event, exposed=False)
    assert b"Chat Input" not in frame
    assert frame.count(b"ChatInput-a1") == 2, "the text stands in both copies"


def test_the_terminal_event_always_comes() -> None:
    """A client that may see nothing of the graph still learns that the run is over."""
    assert all(projected(event, exposed=False) for event in EVENTS if event.terminal)


def _without_sources(event: Event) -> dict[str, Any]:
    frame: dict[str, Any] = orjson.loads(event.encode())
    for copy in (frame["data"], frame["data"]["data"]):
        copy["properties"]["source"] = BLANK
    return frame
