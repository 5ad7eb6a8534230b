"""One pass over a graph: builds vertices as they become ready, independent ones at the same time."""

import asyncio
from collections.abc import Mapping, Sequence

from flows.context import Journal, RunRequest, RunTools, VertexContext, VertexResult
from flows.definition import Edge
from flows.errors import FlowError, VertexFailed
from flows.frontier import Frontier, Settled
from flows.graph import Graph, Vertex
from flows.inputs import gather, look_around
from flows.results import FinishedVertex, finished_events
from flows.values import Value

FIRST_VISIT = 1


class Engine:
    """Runs one graph once. Finished vertices are restored, the rest are built, each is journaled as it finishes."""

    def __init__(self, graph: Graph, run: RunRequest, tools: RunTools, journal: Journal, *, max_parallel: int) -> None:
        self._graph = graph
        self._run = run
        self._tools = tools
        self._journal = journal
        self._frontier = Frontier(graph)
        self._outputs: dict[str, Mapping[str, Value]] = {}
        self._slots = asyncio.Semaphore(max_parallel)
        self._tasks: asyncio.TaskGroup
        self._over = False
        """Whether a vertex failed or the pass was lost: nothing starts any more (I7)."""

    async def run(self, finished: Sequence[VertexResult] = ()) -> None:
        """Builds every vertex that is not in `finished` and may run.

        `finished` are the results of earlier passes in the order they were stored; those vertices never run again
        (I6). Raises `VertexFailed` for the first vertex that fails, after its siblings were cancelled, and whatever
        the journal raises to end the pass.
        """
        ready = self._restore(finished)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._start(ready)
        except BaseExceptionGroup as failures:
            first = _first(failures)
            raise first from first.__cause__

    def _restore(self, finished: Sequence[VertexResult]) -> list[str]:
        ready = dict.fromkeys(self._graph.first_layer)
        for result in finished:
            ready.update(dict.fromkeys(self._settle(result).ready))
        return [id for id in ready if id not in self._outputs]

    def _start(self, ready: Sequence[str]) -> None:
        for vertex_id in ready:
            self._tasks.create_task(self._visit(vertex_id))

    async def _visit(self, vertex_id: str) -> None:
        vertex = self._graph.vertices[vertex_id]
        edges = self._frontier.live_edges(vertex_id)
        surroundings = look_around(self._graph, vertex_id, edges, self._tools.variable)
        context = VertexContext(surroundings, FIRST_VISIT, run=self._run, tools=self._tools, journal=self._journal)
        async with self._slots:
            if self._over:
                return
            try:
                settled = await self._take(vertex, edges, context)
            except BaseException:
                # Whoever waits for this slot gets it before the task group cancels them.
                self._over = True
                raise
        self._start(settled.ready)

    async def _take(self, vertex: Vertex, edges: Sequence[Edge], context: VertexContext) -> Settled:
        """Builds one vertex and records it."""
        began = self._tools.clock.monotonic()
        outputs = await self._build(vertex, edges, context)
        result = VertexResult(vertex.id, FIRST_VISIT, outputs)
        settled = self._settle(result)
        duration = self._tools.clock.monotonic() - began
        self._record(FinishedVertex(vertex, result, settled, context, duration))
        return settled

    async def _build(self, vertex: Vertex, edges: Sequence[Edge], context: VertexContext) -> Mapping[str, Value]:
        try:
            inputs = gather(vertex, edges, self._outputs, self._tools.variable)
            if vertex.component.is_async():
                outputs = await vertex.component.build(inputs, context)  # type: ignore[misc]
            else:
                outputs = await asyncio.to_thread(vertex.component.build, inputs, context)
            return {name: value for name, value in outputs.items() if name in vertex.component.outputs}
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            # It came from something that the component awaited; a task group would take it for a quiet end.
            raise VertexFailed(vertex.id, vertex.display_name, "what it waited for was cancelled") from error
        except Exception as error:
            raise VertexFailed(vertex.id, vertex.display_name, _reason(error)) from error

    def _settle(self, result: VertexResult) -> Settled:
        self._outputs[result.vertex_id] = result.outputs
        return self._frontier.settle(result.vertex_id, result.outputs)

    def _record(self, finished: FinishedVertex) -> None:
        vertex = finished.vertex
        try:
            self._journal.finish(finished.result, finished_events(finished, self._graph), finished.context.messages)
        except FlowError as error:
            raise VertexFailed(vertex.id, vertex.display_name, str(error)) from error


def _is_cancelled() -> bool:
    """Whether somebody asked the current task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _reason(error: Exception) -> str:
    """What an error says, or its type where it says nothing or cannot."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - an error's own text is the component author's code
        said = ""
    return said or type(error).__name__


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The failure to report: control flow of the pass before a failed vertex, an earlier one before a later one."""
    leaves = list(_leaves(failures))
    return next((leaf for leaf in leaves if not isinstance(leaf, Exception)), leaves[0])


def _leaves(failures: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for failure in failures.exceptions
        for leaf in (_leaves(failure) if isinstance(failure, BaseExceptionGroup) else [failure])
    ]
