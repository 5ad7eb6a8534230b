"""Logs as runs write them, made up: several messages at once, agents, tokens that get lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import strategies as st

from flows.agents.trail import ToolCall, ToolResult, Trail
from flows.events import (
    Event,
    EventType,
    add_message,
    build_start,
    end,
    error,
    human_input_required,
    human_input_resolved,
    lifecycle,
    log,
    remove_message,
    token,
    vertices_sorted,
    warning,
)
from flows.messages import MessageRecord
from flows.values import Message
from storage.cursor import Cursor
from storage.stream import Entry

WHEN = datetime(2026, 11, 26, tzinfo=UTC)
TEXTS = st.text(alphabet="aé🙂\n ", min_size=1, max_size=4)


def record(id: str, text: str, state: str = "complete", blocks: Any = (), sender: str = "Machine") -> MessageRecord:
    message = Message(text, sender=sender, sender_name="AI", session_id="s")
    return MessageRecord(id, "j", "f", WHEN, message, state=state, content_blocks=blocks)


@dataclass(repr=False)
class Log:
    """A log that is being written."""

    entries: list[Entry] = field(default_factory=list)
    cursor: Cursor = Cursor(0)

    def __repr__(self) -> str:
        return " | ".join(f"{one.cursor} {_brief(one)}" for one in self.entries)

    def milestone(self, event: Event) -> None:
        self.cursor = Cursor(self.cursor.seq + 1)
        self._add(event)

    def delta(self, event: Event) -> None:
        self.cursor = self.cursor._replace(delta=self.cursor.delta + 1)
        self._add(event)

    def _add(self, event: Event) -> None:
        self.entries.append(Entry(self.cursor, event.type, event.encode(), event.terminal))


@dataclass
class Writer:
    """One vertex that writes a chat message, step by step."""

    id: str
    steps: Sequence[tuple[str, Any]]
    trail: Trail = field(default_factory=lambda: Trail("asked"))
    said: str = ""
    calls: int = 0

    def step(self, log: Log, kind: str, text: str) -> None:
        match kind:
            case "open":
                log.milestone(self._shown(""))
                self.said = ""
            case "token":
                log.delta(token(text, self.id, len(self.said)))
                self.said += text
            case "call":
                if self.said:
                    self.trail.said(f"turn-{self.calls}", self.said)
                self.calls += 1
                call = ToolCall(f"call-{self.calls}", "search", {"q": text})
                self.trail.called(call)
                log.milestone(self._shown(""))
                self.trail.answered(call, ToolResult(text))
                log.milestone(self._shown(""))
                self.said = ""
            case "again":
                log.milestone(remove_message(self.id))
                self.said, self.calls, self.trail = "", 0, Trail("asked")
            case "done":
                log.milestone(add_message(record(self.id, self.said or text, blocks=self.trail.blocks)))
            case "otherwise":
                log.milestone(add_message(record(self.id, f"{text}!", blocks=self.trail.blocks)))

    def _shown(self, text: str) -> Event:
        return add_message(record(self.id, text, "partial", self.trail.blocks))


def _stretch() -> st.SearchStrategy[list[tuple[str, str]]]:
    tokens = st.lists(st.tuples(st.just("token"), TEXTS), max_size=4)
    closing = st.sampled_from(["call", "call", "open", "again"])
    return st.tuples(tokens, closing, TEXTS).map(lambda found: [*found[0], (found[1], found[2])])


def _message() -> st.SearchStrategy[list[tuple[str, str]]]:
    tokens = st.lists(st.tuples(st.just("token"), TEXTS), max_size=5)
    last = st.tuples(st.sampled_from(["done", "done", "done", "otherwise"]), TEXTS)
    streamed = st.tuples(st.lists(_stretch(), max_size=3), tokens, last).map(
        lambda found: [("open", ""), *(one for part in found[0] for one in part), *found[1], found[2]]
    )
    return st.one_of(streamed, st.tuples(st.tuples(st.just("done"), TEXTS)).map(list))


ENDS: Sequence[Sequence[Event]] = (
    [end("completed", 1.0)],
    [error(record("e", "it broke")), end("failed", 1.0)],
    [lifecycle(EventType.CANCELLED, "stopped")],
    [lifecycle(EventType.TIMED_OUT, "too long")],
)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """A whole log: up to three messages at once, what comes between them, and an end that may come early."""
    made = Log()
    made.milestone(vertices_sorted(["a"], ["a", "b", "c/1/d"]))
    made.milestone(build_start())
    writers = [Writer(f"m{number}", steps) for number, steps in enumerate(draw(st.lists(_message(), max_size=3)))]
    waiting = [(writer, list(writer.steps)) for writer in writers]
    stop_after = draw(st.one_of(st.none(), st.integers(0, 12)))
    while (going := [one for one in waiting if one[1]]) and (stop_after is None or stop_after > 0):
        writer, steps = draw(st.sampled_from(going))
        writer.step(made, *steps.pop(0))
        _between(made, draw(st.sampled_from(["", "", "", "log", "warning", "user", "vertex", "human"])))
        stop_after = None if stop_after is None else stop_after - 1
    for event in draw(st.sampled_from(ENDS if stop_after == 0 else ENDS[:1])):
        made.milestone(event)
    return made


def _brief(entry: Entry) -> str:
    data = orjson.loads(entry.payload)["data"]
    if entry.type != EventType.ADD_MESSAGE:
        return f"{entry.type} {data.get('id', '')} {data.get('chunk', '')!r}"
    steps = [one.get("id") or one["text"] for block in data["content_blocks"] for one in block["contents"]]
    return f"{data['properties']['state']} {data['id']} {data['text']!r} {steps}"


def _between(made: Log, what: str) -> None:
    match what:
        case "log":
            made.delta(log("a", "log", "line"))
        case "warning":
            made.milestone(warning("careful"))
        case "user":
            made.milestone(add_message(record(f"u{made.cursor.seq}", "question", sender="User")))
        case "vertex":
            build = {"id": "a", "data": {}, "inactivated_vertices": ["b"], "next_vertices_ids": ["c/1/d"]}
            made.milestone(Event(EventType.END_VERTEX, {"build_data": build, "output_meta": {}}))
        case "human":
            id = f"b:j:{made.cursor.seq}"
            asked = {"request_id": id, "kind": "node_input", "prompt": "?", "allowed_decisions": ["approve"]}
            made.milestone(human_input_required(asked))
            made.milestone(human_input_resolved(id, {"action_id": "approve"}, "me", "now", late=False))
