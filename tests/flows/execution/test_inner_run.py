"""flows/execution/inner_run.py: a flow inside a vertex is cut off, waits and fails as what is around it does."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.errors import VertexFailed, VertexTimedOut
from flows.execution.engine import Engine, Pace, Progress
from flows.graph import Graph
from flows.human import Decision
from tests.flows.asking import Interview
from tests.flows.execution.test_looping_recovery import Killed
from tests.flows.looping import WIDE, loop_flow, said
from tests.flows.running import STEADY, RecordingJournal, request, tools
from tests.flows.shelf import Shelf, around, ask, go_through, graph_of, inside, run_flow, shelf, tell
from tests.flows.steps import PATIENCE, StepFields, step_type
from tests.making import flow, node


@pytest.mark.parametrize("life", range(9))
def test_a_run_that_is_cut_off_goes_on_inside(life: int) -> None:
    """What is finished does not run again, also inside; a flow that was changed meanwhile goes on as it was."""
    built: list[str] = []

    class Mortal(RecordingJournal):
        left = life

        def finish(self, *given: Any, **more: Any) -> None:
            if not self.left:
                self.left = -1
                raise Killed
            self.left -= 1
            super().finish(*given, **more)

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        built.append(context.vertex_id)
        return await tell(inputs, context)

    kinds = [step_type(work)]
    stored = shelf(inside("a > b", "b.right > loop.data", "loop.item > c", "c > loop.item"), kinds)
    graph, journal = graph_of(around(run_flow("run", "steps", [], ["loop~done"]), "", "loop~done"), kinds), Mortal()
    with pytest.raises(Killed):
        go_through(graph, stored, journal)
    stored.graphs["steps"] = graph_of(loop_flow("other > b"), kinds)
    assert go_through(graph, stored, journal) is Progress.DONE
    assert said(journal.outputs("out")["left"]).count("c(") == 2
    assert journal.finished == [
        "run/1/a", "run/1/b", "run/1/loop", "run/1/c", "run/1/loop", "run/1/c", "run/1/loop", "run", "out"
    ]  # fmt: skip
    assert len(built) <= 6


def test_the_flow_around_waits_when_the_flow_inside_does() -> None:
    """Others go on; each question inside is asked once, and each answer goes on by itself, in another pass too."""
    kinds = [step_type(ask)]
    stored = shelf({"steps": loop_flow("asks > end", "too > end.y", "asks > next")}, kinds)
    exported = around(run_flow("run", "steps", [], ["end~left"]), "", "end~left")
    exported["nodes"].append(node("Step", "beside", shape=WIDE))
    graph, journal = graph_of(exported, kinds), Interview()
    assert go_through(graph, stored, journal) is Progress.WAITING
    assert sorted(journal.askers) == ["run/1/asks", "run/1/too"]
    assert journal.finished == ["beside"]
    journal.answer("run/1/asks")
    assert go_through(graph, stored, journal) is Progress.WAITING
    assert journal.finished == ["beside", "run/1/asks", "run/1/next"]
    journal.answer("run/1/too", Decision("reject"))
    assert go_through(graph, stored, journal) is Progress.DONE
    assert said(journal.outputs("out")["left"]) == "out(end(asks approve+too reject))"
    assert len(journal.askers) == 2


def test_a_question_deep_inside_is_answered_in_the_same_pass() -> None:
    kinds = [step_type(ask)]
    middle = around(run_flow("inner", "steps", [], ["end~left"]), "", "end~left")
    stored = shelf({"steps": loop_flow("asks > end"), "middle": middle}, kinds)
    graph, journal = graph_of(around(run_flow("run", "middle", [], ["out~left"]), "", "out~left"), kinds), Interview()
    engine = Engine(graph, request(), replace(tools(), flows=stored), journal, STEADY)

    async def through() -> Progress:
        assert await engine.run(engine.restore()) is Progress.WAITING
        assert engine.revisit([]) == []
        return await engine.run(engine.revisit(journal.answer("run/1/inner/1/asks")))

    assert asyncio.run(asyncio.wait_for(through(), PATIENCE)) is Progress.DONE
    assert said(journal.outputs("out")["left"]) == "out(out(end(asks approve)))"


def test_an_answer_to_another_vertex_does_not_go_inside() -> None:
    kinds = [step_type(ask)]
    exported = around(run_flow("run", "steps", [], ["end~left"]), "", "end~left")
    exported["nodes"].append(node("Step", "too", shape=WIDE))
    graph, journal, stored = graph_of(exported, kinds), Interview(), shelf({"steps": loop_flow("asks > end")}, kinds)
    engine = Engine(graph, request(), replace(tools(), flows=stored), journal, STEADY)
    assert asyncio.run(asyncio.wait_for(engine.run(engine.restore()), PATIENCE)) is Progress.WAITING
    assert engine.revisit(journal.answer("too")) == ["too"]
    assert engine.revisit(journal.answer("run/1/asks")) == ["run"]


def timed(graph: Graph, stored: Shelf, seconds: float) -> Progress:
    """One pass in which a vertex may take so long."""
    engine = Engine(graph, request(), replace(tools(), flows=stored), RecordingJournal(), Pace(vertex_seconds=seconds))
    return asyncio.run(asyncio.wait_for(engine.run(engine.restore()), PATIENCE))


def test_the_time_of_a_vertex_counts_for_each_one_inside() -> None:
    """Not for all of them together; the one that takes too long is named."""

    async def sleep(inputs: StepFields, context: VertexContext) -> Outputs:
        await asyncio.sleep(PATIENCE if context.vertex_id.endswith("slow") else 0.6)
        return await tell(inputs, context)

    kinds = [step_type(sleep)]
    stored = shelf({"steps": loop_flow("a > b", "b > c"), "hangs": loop_flow("a > slow")}, kinds)
    assert timed(graph_of(flow([run_flow("run", "steps")]), kinds), stored, 1.5) is Progress.DONE
    with pytest.raises(VertexTimedOut, match=r"Step \(run/1/slow\) took longer"):
        timed(graph_of(flow([run_flow("run", "hangs")]), kinds), stored, 1.5)


def test_of_what_must_not_happen_twice_inside_somebody_is_asked() -> None:
    """Rule 6."""
    kinds = [step_type(tell)]
    stored = shelf(inside("a > b"), kinds)
    graph, journal = graph_of(around(run_flow("run", "steps", [], ["b~left"]), "", "b~left"), kinds), Interview()

    engine = Engine(graph, request(), replace(tools(), flows=stored), journal, STEADY)

    async def through() -> Progress:
        ready = engine.restore()
        engine.doubt("run/1/a")
        assert await engine.run(ready) is Progress.WAITING
        assert (journal.askers, journal.finished) == (["run/1/a"], [])
        return await engine.run(engine.revisit(journal.answer("run/1/a", Decision("done", {"left": "it was done"}))))

    assert asyncio.run(asyncio.wait_for(through(), PATIENCE)) is Progress.DONE
    assert said(journal.outputs("out")["left"]) == "out(b(it was done))"
    assert journal.askers == ["run/1/a"]


def test_nothing_starts_inside_when_nothing_may_start_any_more() -> None:
    kinds, started = [step_type(tell)], list[int]()
    graph = graph_of(around(run_flow("run", "steps", [], ["b~left"]), "", "b~left"), kinds)

    async def may_start() -> bool:
        started.append(1)
        return len(started) <= 2

    journal = RecordingJournal()
    borrowed = replace(tools(), flows=shelf(inside("a > b"), kinds))
    engine = Engine(graph, request(), borrowed, journal, Pace(may_start=may_start))
    assert asyncio.run(asyncio.wait_for(engine.run(engine.restore()), PATIENCE)) is Progress.HELD_BACK
    assert journal.finished == ["run/1/a"]


def test_a_flow_that_fails_inside_fails_the_vertex_and_names_what_failed() -> None:
    async def fail(inputs: StepFields, context: VertexContext) -> Outputs:
        raise ValueError("no")

    kinds = [step_type(fail)]
    with pytest.raises(VertexFailed) as caught:
        go_through(graph_of(flow([run_flow("run", "steps")]), kinds), shelf(inside("a > b"), kinds), RecordingJournal())
    assert (caught.value.vertex_id, caught.value.reason) == ("run", "Error building Step (run/1/a): no")
