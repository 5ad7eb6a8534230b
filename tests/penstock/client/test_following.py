"""penstock/client/following.py: one job over any number of connections, each event once."""

from collections.abc import Iterator
from functools import cache

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.events import Event as Told
from flows.events import human_input_required, human_input_resolved
from penstock.client import calls
from penstock.client.errors import Busy, ConnectionLost, UnexpectedAnswer
from penstock.client.events import Event
from penstock.client.following import SILENCE_SECONDS, Following, Watch
from penstock.client.patience import Patience
from storage.cursor import Cursor
from tests.penstock.client.wires import HEADERS, JOB_ID, URL, Bytes, Logged, Mishap, Wire, log_of

mishaps = st.builds(
    Mishap,
    status=st.sampled_from([200, 200, 200, 200, 0, 429, 502, 503]),
    bytes=st.integers(0, 900),
    piece=st.sampled_from([1, 2, 7, 1_000]),
    breaks=st.booleans(),
    repeats=st.integers(0, 3),
)


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def least(low: float, high: float) -> float:
    """Dice that always fall the same way."""
    return low


def follow(wire: Wire, watch: Watch, clock: Clock | None = None, patience: float = 1e9) -> Iterator[Event]:
    """Drives a following against a server of bytes, as a client does, without sleeping."""
    clock = clock or Clock()
    following = Following(watch, Patience(patience, clock=clock, dice=least), clock=clock)
    while not following.is_over:
        clock.now += following.delay
        try:
            response = wire.handle(following.request().made(http()))
            if not following.opened(response):
                continue
            for sent in EventSource(response).iter_sse():
                event = following.heard(sent)
                if event is not None:
                    yield event
            following.ended()
        except httpx.TransportError as error:
            following.lost(error)


@cache
def http() -> httpx.Client:
    """What makes requests; nothing is sent by it."""
    return httpx.Client(base_url=URL)


@settings(max_examples=200, deadline=None)
@given(deltas=st.lists(st.integers(0, 3), max_size=5), mishaps=st.lists(mishaps, max_size=6))
def test_what_was_read_is_the_log(deltas: list[int], mishaps: list[Mishap]) -> None:
    """Cut off at any byte, in pieces of any size, refused, away or told twice: every event comes once, in order."""
    wire = Wire(log_of(deltas), mishaps)
    read = list(follow(wire, calls.stream("flow")))
    assert [(event.cursor, event.frame) for event in read] == [
        (str(logged.cursor), logged.event.encode().decode()) for logged in wire.log
    ]


@settings(max_examples=100, deadline=None)
@given(deltas=st.lists(st.integers(0, 3), max_size=5), mishaps=st.lists(mishaps, max_size=6))
def test_no_milestone_is_lost_when_deltas_are(deltas: list[int], mishaps: list[Mishap]) -> None:
    """A server that has forgotten its deltas still gives every milestone, and nothing twice."""
    wire = Wire(log_of(deltas), mishaps, forgets=True)
    read = [Cursor.parse(event.cursor) for event in follow(wire, calls.stream("flow"))]
    assert [place for place in read if place and place.is_milestone] == [
        logged.cursor for logged in wire.log if logged.cursor.is_milestone
    ]
    assert len(set(read)) == len(read)


@settings(deadline=None)
@given(mishaps=st.lists(mishaps, max_size=6))
def test_a_run_is_started_once(mishaps: list[Mishap]) -> None:
    """Until the job is known the very same request is sent, with one key; then never again."""
    wire = Wire(log_of([1]), mishaps)
    list(follow(wire, calls.stream("flow", "hello")))
    methods = [request.method for request in wire.requests]
    starts = [request.content for request in wire.requests if request.method == "POST"]
    assert methods == ["POST"] * len(starts) + ["GET"] * (len(methods) - len(starts))
    assert len(set(starts)) == 1
    assert b"idempotency_key" in starts[0]


def test_it_comes_back_when_the_server_says() -> None:
    """`retry:` is how long is waited after the first break; each further failure doubles it."""
    broken = [Mishap(bytes=10_000, breaks=True), Mishap(0), Mishap(0)]
    wire, clock = Wire(log_of([0])[:1], broken, retry=3_000), Clock()
    with pytest.raises(ConnectionLost):
        list(follow(wire, Watch(job_id=JOB_ID), clock, patience=20))
    assert clock.now == 3 + 6 + 10
    assert wire.requests[1].headers["last-event-id"] == "1"


ASKS = human_input_required(
    {"request_id": "a", "kind": "node_input", "prompt": "?", "options": [], "allowed_decisions": []}
)
ANSWERED = human_input_resolved("a", {}, "ada", "2026-11-26T12:00:00Z", late=False)


@pytest.mark.parametrize(("told", "waited"), [([ASKS], 0), ([ASKS, ANSWERED], 2)])
def test_a_pause_is_looked_into_at_once(told: list[Told], waited: float) -> None:
    """Where a request is open, the end of the answer is believed to be a pause, which the next answer confirms. Behind
    its decision, it is a server that goes down and has said when to come back."""
    clock = Clock()
    following = Following(Watch(job_id=JOB_ID), Patience(9, clock=clock, dice=least), clock=clock)
    blocks = [Logged(Cursor(seq), event).block for seq, event in enumerate(told, 1)]
    response = httpx.Response(200, headers=HEADERS, stream=Bytes([*blocks, b"retry: 2000\n\n"], breaks=False))
    following.request()
    assert following.opened(response)
    for sent in EventSource(response).iter_sse():
        following.heard(sent)
    following.ended()
    assert following.delay == waited
    assert not following.opened(httpx.Response(204))
    assert following.is_over


def test_a_server_that_stays_busy_is_told_as_such() -> None:
    """When patience is over, what the server said is raised, with its code."""
    with pytest.raises(Busy) as refused:
        list(follow(Wire([], [Mishap(429)] * 99), Watch(job_id=JOB_ID), patience=30))
    assert (refused.value.status, refused.value.code) == (429, "SERVICE_BUSY")


def test_what_streams_no_events_is_no_penstock() -> None:
    following = Following(Watch(job_id=JOB_ID), Patience(9))
    sent = httpx.Request("GET", f"{URL}/x")
    with pytest.raises(UnexpectedAnswer, match="Is it the URL of a Penstock"):
        following.opened(httpx.Response(200, text="<html>", request=sent))


def test_no_wait_is_shorter_than_none() -> None:
    """A time that runs out while it is counted is no time to wait, and no less: a thread cannot sleep for that."""
    moments = iter([0.0, 0.0, 0.0, 0.0, 0.999, 0.999, 1.001])
    following = Following(Watch(job_id=JOB_ID), Patience(9, clock=lambda: 0.0), 1.0, clock=lambda: next(moments))
    following.request()
    following.lost(httpx.ConnectError("away", request=httpx.Request("GET", URL)))
    assert following.delay == 0.0


def test_time_that_is_over_ends_it() -> None:
    """It reads no longer than it may, and does not call that a failure."""
    clock = Clock()
    following = Following(Watch(job_id=JOB_ID), Patience(1, clock=clock), seconds=30, clock=clock)
    assert following.request().read_seconds == SILENCE_SECONDS
    clock.now = 25
    assert following.request().read_seconds == 5
    clock.now = 30
    following.lost(httpx.ReadTimeout("silence", request=httpx.Request("GET", URL)))
    assert following.is_over


@pytest.mark.parametrize(("across", "query"), [(True, "follow"), (False, None)])
def test_a_cursor_and_a_pause_are_said_to_the_server(across: bool, query: str | None) -> None:
    watch = calls.attach("a/../b", "7-3", across_pauses=across)
    request = Following(watch, Patience(1)).request().made(http())
    assert request.url.raw_path.startswith(b"/api/v2/workflows/a%2F..%2Fb/events?")
    assert request.url.params.get("on_suspend") == query
    assert request.headers["last-event-id"] == "7-3"
