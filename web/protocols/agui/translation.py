"""What each event of the log is in AG-UI (contract 3.2)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import orjson

from flows.events import EventType
from flows.results import TEXT_TYPES
from storage.cursor import Cursor
from storage.states import Status
from storage.stream import Entry
from web.protocols.agui.events import WireEvent, custom, run_error, run_finished, run_started
from web.protocols.agui.graph import GraphState
from web.protocols.agui.interrupts import OpenRequests
from web.protocols.agui.messages import Messages
from web.protocols.langflow import is_shown, without_source
from web.protocols.projection import View

_MIRRORED = frozenset(
    {EventType.ADD_MESSAGE, EventType.TOKEN, EventType.REMOVE_MESSAGE, EventType.ERROR, EventType.END}
)
"""What Langflow's pages read as it is."""
_CUSTOM = {
    EventType.WARNING: "langflow.warning",
    EventType.HUMAN_INPUT_REQUIRED: "langflow.human_input_required",
    EventType.HUMAN_INPUT_REMINDER: "penstock.human_input_reminder",
    EventType.HUMAN_INPUT_RESOLVED: "penstock.human_input_resolved",
    EventType.HUMAN_INPUT_EXPIRED: "penstock.human_input_expired",
}
"""What AG-UI has no word for, told by these names."""

Outcome: TypeAlias = Mapping[str, Any]
"""Why a run ended, as AG-UI has it."""
Data: TypeAlias = Mapping[str, Any]
Telling: TypeAlias = Callable[[Data, Cursor], Iterator[WireEvent]]


class Translation:
    """The run as AG-UI knows it so far. It must be given the log from its start, each event once."""

    def __init__(self, view: View, outcome: Outcome | None, *, restarts: bool) -> None:
        self.messages = Messages()
        self.requests = OpenRequests()
        self._view = view
        self._outcome = outcome
        """Of a run that has completed."""
        self._graph = GraphState(is_kept=restarts)
        self._has_begun = False
        self._error: str | None = None
        self._tellings: Mapping[str, Telling] = {
            EventType.ADD_MESSAGE: self.messages.shown,
            EventType.TOKEN: self.messages.token,
            EventType.REMOVE_MESSAGE: lambda data, at: self.messages.removed(data["id"], at),
            EventType.OUTPUT: self._output,
            EventType.RUN_SUSPENDED: self._suspended,
            EventType.HUMAN_INPUT_REQUIRED: self._asked,
            EventType.HUMAN_INPUT_RESOLVED: self._closed,
            EventType.HUMAN_INPUT_EXPIRED: self._closed,
            EventType.ERROR: self._failing,
            EventType.END: self._end,
            EventType.CANCELLED: self._cancelled,
            EventType.TIMED_OUT: partial(self._lost, EventType.TIMED_OUT),
            EventType.WORKER_LOST: partial(self._lost, EventType.WORKER_LOST),
            EventType.INPUT_TIMED_OUT: partial(self._lost, EventType.INPUT_TIMED_OUT),
        }
        self._graph_tellings: Mapping[str, Telling] = {
            EventType.VERTICES_SORTED: lambda data, at: self._graph.sorted(data),
            EventType.BUILD_START: lambda data, at: self._graph.started(),
            EventType.END_VERTEX: lambda data, at: self._graph.finished(data),
            EventType.HUMAN_INPUT_REQUIRED: lambda data, at: self._graph.asked(data["request_id"].partition(":")[0]),
            EventType.ERROR: lambda data, at: self._graph.failed(data["properties"]["source"]["id"]),
            EventType.RUN_RECOVERED: lambda data, at: _custom("penstock.run_recovered", data),
            EventType.LOG: lambda data, at: _custom("langflow.log", data),
        }

    def started(self) -> WireEvent:
        """The beginning of a run."""
        return run_started(self._view.thread_id, self._view.run_id)

    def restarted(self) -> Iterator[WireEvent]:
        """The beginning of a run that goes on where another was interrupted."""
        yield self.started()
        if self._view.exposes_graph:
            yield from self._graph.again()

    def finished(self, outcome: Outcome | None) -> WireEvent:
        """The end of a run that has not failed."""
        return run_finished(self._view.thread_id, self._view.run_id, outcome)

    def events(self, entry: Entry) -> Iterator[WireEvent]:
        """What an event of the log is; nothing when it is not for this client."""
        exposed = self._view.exposes_graph
        if not self._has_begun:
            self._has_begun = True
            yield self.started()
            if exposed:
                yield from self._graph.began()
        if not exposed and entry.type in self._graph_tellings and entry.type not in self._tellings:
            return
        data = orjson.loads(entry.payload)["data"]
        if entry.type in _MIRRORED and (exposed or self._view.is_public):
            yield from _custom("langflow.event", {"event_type": entry.type, "data": self._mirrored(entry, data)})
        if exposed and (telling := self._graph_tellings.get(entry.type)):
            yield from telling(data, entry.cursor)
        if name := _CUSTOM.get(EventType(entry.type)):
            yield from _custom(name, data)
        if telling := self._tellings.get(entry.type):
            yield from telling(data, entry.cursor)

    def _mirrored(self, entry: Entry, data: Data) -> Any:
        if self._view.exposes_graph or entry.type not in (EventType.ADD_MESSAGE, EventType.ERROR):
            return data
        return orjson.loads(without_source(entry.payload))["data"]

    def _output(self, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        """What no chat message says."""
        if data["type"] not in TEXT_TYPES and (self._view.exposes_graph or is_shown(data)):
            yield from _custom("penstock.output", data)

    def _suspended(self, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        if data["paused"]:
            yield from _custom("penstock.run_suspended", data)

    def _asked(self, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        self.requests.asked(data)
        yield from ()

    def _closed(self, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        self.requests.closed(data["request_id"])
        yield from ()

    def _failing(self, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        """Told at the end, behind which AG-UI allows nothing."""
        self._error = data.get("text") or data.get("error")
        yield from ()

    def _end(self, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        yield from self.messages.texts.finish(cursor)
        if data.get("status") == Status.FAILED:
            yield run_error(str(self._error or "The run has failed."))
        else:
            yield self.finished(self._outcome)

    def _cancelled(self, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        yield from self.messages.texts.finish(cursor)
        yield from _custom("langflow.run.cancelled", data)
        yield self.finished({"type": "cancelled"})

    def _lost(self, type: EventType, data: Data, cursor: Cursor) -> Iterator[WireEvent]:
        yield from self.messages.texts.finish(cursor)
        yield run_error(data["message"], type)


def _custom(name: str, value: Any) -> Iterator[WireEvent]:
    yield custom(name, value)
