"""flows/execution/engine.py: how a pass ends that does not come to the end of its graph."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.errors import VertexFailed
from flows.events import Event
from flows.execution.engine import Pace
from flows.journal import VertexResult
from flows.messages import MessageRecord
from tests.flows.running import RecordingJournal, build
from tests.flows.steps import PATIENCE, StepFields, links, pass_on, run_steps, step_graph, steps


class Ended(BaseException):
    """The control flow of a pass that was lost, as a journal raises it."""


def test_a_failing_vertex_is_named_with_its_reason() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "b":
            raise ValueError("the well is dry")
        return await pass_on(inputs, context)

    journal = RecordingJournal()
    with pytest.raises(VertexFailed) as caught:
        run_steps(links("a > b", "b > c"), work, journal=journal)
    assert (caught.value.vertex_id, caught.value.reason) == ("b", "the well is dry")
    assert str(caught.value) == "Error building Step (b): the well is dry"
    assert isinstance(caught.value.__cause__, ValueError)
    assert journal.finished == ["a"]


def test_a_failure_without_a_message_is_named_by_its_type() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        raise KeyError

    with pytest.raises(VertexFailed, match=r"Error building Step \(a\): KeyError$"):
        run_steps([], work, alone=["a"])


@pytest.mark.parametrize("leaves", [SystemExit(1), StopIteration(), StopAsyncIteration()])
def test_a_component_that_would_leave_fails_its_vertex_only(leaves: BaseException) -> None:
    """Neither its loop nor its process ends for it."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        raise leaves

    with pytest.raises(VertexFailed) as caught:
        run_steps([], work, alone=["a"])
    assert caught.value.vertex_id == "a"


class _Unspeakable(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_that_cannot_be_read_is_named_by_its_type() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        raise _Unspeakable

    with pytest.raises(VertexFailed) as caught:
        run_steps([], work, alone=["a"])
    assert caught.value.reason == "_Unspeakable"


def test_a_cancellation_that_nobody_asked_for_fails_its_vertex() -> None:
    """A task group would take it for a quiet end, and the flow for finished."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        waited_for: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waited_for.cancel()
        await waited_for
        return {}

    with pytest.raises(VertexFailed) as caught:
        run_steps(links("a > b"), work)
    assert (caught.value.vertex_id, caught.value.reason) == ("a", "what it waited for was cancelled")


def test_a_failing_vertex_cancels_its_siblings() -> None:
    begun = asyncio.Event()
    cancelled: list[str] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "fails":
            await begun.wait()
            raise ValueError("no")
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(context.vertex_id)
            raise
        return {}

    journal = RecordingJournal()
    with pytest.raises(VertexFailed, match="fails"):
        run_steps([], work, alone=["fails", "sibling"], journal=journal)
    assert (cancelled, journal.finished) == (["sibling"], [])


def test_of_two_failures_the_first_is_reported() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "first":
            raise ValueError("first")
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("second")

    with pytest.raises(VertexFailed) as caught:
        run_steps([], work, alone=["second", "first"])
    assert caught.value.vertex_id == "first"


@pytest.mark.parametrize("returned", [None, 5, ["left"]])
def test_a_vertex_that_returns_no_outputs_by_name_fails(returned: Any) -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Any:
        return returned

    with pytest.raises(VertexFailed) as caught:
        run_steps([], work, alone=["a"])
    assert caught.value.vertex_id == "a"


def test_a_value_without_codec_fails_its_vertex_with_the_path() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Any:
        return {"left": {"tags": {"a set"}}}

    journal = RecordingJournal()
    with pytest.raises(VertexFailed) as caught:
        run_steps(links("a > b"), work, journal=journal)
    assert caught.value.vertex_id == "a"
    assert caught.value.reason.startswith("left.tags: a value of type set has no codec.")
    assert journal.finished == []


class _EndsAt(RecordingJournal):
    """A journal whose pass is lost when one vertex is to be written."""

    def __init__(self, vertex_id: str) -> None:
        super().__init__()
        self._vertex_id = vertex_id

    def finish(
        self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord], spent: int = 0
    ) -> None:
        if result.vertex_id == self._vertex_id:
            raise Ended
        super().finish(result, events, messages, spent)


def test_what_the_journal_raises_ends_the_pass() -> None:
    journal = _EndsAt("b")
    with pytest.raises(Ended):
        run_steps(links("a > b", "b > c"), pass_on, journal=journal)
    assert journal.finished == ["a"]


@pytest.mark.parametrize("first", ["fails", "ends"])
def test_the_end_of_a_pass_stands_before_a_failed_vertex(first: str) -> None:
    """Whichever came first: who lost the pass must not report a failure that it may not write."""
    begun = asyncio.Barrier(2)

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        await begun.wait()
        if context.vertex_id != first:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        if context.vertex_id == "fails":
            raise ValueError("no")
        return await pass_on(inputs, context)

    with pytest.raises(Ended):
        run_steps([], work, alone=["fails", "ends"], journal=_EndsAt("ends"))


def test_a_cancelled_pass_cancels_its_vertices_and_writes_nothing_more() -> None:
    begun = asyncio.Event()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        begun.set()
        await asyncio.Event().wait()
        return {}

    async def cancel() -> RecordingJournal:
        journal = RecordingJournal()
        task = asyncio.create_task(build(step_graph(steps([], ["a"]), work), journal))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return journal

    assert asyncio.run(cancel()).milestones == []


def test_nothing_starts_after_the_pass_is_lost() -> None:
    """A vertex that waits for a free slot is not built when the pass ended meanwhile (I7)."""
    began: list[str] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        began.append(context.vertex_id)
        return await pass_on(inputs, context)

    with pytest.raises(Ended):
        run_steps([], work, alone=["a", "b", "c"], journal=_EndsAt("a"), pace=Pace(max_parallel=1))
    assert began == ["a"]
