"""How a finished vertex and a finished flow are shown (contract 1.8 and 3.1)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flows.context import VertexContext
from flows.events import Event, EventType
from flows.execution.frontier import Settled
from flows.graph import Graph, Vertex
from flows.journal import VertexResult
from flows.loops import ITEM
from flows.text import to_text
from flows.values import Data, Json, LanguageModel, Message, Table, Tool, Value

TEXT_TYPES = ("message", "text")


@dataclass(frozen=True)
class FinishedVertex:
    """Everything that is told about one finished vertex."""

    vertex: Vertex
    result: VertexResult
    settled: Settled
    context: VertexContext
    duration: float


def finished_events(finished: FinishedVertex, graph: Graph) -> list[Event]:
    """What the component recorded, `end_vertex`, and for a terminal vertex its `output`."""
    events = [*finished.context.recorded, end_vertex(finished, graph)]
    gives_item = finished.vertex.id in graph.loops and ITEM in finished.result.outputs
    if graph.is_terminal(finished.vertex.id) and not gives_item:
        events.append(Event(EventType.OUTPUT, component_output(finished)))
    return events


def end_vertex(finished: FinishedVertex, graph: Graph) -> Event:
    """The `end_vertex` event with the key set of the contract."""
    vertex, settled = finished.vertex, finished.settled
    now = finished.context.tools.clock.now()
    build_data = {
        "id": vertex.id,
        "inactivated_vertices": list(settled.skipped),
        "next_vertices_ids": list(settled.ready),
        "top_level_vertices": list(settled.ready),
        "valid": True,
        "params": "",
        "data": _result_data(finished),
        "timestamp": _iso(now),
    }
    return Event(
        EventType.END_VERTEX,
        {
            "build_data": build_data,
            "output_meta": {
                "component_id": vertex.id,
                "display_name": vertex.display_name,
                "vertex_type": vertex.node.type,
                "is_output": vertex.component.is_output,
                "is_terminal": graph.is_terminal(vertex.id),
                "output_types": list(vertex.port),
            },
        },
    )


def component_output(finished: FinishedVertex) -> dict[str, Any]:
    """The ComponentOutput of a terminal vertex, with its `component_id`."""
    vertex = finished.vertex
    first = next(iter(finished.result.outputs.values()), None)
    kind = vertex.port[0].lower() if vertex.port else vertex.node.type.lower()
    return {
        "type": kind,
        "status": "completed",
        "display_name": vertex.display_name,
        "content": _content(first) if vertex.component.is_output or kind in ("data", "dataframe") else None,
        "metadata": {"component_type": vertex.node.type, **_more_metadata(vertex, first)},
        "component_id": vertex.id,
    }


@dataclass(frozen=True)
class AnswerText:
    """The one text of a run, when there is one (contract 1.8)."""

    reason: Literal["single", "multiple", "non_string", "none", "failed"]
    text: str | None = None
    source: str | None = None


def answer_text(outputs: Mapping[str, Mapping[str, Any]], chosen: Sequence[str] = ()) -> AnswerText:
    """The text among the outputs by component id, or among the `chosen` of them."""
    considered = {id: output for id, output in outputs.items() if not chosen or id in chosen}
    texts = {id: output for id, output in considered.items() if output["type"] in TEXT_TYPES}
    strings = [(id, output["content"]) for id, output in texts.items() if isinstance(output["content"], str)]
    if len(strings) == 1:
        [(source, text)] = strings
        return AnswerText("single", text, source)
    if strings:
        return AnswerText("multiple")
    return AnswerText("non_string" if texts else "none")


def _result_data(finished: FinishedVertex) -> dict[str, Any]:
    outputs = finished.result.outputs
    artifact = _artifact(next(iter(outputs.values()), None))
    return {
        "results": {name: _dump(value, finished.context) for name, value in outputs.items()},
        "outputs": {name: {"message": _content(value), "type": _kind(value)} for name, value in outputs.items()},
        "logs": {name: [] for name in outputs},
        "message": artifact,
        "artifacts": artifact,
        "timedelta": finished.duration,
        "duration": readable_duration(finished.duration),
        "used_frozen_result": False,
        "token_usage": _token_usage(outputs.values()),
    }


def readable_duration(seconds: float) -> str:
    """`12 ms`, `1.5 seconds`, `2 minutes, 3 seconds`."""
    if (milliseconds := round(seconds * 1000)) < 1000:
        return f"{milliseconds} ms"
    if (rounded := round(seconds, 1)) < 60:
        return f"{rounded:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} minutes, {rest} seconds"


def _dump(value: Value, context: VertexContext) -> Any:
    match value:
        case Message():
            record = context.shown if context.shown and context.shown.message == value else context.record(value)
            return {name: field for name, field in record.dump().items() if name != "id"}
        case Data():
            return {"text_key": value.text_key, "data": dict(value.data)}
        case Table():
            return value.records()
        case LanguageModel():
            return {"name": value.name}
        case Tool():
            return {"component_id": value.vertex_id}
    return value


def _content(value: Value) -> Json:
    match value:
        case Message() | LanguageModel() | Tool():
            return to_text(value)
        case Data():
            return dict(value.data)
        case Table():
            return list(value.records())
    return value


def _kind(value: Value) -> str:
    match value:
        case Message() | str() | LanguageModel() | Tool():
            return "text"
        case Table() | list():
            return "array"
    return "object"


def _artifact(value: Value) -> Any:
    if not isinstance(value, Message):
        return _content(value)
    return {
        "message": value.text,
        "sender": value.sender or None,
        "sender_name": value.sender_name or None,
        "files": list(value.files),
        "type": "object",
    }


def _more_metadata(vertex: Vertex, value: Value) -> dict[str, Any]:
    """What is told of a terminal vertex that is no output component: that, and the model that a message came from."""
    if vertex.component.is_output:
        return {}
    if not isinstance(value, Message) or value.source.id is None:
        return {"is_output": False}
    source = {"id": value.source.id, "display_name": value.source.display_name, "model": value.source.source}
    return {"is_output": False, "source": source}


def _token_usage(values: Iterable[Value]) -> dict[str, int] | None:
    for value in values:
        if isinstance(value, Message) and value.usage is not None:
            return value.usage.dump()
    return None


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
