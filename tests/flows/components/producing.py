"""Builds one component, fed with any values, through the engine."""

import asyncio
from typing import Any

import flows.components
from flows.component import Outputs
from flows.context import VertexContext
from flows.graph import load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.run import RunRequest, RunTools
from tests.flows.running import RecordingJournal, build
from tests.flows.steps import StepFields, step, step_type
from tests.making import edge, flow
from tests.shapes import Exported


def produce(
    exported: Exported, *, asked: RunRequest | None = None, borrowed: RunTools | None = None, **brought: Any
) -> RecordingJournal:
    """Runs a flow of one node, `brought` what its fields are fed by edges; returns what was written."""

    async def bring(inputs: StepFields, context: VertexContext) -> Outputs:
        return {"left": brought[context.vertex_id]}

    sources = {field: step(field) for field in brought}
    edges = [edge(source, "left", exported, field) for field, source in sources.items()]
    registry = Registry([*discover(flows.components), step_type(bring)])
    graph = load_graph(flow([*sources.values(), exported], edges), registry, Limits())
    return asyncio.run(build(graph, asked=asked, borrowed=borrowed))
