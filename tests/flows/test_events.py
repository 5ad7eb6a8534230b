"""flows/events.py: the events of a job and the frames that are stored of them."""

import json

import pytest

from flows import events
from flows.events import DELTAS, LIFECYCLE, TERMINAL, Event, EventType


@pytest.mark.parametrize(
    ("event", "frame"),
    [
        (events.build_start(), {"event": "build_start", "data": {}}),
        (
            events.vertices_sorted(["a"], ["b", "a"]),
            {"event": "vertices_sorted", "data": {"ids": ["a"], "to_run": ["b", "a"]}},
        ),
        (events.token("Hi", "m1", 3), {"event": "token", "data": {"chunk": "Hi", "id": "m1", "at": 3}}),
        (events.warning("Mind."), {"event": "warning", "data": {"message": "Mind."}}),
    ],
)
def test_a_frame_is_an_event_and_its_data(event: Event, frame: dict[str, object]) -> None:
    assert json.loads(event.encode()) == frame


@pytest.mark.parametrize("kind", sorted(LIFECYCLE))
def test_an_end_that_the_flow_did_not_come_to_says_its_type_beside_the_envelope(kind: EventType) -> None:
    """So does a row of Langflow's, which a client reads without an envelope."""
    frame = json.loads(events.lifecycle(kind, "Stopped.").encode())
    assert (frame["type"], frame["event"], frame["data"]) == (kind, kind, {"message": "Stopped."})


@pytest.mark.parametrize("kind", EventType)
def test_an_event_ends_the_job_or_is_live_only_or_neither(kind: EventType) -> None:
    assert not (kind in DELTAS and kind in TERMINAL)
    assert Event(kind, {}).terminal is (kind in TERMINAL)
