"""Steps: vertices whose work a test writes, in graphs of any shape."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from flows.component import AnyComponent, Component, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.execution.engine import Pace
from flows.graph import Graph, load_graph
from flows.journal import VertexResult
from flows.limits import Limits
from flows.registry import Registry
from flows.values import Message
from tests.flows.running import STEADY, RecordingJournal, build
from tests.making import edge, flow, node
from tests.shapes import TEXT, Exported, Shape

OUTPUTS = ("left", "right")
ANY_TYPE = ("Message", "Data", "DataFrame", "LanguageModel")
PORTS = {output: Port(ANY_TYPE) for output in OUTPUTS}
FIELDS = {"x": TEXT, "y": TEXT, "many": TEXT | {"list": True, "value": None}}
STEP = Shape("Step", FIELDS, {output: port.types for output, port in PORTS.items()})


class StepFields(Inputs):
    x: Any = None
    y: Any = None
    many: tuple[Any, ...] = ()


PATIENCE = 10.0
"""Seconds until a test that waits for what never comes gives up."""

Work: TypeAlias = Callable[[StepFields, VertexContext], Outputs | Awaitable[Outputs]]

Link: TypeAlias = tuple[str, str, str, str]
"""Source, output, target, field."""


def step(id: str, **values: Any) -> Exported:
    """A node of type Step."""
    return node("Step", id, shape=STEP, **values)


def links(*texts: str) -> list[Link]:
    """Edges written as `a.left > b.x`; without names it is from `left` to `x`."""
    return [_link(text) for text in texts]


def steps(edges: Sequence[Link], alone: Sequence[str] = ()) -> Exported:
    """A flow of the steps that the edges name, and of some that stand alone."""
    ids = dict.fromkeys([*alone, *(id for source, _, target, _ in edges for id in (source, target))])
    nodes = {id: step(id) for id in ids}
    return flow(
        list(nodes.values()),
        [edge(nodes[source], output, nodes[target], field) for source, output, target, field in edges],
    )


def step_type(work: Work) -> type[AnyComponent]:
    """The component that does `work` for every step."""
    body = {"types": ("Step",), "inputs": StepFields, "outputs": PORTS}
    return type("Step", (Component,), {**body, "build": staticmethod(work)})


async def pass_on(inputs: StepFields, context: VertexContext) -> Mapping[str, Message]:
    """The simplest work: the vertex says its own id on both outputs."""
    return {output: Message(context.vertex_id) for output in OUTPUTS}


def step_graph(exported: Exported, work: Work = pass_on) -> Graph:
    """The graph of a flow of steps."""
    return load_graph(exported, Registry([step_type(work)]), Limits())


def run_steps(
    edges: Sequence[Link],
    work: Work,
    *,
    alone: Sequence[str] = (),
    journal: RecordingJournal | None = None,
    finished: Sequence[VertexResult] = (),
    pace: Pace = STEADY,
) -> RecordingJournal:
    """One pass over steps that all do `work`."""
    graph = step_graph(steps(edges, alone), work)
    journal = journal or RecordingJournal()
    asyncio.run(asyncio.wait_for(build(graph, journal, finished=finished, pace=pace), timeout=PATIENCE))
    return journal


def _link(text: str) -> Link:
    source, target = text.split(" > ")
    source_id, _, output = source.partition(".")
    target_id, _, field = target.partition(".")
    return source_id, output or "left", target_id, field or "x"
