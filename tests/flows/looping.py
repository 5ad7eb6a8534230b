"""Loops around steps, whose work a test writes."""

import asyncio
from collections.abc import Sequence
from typing import Any

from flows.components.loop import Loop
from flows.graph import Graph, load_graph
from flows.journal import VertexResult
from flows.limits import Limits
from flows.registry import Registry
from flows.values import Data, Message, Table, Value
from tests.flows.running import STEADY, RecordingJournal, build
from tests.flows.steps import ANY_TYPE, FIELDS, PATIENCE, PORTS, StepFields, Work, links, pass_on, step_type
from tests.making import edge, flow, loop_edge, node
from tests.shapes import Exported, Shape

WIDE = Shape(
    "Step",
    {name: {**field, "input_types": [*ANY_TYPE, "JSON", "Table"]} for name, field in FIELDS.items()},
    {output: port.types for output, port in PORTS.items()},
)
"""A step that takes whatever a loop puts out."""

ROWS = Table(("n",), ((1,), (2,), (3,)))


def loop_flow(*texts: str, loops: Sequence[str] = ("loop",)) -> Exported:
    """A flow of edges written as `links` has them; `a > loop.item` leads back to a loop."""
    edges = links(*texts)
    ids = dict.fromkeys(id for source, _, target, _ in edges for id in (source, target))
    nodes = {id: node("LoopComponent", id) if id in loops else node("Step", id, shape=WIDE) for id in ids}
    return flow(list(nodes.values()), [_edge(nodes[one[0]], one[1], nodes[one[2]], one[3]) for one in edges])


def loop_graph(*texts: str, work: Work = pass_on, loops: Sequence[str] = ("loop",)) -> Graph:
    """The graph of loops and of steps that all do `work`. Raises `FlowRefused`."""
    return load_graph(loop_flow(*texts, loops=loops), Registry([Loop, step_type(work)]), Limits())


def go_round(
    graph: Graph, journal: RecordingJournal | None = None, finished: Sequence[VertexResult] = ()
) -> RecordingJournal:
    """One pass over a graph."""
    journal = journal or RecordingJournal()
    asyncio.run(asyncio.wait_for(build(graph, journal, finished=finished, pace=STEADY), PATIENCE))
    return journal


def visits(journal: RecordingJournal, vertex_id: str) -> list[int]:
    """The visits of a vertex that are finished, in order."""
    return [result.visit for result in journal.results if result.vertex_id == vertex_id]


def said(value: Value) -> str:
    """A value as a short text."""
    match value:
        case Message():
            return value.text
        case Data():
            return ",".join(f"{entry}" for entry in value.data.values())
    return f"{value}"


def read(inputs: StepFields) -> str:
    """What a step was given, as a short text."""
    given: list[Any] = [inputs.x, inputs.y, *inputs.many]
    return "+".join(said(value) for value in given if value not in (None, ""))


def _edge(source: Exported, output: str, target: Exported, field: str) -> Exported:
    if target["data"]["type"] == "LoopComponent" and field == "item":
        return loop_edge(source, output, target, field)
    return edge(source, output, target, field)
