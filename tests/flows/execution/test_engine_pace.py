"""flows/execution/engine.py: how fast a graph is run, what may hold it back, what is stored before a vertex begins."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from flows.component import AnyComponent, Effect, Outputs
from flows.context import VertexContext
from flows.errors import VertexFailed, VertexTimedOut
from flows.execution.engine import Engine, Pace, Progress
from flows.graph import load_graph
from flows.journal import VertexResult
from flows.limits import Limits
from flows.registry import Registry
from flows.values import Message
from tests.flows.running import RecordingJournal, request, tools
from tests.flows.steps import PATIENCE, StepFields, Work, links, pass_on, run_steps, step_graph, step_type, steps


async def no() -> bool:
    return False


async def for_ever(inputs: StepFields, context: VertexContext) -> Outputs:
    await asyncio.Event().wait()
    return {}


def run_held(
    texts: list[str], may_start: Callable[[], Awaitable[bool]], work: Work = pass_on
) -> tuple[Progress, list[str]]:
    """One pass over steps: how far it came, and which were finished."""
    journal = RecordingJournal()
    engine = Engine(step_graph(steps(links(*texts)), work), request(), tools(), journal, Pace(may_start=may_start))
    progress = asyncio.run(asyncio.wait_for(engine.run(engine.restore()), PATIENCE))
    return progress, journal.finished


def test_a_vertex_that_may_not_start_is_held_back() -> None:
    assert run_held(["a > b"], no) == (Progress.HELD_BACK, [])


def test_a_pass_that_nothing_holds_back_is_whole() -> None:
    assert run_held(["a > b"], Pace().may_start) == (Progress.DONE, ["a", "b"])


def test_vertices_that_are_being_built_come_to_their_end() -> None:
    """What was begun when nothing may start any more is recorded; what follows it is left to the next pass."""
    both = asyncio.Barrier(2)
    draining: list[str] = []

    async def may_start() -> bool:
        return not draining

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        await both.wait()
        draining.append(context.vertex_id)
        return await pass_on(inputs, context)

    progress, finished = run_held(["a > c", "b > c"], may_start, work)
    assert (progress, sorted(finished)) == (Progress.HELD_BACK, ["a", "b"])


def test_a_pass_whose_last_vertices_are_finished_is_whole_though_nothing_may_start() -> None:
    """It can be completed: nothing waits for a next pass."""
    engine = Engine(step_graph(steps(links("a > b"))), request(), tools(), RecordingJournal(), Pace(may_start=no))
    ready = engine.restore([VertexResult(id, 1, {"left": Message("x")}) for id in ("a", "b")])
    assert (ready, asyncio.run(engine.run(ready))) == ([], Progress.DONE)


def test_what_is_ready_after_a_restoration_is_told_in_the_order_of_the_graph() -> None:
    """The vertices that start over: neither finished ones nor those that still wait for another."""
    graph = step_graph(steps(links("a > c", "b > c", "c > d", "a > e")))
    engine = Engine(graph, request(), tools(), RecordingJournal(), Pace())
    assert engine.restore([VertexResult("a", 1, {"left": Message("x")})]) == ["b", "e"]


def test_nothing_starts_in_a_pass_that_ended_while_it_waited() -> None:
    """A vertex that is allowed to start in the moment in which a sibling fails is not built (I7)."""
    failing = asyncio.Event()
    built: list[str] = []

    async def may_start() -> bool:
        if built:
            await failing.wait()
        return True

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        built.append(context.vertex_id)
        await asyncio.sleep(0)
        failing.set()
        raise ValueError("no")

    with pytest.raises(VertexFailed, match="first"):
        run_steps([], work, alone=["first", "second"], pace=Pace(may_start=may_start))
    assert built == ["first"]


def test_a_vertex_that_outlives_its_cancellation_starts_nothing() -> None:
    """A component that catches the cancellation and returns all the same is recorded; what follows it is not begun."""
    waits = asyncio.Event()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "fails":
            await waits.wait()
            raise ValueError("no")
        try:
            waits.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return {"left": Message("all the same")}
        return {}

    journal = RecordingJournal()
    with pytest.raises(VertexFailed, match="fails"):
        run_steps(links("stubborn > after"), work, alone=["fails"], journal=journal)
    assert journal.finished == ["stubborn"]


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """What a plain function waits for, so that none is left when the test has ended."""
    event = threading.Event()
    yield event
    event.set()


def test_a_vertex_that_takes_too_long_is_cancelled_and_named() -> None:
    with pytest.raises(VertexTimedOut, match=r"^Step \(slow\) took longer than 0\.05 s") as caught:
        run_steps(links("slow > after"), for_ever, pace=Pace(vertex_seconds=0.05))
    assert caught.value.vertex_id == "slow"


def test_a_plain_function_that_takes_too_long_is_left_behind(let_go: threading.Event) -> None:
    def block(inputs: StepFields, context: VertexContext) -> Outputs:
        assert let_go.wait(PATIENCE)
        return {}

    with pytest.raises(VertexTimedOut, match="slow"):
        run_steps(links("slow > after"), block, pace=Pace(vertex_seconds=0.05))
    assert not let_go.is_set()


def test_what_a_vertex_raises_when_its_time_is_over_is_no_failure_of_its_own() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        try:
            return await for_ever(inputs, context)
        except asyncio.CancelledError:
            raise ValueError("cut short") from None

    with pytest.raises(VertexTimedOut):
        run_steps([], work, alone=["slow"], pace=Pace(vertex_seconds=0.05))


def test_a_time_out_of_the_component_s_own_is_a_failure() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        async with asyncio.timeout(0):
            return await for_ever(inputs, context)

    with pytest.raises(VertexFailed):
        run_steps([], work, alone=["a"], pace=Pace(vertex_seconds=PATIENCE))


def test_the_time_of_a_vertex_begins_when_it_starts() -> None:
    """Not while it waits for a free slot behind others."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        await asyncio.sleep(0.25)
        return await pass_on(inputs, context)

    alone = [f"v{number}" for number in range(5)]
    journal = run_steps([], work, alone=alone, pace=Pace(max_parallel=1, vertex_seconds=1.0))
    assert journal.finished == alone


class _Ordered(RecordingJournal):
    """A journal that writes down when it was told of an intent, beside the builds of its vertices."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []

    def intend(self, vertex_id: str, visit: int) -> None:
        super().intend(vertex_id, visit)
        self.order.append(f"intend {vertex_id}:{visit}")


def with_effect(effect: Effect, work: Work) -> type[AnyComponent]:
    component = step_type(work)
    component.effect = effect
    return component


@pytest.mark.parametrize("effect", Effect)
def test_only_what_must_not_happen_twice_is_stored_before_it_begins(effect: Effect) -> None:
    """And then before it does anything."""
    journal = _Ordered()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        journal.order.append(f"build {context.vertex_id}")
        return await pass_on(inputs, context)

    graph = load_graph(steps(links("a > b")), Registry([with_effect(effect, work)]), Limits())
    engine = Engine(graph, request(), tools(), journal, Pace())
    assert asyncio.run(engine.run(engine.restore())) is Progress.DONE
    told = ["intend a:1", "build a", "intend b:1", "build b"]
    assert journal.order == [one for one in told if effect is Effect.ONCE or one.startswith("build")]


def test_a_vertex_that_is_held_back_intends_nothing() -> None:
    """What was not begun is clear."""
    journal = RecordingJournal()
    graph = load_graph(steps([], ["a"]), Registry([with_effect(Effect.ONCE, pass_on)]), Limits())
    engine = Engine(graph, request(), tools(), journal, Pace(may_start=no))
    assert asyncio.run(engine.run(engine.restore())) is Progress.HELD_BACK
    assert journal.intents == []
