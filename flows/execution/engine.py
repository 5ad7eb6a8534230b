"""One pass over a graph: builds vertices as they become ready, independent ones at the same time."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from flows.checkpoints import Checkpoints
from flows.component import Effect, Inputs
from flows.context import VertexContext, Visit
from flows.definition import Edge
from flows.dialogue import Asked, Dialogue, Dialogues
from flows.errors import FlowError, VertexFailed, VertexTimedOut, reason_of
from flows.execution.building import built
from flows.execution.course import Course
from flows.execution.first_failure import first_failure
from flows.execution.frontier import Settled
from flows.execution.inputs import gather, look_around
from flows.execution.nesting import HeldBackInside, Inside, WaitsInside
from flows.execution.pace import Pace as Pace
from flows.execution.recovery import RETRY, settled_effect, uncertain_effect
from flows.execution.tool_calls import GraphToolbox
from flows.graph import Graph, Vertex
from flows.human import HumanRequest, NeedsDecision
from flows.journal import Journal, VertexResult
from flows.results import FinishedVertex, end_vertex, finished_events
from flows.run import RunRequest, RunTools
from flows.tools import TOOL_PORT
from flows.values import Tool, Value

NOTHING_FOLLOWS = Settled()
NO_NEWS: frozenset[str] = frozenset()


class Progress(Enum):
    """How far a run has come when nothing more can run in it."""

    DONE = auto()
    """Every vertex is finished or will never run."""
    HELD_BACK = auto()
    """Vertices are ready that may not start any more."""
    WAITING = auto()
    """Vertices wait for a person, and nothing else is ready."""


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
        checkpoints: Checkpoints | None = None,
        inside: Inside | None = None,
    ) -> None:
        self._graph = graph
        self._run = run
        self._tools = tools
        self._journal = journal
        self._pace = pace
        self._dialogues = dialogues or Dialogues()
        self._checkpoints = checkpoints or Checkpoints()
        self._waiting: dict[str, frozenset[str]] = {}
        """Vertices that wait for a person, each with what was decided for it and those inside it as its visit began."""
        self._inside = inside or Inside(journal, pace, self._dialogues, self._checkpoints)
        self._waiting_inside: dict[str, frozenset[str]] = {}
        """Vertices inside which others wait, each with the requests that were open when it came to a standstill."""
        self._course = Course(graph)
        self._toolbox = GraphToolbox(graph, self._course.outputs, self._course.live_edges, tools.variable)
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
            first = first_failure(failures)
            raise first from first.__cause__
        if self._held_back:
            return Progress.HELD_BACK
        return Progress.WAITING if self._waiting or self._waiting_inside else Progress.DONE

    def restore(self, finished: Sequence[VertexResult] = ()) -> list[str]:
        """Takes over the results of earlier passes, in the order they were stored, and tells which vertices are ready.

        Finished vertices never run again (I6).
        """
        self._tools.budget.recall(self._dialogues.asked)
        self._inside.take(result for result in finished if result.vertex_id not in self._graph.vertices)
        return self._course.restore([result for result in finished if result.vertex_id in self._graph.vertices])

    @property
    def unfinished(self) -> list[str]:
        """The vertices without a result in the visit that they are at, in the order of the definition."""
        return self._course.unfinished

    def ask(self, vertex_id: str, request: HumanRequest) -> None:
        """Asks for a vertex what its component does not; it waits until somebody decides."""
        self._dialogues.update([self._journal.ask(vertex_id, self._course.visit(vertex_id), request, [])])

    def doubt(self, vertex_id: str) -> None:
        """Takes note that a vertex may have done what must not happen twice. Somebody is asked what became of it, or
        will be when the vertex that it is inside is built."""
        if vertex_id in self._graph.vertices:
            self.ask(vertex_id, uncertain_effect(self._graph.vertices[vertex_id]))
        else:
            self._inside.unclear.add(vertex_id)

    def revisit(self, asked: Sequence[Asked]) -> list[str]:
        """Takes over how requests stand now; which of the vertices that waited are ready, to be run."""
        self._dialogues.update(asked)
        ready = [id for id, known in self._waiting.items() if self._may_go_on(id, known)]
        for vertex_id in ready:
            del self._waiting[vertex_id]
        inside = [id for id, open in self._waiting_inside.items() if not open <= set(self._dialogues.open)]
        for vertex_id in inside:
            del self._waiting_inside[vertex_id]
        return ready + inside

    def go_on(self, asked: Sequence[Asked]) -> None:
        """As `revisit`, while the run is under way: starts what became ready. To be called on its loop."""
        if self._alive and not self._over:
            self._start(self.revisit(asked))

    def _may_go_on(self, vertex_id: str, known: frozenset[str] = NO_NEWS) -> bool:
        """Whether a vertex may get further: nobody has to decide on what it has asked, or somebody has decided more
        than is `known` for it and those inside it."""
        return not self._dialogues.is_open(vertex_id) or bool(self._dialogues.news_for(vertex_id) - known)

    def _start(self, ready: Sequence[str]) -> None:
        self._alive += len(ready)
        for vertex_id in ready:
            self._tasks.create_task(self._begin(vertex_id))

    async def _begin(self, vertex_id: str) -> None:
        try:
            await self._visit(vertex_id)
        finally:
            self._alive -= 1

    async def _visit(self, vertex_id: str) -> None:
        if not self._may_go_on(vertex_id):
            self._waiting[vertex_id] = NO_NEWS
            return
        vertex = self._graph.vertices[vertex_id]
        edges = self._course.live_edges(vertex_id)
        surroundings = look_around(self._graph, vertex_id, edges, self._tools.variable)
        known = self._dialogues.news_for(vertex_id)
        context = VertexContext(
            surroundings,
            self._visit_of(vertex_id),
            run=self._run,
            tools=self._tools,
            journal=self._journal,
            toolbox=self._toolbox,
        )
        async with self._slots:
            if not await self._pace.may_start():
                self._held_back = True
                return
            if self._over:
                return
            try:
                settled = await self._take(vertex, edges, context, known)
            except BaseException:
                # Whoever waits for this slot gets it before the task group cancels them.
                self._over = True
                raise
        if not _is_cancelled():
            self._start(settled.ready)

    def _visit_of(self, vertex_id: str) -> Visit:
        course = self._course
        number = course.visit(vertex_id)
        return Visit(
            vertex_id,
            number,
            Dialogue(self._dialogues.of(vertex_id, number)),
            self._checkpoints.of(vertex_id, number),
            visit_of=course.visit,
            given=course.given(vertex_id),
            returned=course.returned(vertex_id),
            inside=self._inside,
        )

    async def _take(
        self, vertex: Vertex, edges: Sequence[Edge], context: VertexContext, known: frozenset[str]
    ) -> Settled:
        """Builds one vertex and records it, or what it asks; again, when more than is `known` was decided meanwhile."""
        began = self._tools.clock.monotonic()
        try:
            outputs = await self._outputs_of(vertex, edges, context)
        except WaitsInside:
            if self._dialogues.news_for(vertex.id) - known:
                return Settled(ready=(vertex.id,))
            self._waiting_inside[vertex.id] = self._dialogues.open_inside(vertex.id)
            return NOTHING_FOLLOWS
        except HeldBackInside:
            self._held_back = True
            return NOTHING_FOLLOWS
        except NeedsDecision as needed:
            if self._dialogues.news_for(vertex.id) - known:
                return Settled(ready=(vertex.id,))
            self._ask(vertex, context, needed.request)
            self._waiting[vertex.id] = known
            return NOTHING_FOLLOWS
        result = VertexResult(vertex.id, context.visit, outputs)
        settled = self._course.settle(result)
        duration = self._tools.clock.monotonic() - began
        self._record(FinishedVertex(vertex, result, settled, context, duration))
        return settled

    async def _outputs_of(self, vertex: Vertex, edges: Sequence[Edge], context: VertexContext) -> Mapping[str, Value]:
        told = self._dialogues.told_of_effect(vertex.id, lambda: uncertain_effect(vertex))
        if told is not None and told.action_id != RETRY:
            return settled_effect(vertex, told)
        if vertex.is_tool:
            return {TOOL_PORT: Tool(vertex.id)}
        inputs, effect = self._prepared(vertex, edges)
        if effect is Effect.ONCE:
            self._journal.intend(vertex.id, context.visit)
        return await self._build(vertex, inputs, context)

    def _prepared(self, vertex: Vertex, edges: Sequence[Edge]) -> tuple[Inputs, Effect]:
        """What a vertex is built from, and what that does to the world."""
        try:
            inputs = gather(vertex, edges, self._course.outputs, self._tools.variable)
            return inputs, vertex.component.effect_of(inputs)
        except Exception as error:
            raise self._failed(vertex, error) from error

    async def _build(self, vertex: Vertex, inputs: Inputs, context: VertexContext) -> Mapping[str, Value]:
        # What runs a flow takes as long as that; each vertex inside has its own limit.
        limit = asyncio.timeout(None if vertex.component.runs_flow else self._pace.vertex_seconds)
        try:
            async with limit:
                outputs = await built(vertex.component, inputs, context)
            return {name: value for name, value in outputs.items() if name in vertex.ports}
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            # It came from something that the component awaited; a task group would take it for a quiet end.
            raise self._failed(vertex, "what it waited for was cancelled") from error
        except VertexTimedOut:
            raise
        except (Exception, SystemExit) as error:
            if limit.expired():
                seconds = self._pace.vertex_seconds or 0.0
                raise VertexTimedOut(vertex.id, vertex.display_name, seconds, self._course.place(vertex.id)) from error
            raise self._failed(vertex, error) from error

    def _ask(self, vertex: Vertex, context: VertexContext, request: HumanRequest) -> None:
        if self._dialogues.is_asked(vertex.id, context.visit, request):
            return
        placeholder = FinishedVertex(vertex, VertexResult(vertex.id, context.visit, {}), NOTHING_FOLLOWS, context, 0.0)
        try:
            asked = self._journal.ask(vertex.id, context.visit, request, [end_vertex(placeholder, self._graph)])
        except FlowError as error:
            raise self._failed(vertex, error) from error
        self._dialogues.update([asked])

    def _failed(self, vertex: Vertex, reason: BaseException | str) -> VertexFailed:
        said = reason if isinstance(reason, str) else reason_of(reason)
        place = self._course.place(vertex.id)
        return VertexFailed(vertex.id, vertex.display_name, f"at {place}: {said}" if place else said)

    def _record(self, finished: FinishedVertex) -> None:
        vertex = finished.vertex
        try:
            events, spent = finished_events(finished, self._graph), finished.context.spending.take()
            self._journal.finish(finished.result, events, finished.context.messages, spent)
        except FlowError as error:
            raise self._failed(vertex, error) from error


def _is_cancelled() -> bool:
    """Whether somebody asked the current task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
