"""flows/execution/engine.py: one pass over a graph, written to a journal that keeps it in memory."""

import asyncio
import threading
from collections.abc import Mapping

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.events import EventType
from flows.execution.engine import Pace
from flows.journal import VertexResult
from flows.values import Message
from tests.flows.running import JOB_ID, request, run, tools
from tests.flows.steps import PATIENCE, StepFields, links, pass_on, run_steps, step_graph, steps
from tests.making import flow


def test_vertices_are_built_in_the_order_of_their_edges() -> None:
    journal = run_steps(links("b > c", "a > b", "c > d"), pass_on)
    assert journal.finished == ["a", "b", "c", "d"]


def test_a_vertex_is_given_what_its_edges_bring() -> None:
    seen: list[object] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        seen.append((context.vertex_id, inputs.x, inputs.y))
        return {"left": Message(f"{context.vertex_id}-left"), "right": Message(f"{context.vertex_id}-right")}

    run_steps(links("a.left > b.y", "a.right > b.x"), work)
    assert seen == [("a", "", ""), ("b", Message("a-right"), Message("a-left"))]


def test_independent_vertices_are_built_at_the_same_time() -> None:
    """Each waits until all three have begun, so one after the other they would never end."""
    begun = asyncio.Barrier(3)

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id != "root":
            await begun.wait()
        return await pass_on(inputs, context)

    journal = run_steps(links("root > a", "root > b", "root > c"), work)
    assert set(journal.finished) == {"root", "a", "b", "c"}


def test_a_vertex_starts_as_soon_as_what_it_needs_is_there() -> None:
    """`quick` and what follows it are finished while `slow`, of the same layer, is still being built."""
    released = asyncio.Event()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "slow":
            await released.wait()
        if context.vertex_id == "after":
            released.set()
        return await pass_on(inputs, context)

    assert run_steps(links("quick > after"), work, alone=["slow"]).finished == ["quick", "after", "slow"]


@pytest.mark.parametrize("max_parallel", [1, 2, 3])
def test_no_more_than_max_parallel_are_built_at_once(max_parallel: int) -> None:
    running: set[str] = set()
    most: list[int] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        running.add(context.vertex_id)
        for _ in range(3):
            await asyncio.sleep(0)
        most.append(len(running))
        running.remove(context.vertex_id)
        return await pass_on(inputs, context)

    run_steps([], work, alone=[f"v{number}" for number in range(7)], pace=Pace(max_parallel))
    assert max(most) == max_parallel


def test_a_plain_function_is_run_off_the_loop() -> None:
    """The loop goes on meanwhile: the function waits for an event that another vertex sets."""
    released = threading.Event()
    threads: dict[str, int] = {}

    def block(inputs: StepFields, context: VertexContext) -> Outputs:
        threads[context.vertex_id] = threading.get_ident()
        if context.vertex_id == "waits":
            assert released.wait(PATIENCE)
        else:
            released.set()
        return {"left": Message("done")}

    journal = run_steps([], block, alone=["waits", "releases"])
    assert sorted(journal.finished) == ["releases", "waits"]
    assert threading.get_ident() not in threads.values()


def test_what_is_not_declared_is_no_output() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        return {"left": Message("x"), "secret": Message("y")}

    assert dict(run_steps([], work, alone=["a"]).outputs("a")) == {"left": Message("x")}


def test_restored_vertices_never_run_again() -> None:
    built: list[str] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        built.append(context.vertex_id)
        assert inputs.x == Message("restored")
        return await pass_on(inputs, context)

    restored = [VertexResult(id, 1, {"left": Message("restored")}) for id in ("a", "b")]
    journal = run_steps(links("a > b", "b > c"), work, alone=["a"], finished=restored)
    assert built == journal.finished == ["c"]


def test_a_restored_run_takes_the_branch_that_was_taken() -> None:
    restored = [VertexResult("router", 1, {"right": Message("x")})]
    journal = run_steps(links("router.left > yes", "router.right > no"), pass_on, finished=restored)
    assert journal.finished == ["no"]


def test_a_run_that_was_finished_does_nothing() -> None:
    restored = [VertexResult(id, 1, {"left": Message("x")}) for id in ("a", "b")]
    assert run_steps(links("a > b"), pass_on, finished=restored).milestones == []


def test_every_try_of_a_visit_has_the_same_key_and_message_id() -> None:
    seen: list[tuple[str, str]] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        seen.append((context.idempotency_key, context.message_id()))
        return {}

    for _ in range(2):
        run_steps([], work, alone=["a"])
    assert seen[0] == seen[1]
    assert seen[0][0] == f"{JOB_ID}:a:1"


def test_logs_and_tokens_are_deltas_and_messages_are_milestones() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        context.log("working")
        opened = context.open_message(Message(""), context.vertex_id)
        context.token("Hi", opened)
        context.show(Message("Hi"), stored=True)
        return {"left": Message("Hi")}

    journal = run_steps([], work, alone=["a"])
    assert [event.type for event in journal.deltas] == [EventType.LOG, EventType.TOKEN]
    assert [event.type for event in journal.milestones] == [
        EventType.ADD_MESSAGE,
        EventType.ADD_MESSAGE,
        EventType.END_VERTEX,
        EventType.OUTPUT,
    ]
    partial, complete = (event.data for event in journal.of_type(EventType.ADD_MESSAGE))
    assert (partial["properties"]["state"], complete["properties"]["state"]) == ("partial", "complete")
    assert partial["id"] == complete["id"] == journal.deltas[1].data["id"] == journal.messages[0].id


def test_a_message_that_is_not_stored_is_still_shown() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        context.show(Message("Hi"), stored=False)
        return {}

    journal = run_steps([], work, alone=["a"])
    assert (len(journal.of_type(EventType.ADD_MESSAGE)), journal.messages) == (1, [])


def test_skipped_vertices_are_told_with_the_vertex_that_skipped_them() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Mapping[str, Message]:
        return {"right": Message("x")}

    journal = run_steps(links("r.left > a", "a > b", "r.right > c"), work)
    [told] = [
        event.data["build_data"]
        for event in journal.of_type(EventType.END_VERTEX)
        if "r" in event.data["build_data"]["id"]
    ]
    assert (told["inactivated_vertices"], told["next_vertices_ids"]) == (["a", "b"], ["c"])


def test_a_run_needs_nothing_but_its_tools() -> None:
    graph = step_graph(flow(steps([], ["a"])["nodes"]))
    assert run(graph, request(), tools()).finished == ["a"]
