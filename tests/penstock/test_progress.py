"""penstock/progress.py: what is known of a run from its events."""

from collections.abc import Iterator

import pytest

import flows.components
from flows.errors import VertexFailed
from flows.events import (
    Event,
    EventType,
    add_message,
    build_start,
    end,
    error,
    human_input_expired,
    human_input_required,
    human_input_resolved,
    lifecycle,
    run_suspended,
    token,
    vertices_sorted,
)
from flows.graph import load_graph
from flows.limits import Limits
from flows.messages import MessageRecord
from flows.registry import Registry, discover
from flows.values import Message, Source
from penstock.progress import Progress, State
from storage.cursor import Cursor
from storage.stream import Entry
from tests.flows.running import FLOW_ID, JOB_ID, NOW, run
from tests.making import router_flow

GRAPH = load_graph(router_flow("hello"), Registry(discover(flows.components)), Limits())
ASKED, ROUTER, YES, NO = "ChatInput-a1", "ConditionalRouter-r1", "ChatOutput-yes", "ChatOutput-no"


def entries(*events: Event) -> Iterator[Entry]:
    for seq, event in enumerate(events, 1):
        yield Entry(Cursor(seq), event.type, event.encode(), event.terminal)


def progress_after(*events: Event) -> Progress:
    progress = Progress(GRAPH)
    for entry in entries(*events):
        progress.hear(entry)
    return progress


def states(progress: Progress) -> dict[str, State]:
    return {id: vertex.state for id, vertex in progress.vertices.items()}


def recorded() -> list[Event]:
    """The milestones of a whole run in which the router takes the branch to `YES`."""
    return [vertices_sorted(GRAPH.first_layer, list(GRAPH.vertices)), build_start(), *run(GRAPH).milestones]


def until(kind: EventType, vertex_id: str) -> list[Event]:
    """The milestones up to the end of a vertex."""
    found: list[Event] = []
    for event in recorded():
        found.append(event)
        if event.type is kind and event.data["build_data"]["id"] == vertex_id:
            break
    return found


def record(
    text: str, state: str = "complete", category: str = "message", source: Source | None = None
) -> MessageRecord:
    return MessageRecord("m1", JOB_ID, FLOW_ID, NOW, Message(text, source=source or Source()), state, category)


def test_a_vertex_runs_as_soon_as_nothing_keeps_it_from_running() -> None:
    assert states(progress_after()) == dict.fromkeys(GRAPH.vertices, State.PENDING)
    assert states(progress_after(*recorded()[:2])) == {
        ASKED: State.RUNNING,
        ROUTER: State.PENDING,
        YES: State.PENDING,
        NO: State.PENDING,
    }
    assert states(progress_after(*until(EventType.END_VERTEX, ASKED)))[ROUTER] is State.RUNNING


def test_a_branch_that_is_not_taken_is_skipped() -> None:
    progress = progress_after(*until(EventType.END_VERTEX, ROUTER))
    assert states(progress) == {ASKED: State.DONE, ROUTER: State.DONE, YES: State.RUNNING, NO: State.SKIPPED}


def test_a_whole_run_leaves_nothing_open() -> None:
    progress = progress_after(*recorded(), end("completed", 0.1))
    assert states(progress) == {ASKED: State.DONE, ROUTER: State.DONE, YES: State.DONE, NO: State.SKIPPED}
    assert all(vertex.duration for vertex in progress.vertices.values() if vertex.state is State.DONE)
    assert (progress.is_over, progress.fault) == (True, None)


def test_each_change_is_told_once() -> None:
    """A pass that took over announces itself again; what has settled stays as it was."""
    progress = Progress(GRAPH)
    events = [*recorded(), build_start(), end("completed", 0.1)]
    changed = [(vertex.id, vertex.state) for entry in entries(*events) for vertex in progress.hear(entry)]
    assert len(changed) == len(set(changed)) == 7
    assert progress.cursor == Cursor(len(events))


def test_a_failed_vertex_is_named_with_its_fault() -> None:
    failed = VertexFailed(ROUTER, "If-Else", "no")
    told = error(record(str(failed), category="error", source=Source(ROUTER, "If-Else", "If-Else")))
    progress = progress_after(*until(EventType.END_VERTEX, ASKED), told, end("failed", 0.1))
    assert states(progress)[ROUTER] is State.FAILED
    assert progress.fault == "Error building If-Else (ConditionalRouter-r1): no"


@pytest.mark.parametrize("kind", [EventType.CANCELLED, EventType.TIMED_OUT, EventType.WORKER_LOST])
def test_what_ran_when_the_job_was_ended_was_stopped(kind: EventType) -> None:
    progress = progress_after(*until(EventType.END_VERTEX, ASKED), lifecycle(kind, "It was ended."))
    assert states(progress) == {ASKED: State.DONE, ROUTER: State.STOPPED, YES: State.PENDING, NO: State.PENDING}
    assert (progress.is_over, progress.fault) == (True, "It was ended.")


def emptied(event: Event) -> Event:
    """The end of a vertex, without a result and with nothing behind it: what a vertex that asks tells too."""
    build = event.data["build_data"]
    changed = {"next_vertices_ids": [], "data": build["data"] | {"results": {}}}
    return Event(event.type, {**event.data, "build_data": build | changed})


ASKS = human_input_required({"request_id": f"{ROUTER}:{JOB_ID}"})


def until_it_asks() -> list[Event]:
    """The milestones up to a question of the router."""
    *before, ended = until(EventType.END_VERTEX, ROUTER)
    return [*before, emptied(ended), ASKS]


def test_a_vertex_that_asks_waits_and_has_not_ended() -> None:
    progress = progress_after(*until_it_asks())
    assert states(progress) == {ASKED: State.DONE, ROUTER: State.WAITING, YES: State.PENDING, NO: State.PENDING}
    assert not progress.is_suspended


def test_an_end_without_a_result_is_believed_when_nothing_is_asked() -> None:
    """The next milestone tells; tokens between do not."""
    *before, _ = until_it_asks()
    progress = progress_after(*before)
    last = progress.cursor.seq
    progress.hear(Entry(Cursor(last, 1), EventType.TOKEN, token("a", "m1").encode(), False))
    assert states(progress)[ROUTER] is State.RUNNING
    progress.hear(Entry(Cursor(last + 1), EventType.BUILD_START, build_start().encode(), False))
    assert states(progress)[ROUTER] is State.DONE


@pytest.mark.parametrize(
    "decided",
    [
        human_input_resolved(f"{ROUTER}:{JOB_ID}", {}, "ada", "now", late=False),
        human_input_expired(f"{ROUTER}:{JOB_ID}:2-abc", None),
    ],
)
def test_a_vertex_goes_on_from_a_decision(decided: Event) -> None:
    progress = progress_after(*until_it_asks(), run_suspended(paused=False), decided)
    assert states(progress)[ROUTER] is State.RUNNING
    assert progress.is_suspended


def test_a_run_is_suspended_until_its_next_pass() -> None:
    """Which begins with the vertices that it names."""
    waits = [*until_it_asks(), run_suspended(paused=False)]
    assert progress_after(*waits).is_suspended
    progress = progress_after(*waits, vertices_sorted([ROUTER], [ROUTER, YES, NO]), build_start())
    assert not progress.is_suspended
    assert states(progress) == {ASKED: State.DONE, ROUTER: State.RUNNING, YES: State.PENDING, NO: State.PENDING}


def test_what_waited_when_the_job_was_ended_was_stopped() -> None:
    progress = progress_after(*until_it_asks(), lifecycle(EventType.CANCELLED, "It was ended."))
    assert states(progress)[ROUTER] is State.STOPPED


def test_an_answer_streams_until_its_message_is_complete() -> None:
    """A pass that begins the message again begins its text again."""
    opened, closed = add_message(record("", "partial")), add_message(record("Hello, world"))
    assert progress_after(opened, token("Hello", "m1"), token(", world", "m1")).streamed == "Hello, world"
    assert progress_after(opened, token("Hel", "m1"), opened, token("Hello", "m1")).streamed == "Hello"
    assert progress_after(opened, token("Hello", "m1"), closed).streamed == ""
