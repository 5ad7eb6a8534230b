"""One pass over a graph: builds vertices as they become ready, independent ones at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from flows.blocking import in_own_thread
from flows.component import AnyComponent, Effect, Inputs, Outputs
from flows.context import Journal, RunRequest, RunTools, VertexContext, VertexResult
from flows.definition import Edge
from flows.dialogue import Asked, Dialogue, Dialogues
from flows.errors import FlowError, VertexFailed, VertexTimedOut
from flows.frontier import Frontier, Settled
from flows.graph import Graph, Vertex
from flows.human import HumanRequest, NeedsDecision
from flows.inputs import gather, look_around
from flows.recovery import RETRY, settled_effect
from flows.results import FinishedVertex, end_vertex, finished_events
from flows.values import Value

FIRST_VISIT = 1


NOTHING_FOLLOWS = Settled((), ())


class Progress(Enum):
    """How far a run has come when nothing more can run in it."""

    DONE = auto()
    """Every vertex is finished or will never run."""
    HELD_BACK = auto()
    """Vertices are ready that may not start any more."""
    WAITING = auto()
    """Vertices wait for a person, and nothing else is ready."""


async def _at_once() -> bool:
    return True


@dataclass(frozen=True)
class Pace:
    """How fast a graph may be run."""

    max_parallel: int = 8
    """Vertices that are built at the same time."""
    vertex_seconds: float | None = None
    """How long one vertex may take; None for as long as it wants."""
    may_start: Callable[[], Awaitable[bool]] = _at_once
    """Asked before each vertex, and answers when one may start; false when none may any more in this pass."""


class Engine:
    """Runs one graph once. Finished vertices are restored, the rest are built, each is journaled as it finishes.

    A vertex that needs the decision of a person waits, while others go on, until `revisit` brings it.
    """

    def __init__(
        self,
        graph: Graph,
        run: RunRequest,
        tools: RunTools,
        journal: Journal,
        pace: Pace,
        dialogues: Dialogues | None = None,
    ) -> None:
        self._graph = graph
        self._run = run
        self._tools = tools
        self._journal = journal
        self._pace = pace
        self._dialogues = dialogues or Dialogues()
        self._waiting: set[str] = set()
        """Vertices that wait for a person."""
        self._frontier = Frontier(graph)
        self._outputs: dict[str, Mapping[str, Value]] = {}
        self._slots = asyncio.Semaphore(pace.max_parallel)
        self._tasks: asyncio.TaskGroup
        self._alive = 0
        """How many visits are under way."""
        self._over = False
        """Whether a vertex failed or the pass was lost: nothing starts any more (I7)."""
        self._held_back = False
        """Whether a vertex was ready and might not start any more."""

    async def run(self, ready: Sequence[str]) -> Progress:
        """Builds the vertices that are ready and every one that becomes so, until nothing more can run.

        Raises `VertexFailed` for the first vertex that fails and `VertexTimedOut` for one that takes too long, after
        its siblings were cancelled, and whatever the journal raises to end the pass.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._start(ready)
        except BaseExceptionGroup as failures:
            first = _first(failures)
            raise first from first.__cause__
        if self._held_back:
            return Progress.HELD_BACK
        return Progress.WAITING if self._waiting else Progress.DONE

    def restore(self, finished: Sequence[VertexResult] = ()) -> list[str]:
        """Takes over the results of earlier passes, in the order they were stored, and tells which vertices are ready.

        Finished vertices never run again (I6).
        """
        ready = dict.fromkeys(self._graph.first_layer)
        for result in finished:
            ready.update(dict.fromkeys(self._settle(result).ready))
        return [id for id in ready if id not in self._outputs]

    @property
    def unfinished(self) -> list[str]:
        """The vertices without a result, in the order of the definition."""
        return [id for id in self._graph.vertices if id not in self._outputs]

    def ask(self, vertex_id: str, request: HumanRequest) -> None:
        """Asks for a vertex what its component does not; it waits until somebody decides."""
        self._dialogues.update([self._journal.ask(vertex_id, FIRST_VISIT, request, [])])

    def revisit(self, asked: Sequence[Asked]) -> list[str]:
        """Takes over how requests stand now; which of the vertices that waited are ready, to be run."""
        self._dialogues.update(asked)
        ready = [id for id in self._waiting if not self._dialogues.is_open(id)]
        self._waiting.difference_update(ready)
        return ready

    def go_on(self, asked: Sequence[Asked]) -> None:
        """As `revisit`, while the run is under way: starts what became ready. To be called on its loop."""
        if self._alive and not self._over:
            self._start(self.revisit(asked))

    def _start(self, ready: Sequence[str]) -> None:
        self._alive += len(ready)
        for vertex_id in ready:
            self._tasks.create_task(self._visit(vertex_id))

    async def _visit(self, vertex_id: str) -> None:
        try:
            await self._visited(vertex_id)
        finally:
            self._alive -= 1

    async def _visited(self, vertex_id: str) -> None:
        if self._dialogues.is_open(vertex_id):
            self._waiting.add(vertex_id)
            return
        vertex = self._graph.vertices[vertex_id]
        edges = self._frontier.live_edges(vertex_id)
        surroundings = look_around(self._graph, vertex_id, edges, self._tools.variable)
        dialogue = Dialogue(self._dialogues.of(vertex_id, FIRST_VISIT))
        context = VertexContext(
            surroundings, FIRST_VISIT, run=self._run, tools=self._tools, journal=self._journal, dialogue=dialogue
        )
        async with self._slots:
            if not await self._pace.may_start():
                self._held_back = True
                return
            if self._over:
                return
            try:
                settled = await self._take(vertex, edges, context)
            except BaseException:
                # Whoever waits for this slot gets it before the task group cancels them.
                self._over = True
                raise
        if not _is_cancelled():
            self._start(settled.ready)

    async def _take(self, vertex: Vertex, edges: Sequence[Edge], context: VertexContext) -> Settled:
        """Builds one vertex and records it, or what it asks."""
        began = self._tools.clock.monotonic()
        try:
            outputs = await self._outputs_of(vertex, edges, context)
        except NeedsDecision as needed:
            self._ask(vertex, context, needed.request)
            return NOTHING_FOLLOWS
        result = VertexResult(vertex.id, FIRST_VISIT, outputs)
        settled = self._settle(result)
        duration = self._tools.clock.monotonic() - began
        self._record(FinishedVertex(vertex, result, settled, context, duration))
        return settled

    async def _outputs_of(self, vertex: Vertex, edges: Sequence[Edge], context: VertexContext) -> Mapping[str, Value]:
        told = self._dialogues.told_of_effect(vertex.id)
        if told is not None and told.action_id != RETRY:
            return settled_effect(vertex, told)
        inputs, effect = self._prepared(vertex, edges)
        if effect is Effect.ONCE:
            self._journal.intend(vertex.id, FIRST_VISIT)
        return await self._build(vertex, inputs, context)

    def _prepared(self, vertex: Vertex, edges: Sequence[Edge]) -> tuple[Inputs, Effect]:
        """What a vertex is built from, and what that does to the world."""
        try:
            inputs = gather(vertex, edges, self._outputs, self._tools.variable)
            return inputs, vertex.component.effect_of(inputs)
        except Exception as error:
            raise VertexFailed(vertex.id, vertex.display_name, _reason(error)) from error

    async def _build(self, vertex: Vertex, inputs: Inputs, context: VertexContext) -> Mapping[str, Value]:
        limit = asyncio.timeout(self._pace.vertex_seconds)
        try:
            async with limit:
                outputs = await _built(vertex.component, inputs, context)
            return {name: value for name, value in outputs.items() if name in vertex.ports}
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            # It came from something that the component awaited; a task group would take it for a quiet end.
            raise VertexFailed(vertex.id, vertex.display_name, "what it waited for was cancelled") from error
        except (Exception, SystemExit) as error:
            if limit.expired():
                seconds = self._pace.vertex_seconds or 0.0
                raise VertexTimedOut(vertex.id, vertex.display_name, seconds) from error
            raise VertexFailed(vertex.id, vertex.display_name, _reason(error)) from error

    def _ask(self, vertex: Vertex, context: VertexContext, request: HumanRequest) -> None:
        placeholder = FinishedVertex(vertex, VertexResult(vertex.id, FIRST_VISIT, {}), NOTHING_FOLLOWS, context, 0.0)
        try:
            asked = self._journal.ask(vertex.id, FIRST_VISIT, request, [end_vertex(placeholder, self._graph)])
        except FlowError as error:
            raise VertexFailed(vertex.id, vertex.display_name, str(error)) from error
        self._dialogues.update([asked])
        self._waiting.add(vertex.id)

    def _settle(self, result: VertexResult) -> Settled:
        self._outputs[result.vertex_id] = result.outputs
        return self._frontier.settle(result.vertex_id, result.outputs)

    def _record(self, finished: FinishedVertex) -> None:
        vertex = finished.vertex
        try:
            self._journal.finish(finished.result, finished_events(finished, self._graph), finished.context.messages)
        except FlowError as error:
            raise VertexFailed(vertex.id, vertex.display_name, str(error)) from error


async def _built(component: AnyComponent, inputs: Inputs, context: VertexContext) -> Outputs:
    if component.is_async():
        return await cast("Awaitable[Outputs]", component.build(inputs, context))
    return cast("Outputs", await in_own_thread(component.build, inputs, context))


def _is_cancelled() -> bool:
    """Whether somebody asked the current task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _reason(error: BaseException) -> str:
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
