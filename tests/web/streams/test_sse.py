"""Server-sent events on the wire (contract section 3), read by the letter of their standard."""

import json

import httpx
import pytest

from tests.reading import WORKFLOWS, Client
from tests.web.sse_parser import blocks, events

HOSTILE = "\u2028 \u2029 \x85 \r \n \r\n \x0b \x0c \x1c data: x\n\nid: 9\n\n 🙂 \ufeff é \x7f <&\"'"
"""Everything that somebody has taken for the end of a line, and what an event looks like."""


@pytest.fixture(scope="module")
def live(client: Client, echo: str) -> httpx.Response:
    """A run in mode stream whose texts would break a careless stream."""
    return client.http.post(WORKFLOWS, json={"flow_id": echo, "mode": "stream", "input_value": HOSTILE})


def test_the_headers(live: httpx.Response) -> None:
    """Nothing on the way may keep the stream back, and the job can be found again."""
    assert live.status_code == 200
    assert live.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert live.headers["cache-control"] == "no-cache"
    assert live.headers["x-accel-buffering"] == "no"
    assert live.headers["x-job-id"]


def test_the_time_to_come_back_stands_first(live: httpx.Response) -> None:
    """A browser learns at once how long it is to wait before it reconnects."""
    assert next(blocks(live.content)) == [("retry", "2000")]


def test_data_stand_before_the_id(live: httpx.Response) -> None:
    """Each event has data, then its id, and nothing else: clients look for the first line that starts with `data:`."""
    _, *rest = blocks(live.content)
    assert [[name for name, _ in fields] for fields in rest] == [["data", "id"]] * len(rest)


def test_every_text_comes_through(live: httpx.Response) -> None:
    """Line ends of every kind inside a text are no line ends of the stream."""
    frames = [json.loads(event["data"]) for event in events(live.content)]
    texts = [frame["data"]["text"] for frame in frames if frame["event"] == "add_message"]
    assert texts == [HOSTILE, HOSTILE]
    assert [frame["data"]["content"] for frame in frames if frame["event"] == "output"] == [HOSTILE]


def test_a_replay_is_what_was_live(client: Client, live: httpx.Response) -> None:
    """Byte for byte."""
    replayed = client.http.get(f"{WORKFLOWS}/{live.headers['x-job-id']}/events")
    assert replayed.content == live.content
    assert replayed.headers["x-job-id"] == live.headers["x-job-id"]


def test_ids_are_dense(live: httpx.Response) -> None:
    """From 1, without a gap."""
    ids = [event["id"] for event in events(live.content)]
    assert ids == [str(number) for number in range(1, len(ids) + 1)]


def test_whoever_asks_for_the_head_gets_no_more(client: Client, live: httpx.Response) -> None:
    """Of a log and of the feed: the status and the headers, and the connection is free for the next request."""
    for path in (f"{WORKFLOWS}/{live.headers['x-job-id']}/events", "/api/v2/human-requests/events"):
        answer = client.http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
