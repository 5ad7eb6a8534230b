"""The protocol `langflow` (contract 3.1): the stored frames as they are."""

from collections.abc import Sequence

import orjson

from flows.events import EventType
from storage.stream import Entry

_GRAPH_STATE = frozenset({EventType.VERTICES_SORTED, EventType.RUN_RECOVERED, EventType.END_VERTEX, EventType.LOG})
_NAMES_SOURCES = frozenset({EventType.ADD_MESSAGE, EventType.ERROR})
_NO_SOURCE = {"id": None, "display_name": None, "source": None}


class LangflowProjection:
    """Relays the bytes that the worker encoded. Without graph state it leaves out what tells of the graph."""

    def __init__(self, expose_graph_state: bool) -> None:
        self._exposed = expose_graph_state

    def frames(self, entry: Entry) -> Sequence[bytes]:
        if entry.type == EventType.RUN_SUSPENDED and not orjson.loads(entry.payload)["data"]["paused"]:
            # Whoever speaks this protocol knows it by the end of the stream behind `human_input_required`.
            return ()
        if self._exposed:
            return (entry.payload,)
        if entry.type in _GRAPH_STATE:
            return ()
        if entry.type in _NAMES_SOURCES:
            return (_without_source(entry.payload),)
        if entry.type == EventType.OUTPUT and not _is_shown(entry.payload):
            return ()
        return (entry.payload,)


def _without_source(payload: bytes) -> bytes:
    """The frame with `properties.source` blank in both copies."""
    frame = orjson.loads(payload)
    for copy in (frame["data"], frame["data"]["data"]):
        copy["properties"]["source"] = _NO_SOURCE
    return orjson.dumps(frame)


def _is_shown(payload: bytes) -> bool:
    """Whether an output comes from a component that shows it to a person."""
    return bool(orjson.loads(payload)["data"]["metadata"].get("is_output", True))
