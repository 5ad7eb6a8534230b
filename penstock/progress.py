"""How far a run is, as its events tell it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from flows.events import EventType
from storage.cursor import START, Cursor
from storage.stream import Entry

if TYPE_CHECKING:
    from flows.graph import Graph


class State(StrEnum):
    """Where a vertex stands. No event tells that one began: it runs as soon as nothing keeps it from running."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    """It needs the decision of a person."""
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    STOPPED = "stopped"
    """It ran, or waited for a person, when the job ended."""


SETTLED = frozenset(State) - {State.PENDING, State.RUNNING, State.WAITING}

_REQUESTS = (
    EventType.HUMAN_INPUT_REQUIRED,
    EventType.HUMAN_INPUT_RESOLVED,
    EventType.HUMAN_INPUT_EXPIRED,
)


@dataclass
class VertexProgress:
    """One vertex and where it stands."""

    id: str
    name: str
    state: State = State.PENDING
    duration: str = ""


class Progress:
    """Follows a run by its entries. Its `cursor` is where to read on.

    Without the graph, the vertices are those that the run tells of; each is named by its id until it has ended.
    """

    def __init__(self, graph: "Graph | None" = None) -> None:
        drawn = [] if graph is None else graph.vertices.values()
        self.vertices = {vertex.id: VertexProgress(vertex.id, vertex.display_name) for vertex in drawn}
        self.cursor: Cursor = START
        self.is_over = False
        self.is_suspended = False
        """Whether nothing can run until somebody does something."""
        self.fault: str | None = None
        """What went wrong, in the words of the event that told it."""
        self._layer: Sequence[str] = [] if graph is None else graph.first_layer
        """The vertices that the next pass begins with."""
        self._empty_end: Mapping[str, Any] | None = None
        """The end of a vertex without a result, until the next milestone says whether the vertex only asks."""
        self._open_messages: dict[str, str] = {}

    @property
    def streamed(self) -> str:
        """The text of the messages that tokens are still coming for."""
        return "\n".join(self._open_messages.values())

    def hear(self, entry: Entry) -> list[VertexProgress]:
        """Takes note of an entry; the vertices whose state it changed."""
        self.cursor = entry.cursor
        data = orjson.loads(entry.payload)["data"]
        asking = self._asking(data["request_id"]) if entry.type in _REQUESTS else None
        settled = self._settle_empty_end(asking) if entry.cursor.is_milestone else []
        return [*settled, *self._heard(entry, data, asking)]

    def _heard(self, entry: Entry, data: Mapping[str, Any], asking: str | None) -> list[VertexProgress]:
        match entry.type:
            case EventType.VERTICES_SORTED:
                self._layer = data["ids"]
                self.vertices = {**{id: VertexProgress(id, id) for id in data["to_run"]}, **self.vertices}
            case EventType.BUILD_START:
                self.is_suspended = False
                return self._move(self._layer, State.RUNNING)
            case EventType.RUN_SUSPENDED:
                self.is_suspended = True
            case EventType.HUMAN_INPUT_REQUIRED:
                return self._move([asking], State.WAITING)
            case EventType.HUMAN_INPUT_RESOLVED | EventType.HUMAN_INPUT_EXPIRED:
                return self._move([asking], State.RUNNING)
            case EventType.END_VERTEX:
                self._name(data["output_meta"])
                return self._end_vertex(data["build_data"])
            case EventType.ADD_MESSAGE:
                self._show(data)
            case EventType.TOKEN:
                self._open_messages[data["id"]] = self._open_messages.get(data["id"], "") + data["chunk"]
            case EventType.ERROR:
                self.fault = data["text"]
                return self._move([data["properties"]["source"]["id"]], State.FAILED)
        return self._end(data) if entry.terminal else []

    def _asking(self, request_id: str) -> str | None:
        """The vertex that asks: the id of a request begins with it."""
        return max((id for id in self.vertices if request_id.startswith(f"{id}:")), key=len, default=None)

    def _name(self, told: Mapping[str, Any]) -> None:
        vertex = self.vertices.get(told["component_id"])
        if vertex is not None:
            vertex.name = told["display_name"] or vertex.name

    def _end_vertex(self, build: Mapping[str, Any]) -> list[VertexProgress]:
        """A vertex that asks tells of an end too (contract 4.2), in the same transaction and right before it asks."""
        if build["data"]["results"]:
            return self._settle(build)
        self._empty_end = build
        return []

    def _settle_empty_end(self, asking: str | None) -> list[VertexProgress]:
        build, self._empty_end = self._empty_end, None
        return [] if build is None or build["id"] == asking else self._settle(build)

    def _settle(self, build: Mapping[str, Any]) -> list[VertexProgress]:
        if build["id"] not in self.vertices:
            # It is inside one of them.
            return []
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
        begun = (State.RUNNING, State.WAITING)
        return self._move([id for id, vertex in self.vertices.items() if vertex.state in begun], State.STOPPED)

    def _move(self, ids: Iterable[str | None], state: State) -> list[VertexProgress]:
        """Moves the vertices that have not settled yet; after a crash the log tells of some twice."""
        moved = [self.vertices[id] for id in ids if id in self.vertices]
        moved = [vertex for vertex in moved if vertex.state not in SETTLED and vertex.state is not state]
        for vertex in moved:
            vertex.state = state
        return moved
