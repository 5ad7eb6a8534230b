"""Runs a whole flow inside a vertex: under its pass, its fence and its job."""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.context import VertexContext
from flows.errors import FlowRefused
from flows.execution.engine import Engine, Progress
from flows.execution.nesting import SEPARATOR, HeldBackInside, Inside, InsideJournal, WaitsInside, with_prefix
from flows.graph import Graph
from flows.run import RunRequest, RunTools
from flows.values import Value

MAX_PREFIX = 1_500
"""Bytes of a prefix at most: it stands in keys of tables (I10)."""


@dataclass(frozen=True)
class InnerRun:
    """One run of a graph inside the vertex that is being built. It goes on from what of it is finished, in this pass or
    an earlier one. Its vertices wait, are held back and fail as those around them."""

    context: VertexContext
    graph: Graph

    @property
    def prefix(self) -> str:
        """What the ids of its vertices begin with: no other run in the same job has it."""
        visited = self.context.visited
        return SEPARATOR.join((visited.vertex_id, str(visited.number), self.context.scope))

    async def outputs(self, request: RunRequest, tools: RunTools) -> Mapping[str, Mapping[str, Value]]:
        """What its vertices put out at last, by their own ids. Raises whatever the engine does, and `FlowRefused`."""
        prefix, inside = self.prefix, self.context.visited.inside
        assert isinstance(inside, Inside), "an engine visits a vertex"
        self._check(prefix)
        inside.begin(prefix, len(self.graph.vertices))
        graph = with_prefix(self.graph, prefix)
        engine = Engine(
            graph,
            request,
            tools,
            InsideJournal(inside, request.is_told),
            inside.pace,
            inside.dialogues,
            inside.checkpoints,
            inside,
        )
        ready = engine.restore(inside.finished(prefix))
        for vertex_id in sorted(inside.unclear & graph.vertices.keys()):
            inside.unclear.discard(vertex_id)
            engine.doubt(vertex_id)
        await _go_through(engine, ready)
        return {result.vertex_id.removeprefix(prefix): result.outputs for result in inside.finished(prefix)}

    def _check(self, prefix: str) -> None:
        if len(prefix.encode()) > MAX_PREFIX:
            raise FlowRefused("It is too deep inside others, for the ids of its vertices would become too long.")
        for vertex_id in self.graph.vertices:
            if SEPARATOR in vertex_id:
                raise FlowRefused(f"It cannot run inside another: the node id {vertex_id!r} has a {SEPARATOR!r} in it.")


async def _go_through(engine: Engine, ready: list[str]) -> None:
    """Builds all that can be built. Raises `WaitsInside` and `HeldBackInside`."""
    progress = await engine.run(ready)
    while progress is Progress.WAITING:
        # Somebody may have answered while others were built.
        ready = engine.revisit([])
        if not ready:
            raise WaitsInside
        progress = await engine.run(ready)
    if progress is Progress.HELD_BACK:
        raise HeldBackInside
