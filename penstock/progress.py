"""How far a run is, as its events tell it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from flows.events import EventType
from flows.graph import Graph
from storage.cursor import START, Cursor
from storage.stream import Entry


class State(StrEnum):
    """Where a vertex stands. No event tells that one began: it runs as soon as nothing keeps it from running."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    STOPPED = "stopped"
    """It ran when the job ended."""


SETTLED = frozenset(State) - {State.PENDING, State.RUNNING}


@dataclass
class VertexProgress:
    """One vertex and where it stands."""

    id: str
    name: str
    state: State = State.PENDING
    duration: str = ""


class Progress:
    """Follows a run by its entries. Its `cursor` is where to read on."""

    def __init__(self, graph: Graph) -> None:
        self.vertices = {
            vertex.id: VertexProgress(vertex.id, vertex.display_name) for vertex in graph.vertices.values()
        }
        self.cursor: Cursor = START
        self.is_over = False
        self.fault: str | None = None
        """What went wrong, in the words of the event that told it."""
        self._first_layer = graph.first_layer
        self._open_messages: dict[str, str] = {}

    @property
    def streamed(self) -> str:
        """The text of the messages that tokens are still coming for."""
        return "\n".join(self._open_messages.values())

    def hear(self, entry: Entry) -> list[VertexProgress]:
        """Takes note of an entry; the vertices whose state it changed."""
        self.cursor = entry.cursor
        data = orjson.loads(entry.payload)["data"]
        match entry.type:
            case EventType.BUILD_START:
                return self._move(self._first_layer, State.RUNNING)
            case EventType.END_VERTEX:
                return self._end_vertex(data["build_data"])
            case EventType.ADD_MESSAGE:
                self._show(data)
            case EventType.TOKEN:
                self._open_messages[data["id"]] = self._open_messages.get(data["id"], "") + data["chunk"]
            case EventType.ERROR:
                self.fault = data["text"]
                return self._move([data["properties"]["source"]["id"]], State.FAILED)
        return self._end(data) if entry.terminal else []

    def _end_vertex(self, build: Mapping[str, Any]) -> list[VertexProgress]:
        self.vertices[build["id"]].duration = build["data"]["duration"]
        return [
            *self._move([build["id"]], State.DONE),
            *self._move(build["inactivated_vertices"], State.SKIPPED),
            *self._move(build["next_vertices_ids"], State.RUNNING),
        ]

    def _show(self, message: Mapping[str, Any]) -> None:
        if message["properties"]["state"] == "partial":
            self._open_messages[message["id"]] = ""
        else:
            self._open_messages.pop(message["id"], None)

    def _end(self, data: Mapping[str, Any]) -> list[VertexProgress]:
        self.is_over = True
        self.fault = self.fault or data.get("message")
        self._open_messages.clear()
        return self._move([id for id, vertex in self.vertices.items() if vertex.state is State.RUNNING], State.STOPPED)

    def _move(self, ids: Iterable[str | None], state: State) -> list[VertexProgress]:
        """Moves the vertices that have not settled yet; after a crash the log tells of some twice."""
        moved = [self.vertices[id] for id in ids if id in self.vertices]
        moved = [vertex for vertex in moved if vertex.state not in SETTLED and vertex.state is not state]
        for vertex in moved:
            vertex.state = state
        return moved
