"""The protocol `langflow` (contract 3.1): the stored frames as they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from flows.events import EventType
from storage.cursor import Cursor
from storage.stream import Entry
from web.protocols.framing import frame
from web.protocols.place import Place
from web.protocols.projection import View

_GRAPH_STATE = frozenset({EventType.VERTICES_SORTED, EventType.RUN_RECOVERED, EventType.END_VERTEX, EventType.LOG})
_NAMES_SOURCES = frozenset({EventType.ADD_MESSAGE, EventType.ERROR})
NO_SOURCE = {"id": None, "display_name": None, "source": None}


class LangflowProjection:
    """Relays the bytes that the worker encoded. Without graph state it leaves out what tells of the graph."""

    def __init__(self, view: View, place: Place) -> None:
        self._exposed = view.exposes_graph
        self.starts_at: Cursor = place.whole

    def tells_pauses(self) -> bool:
        return False

    def wire(self, entries: Sequence[Entry]) -> bytes:
        seen = [(entry, self.seen(entry)) for entry in entries]
        return b"".join([frame(data, entry.cursor) for entry, data in seen if data is not None])

    def at_rest(self, is_paused: bool) -> bytes:
        # Whoever speaks this protocol knows it by the end of the stream behind `human_input_required`.
        return b""

    def seen(self, entry: Entry) -> bytes | None:
        """The JSON of an entry, None when it is not for this client."""
        if entry.type == EventType.RUN_SUSPENDED and not orjson.loads(entry.payload)["data"]["paused"]:
            return None
        if self._exposed:
            return entry.payload
        if entry.type in _NAMES_SOURCES:
            return without_source(entry.payload)
        if entry.type in _GRAPH_STATE:
            return None
        if entry.type == EventType.OUTPUT and not is_shown(orjson.loads(entry.payload)["data"]):
            return None
        return entry.payload


def without_source(payload: bytes) -> bytes:
    """The frame with `properties.source` blank in both copies."""
    frame = orjson.loads(payload)
    for copy in (frame["data"], frame["data"]["data"]):
        copy["properties"]["source"] = NO_SOURCE
    return orjson.dumps(frame)


def is_shown(output: Mapping[str, Any]) -> bool:
    """Whether an output comes from a component that shows it to a person."""
    return bool(output["metadata"].get("is_output", True))
