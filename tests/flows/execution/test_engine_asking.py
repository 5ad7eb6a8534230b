"""flows/execution/engine.py: vertices that need the decision of a person."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from flows.component import Outputs
from flows.context import VertexContext
from flows.deciding import rule
from flows.errors import VertexFailed
from flows.events import EventType
from flows.execution.engine import Engine, Progress
from flows.graph import Graph
from flows.human import ActionRequest, Decision, HumanRequest, Option, RequestKind
from flows.values import Message
from tests.flows.asking import APPROVE, QUESTION, Interview
from tests.flows.steps import PATIENCE, StepFields, Work, links, step_graph, steps

REJECT = Decision("reject")
APPROVAL = HumanRequest(RequestKind.TOOL_APPROVAL, "May I?", (Option("approve", "Approve"),))


async def ask_or_pass(inputs: StepFields, context: VertexContext) -> Outputs:
    """A vertex whose name begins with `ask` asks, and says what was decided; every other says its own id."""
    if not context.vertex_id.startswith("ask"):
        return {"left": Message(context.vertex_id)}
    return {"left": Message(str(context.ask(QUESTION).action_id))}


def graph_of(*edges: str, work: Work = ask_or_pass) -> Graph:
    return step_graph(steps(links(*edges)), work)


def asking_for(*requests: HumanRequest) -> Work:
    """A vertex `ask` that asks one request after the other and says all decisions; every other says its own id."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id != "ask":
            return {"left": Message(context.vertex_id)}
        return {"left": Message(" ".join(str(context.ask(request).action_id) for request in requests))}

    return work


def said(interview: Interview, vertex_id: str) -> object:
    message = interview.outputs(vertex_id)["left"]
    assert isinstance(message, Message)
    return message.text


def test_a_vertex_that_needs_a_decision_waits_while_independent_branches_go_on() -> None:
    interview = Interview()
    assert interview.go_through(graph_of("ask > after", "a > b", "b > c")) is Progress.WAITING
    assert interview.finished == ["a", "b", "c"]


def test_what_needs_an_undecided_vertex_waits_with_it() -> None:
    interview = Interview()
    assert interview.go_through(graph_of("a > both.x", "ask > both.y")) is Progress.WAITING
    assert interview.finished == ["a"]


def test_a_question_is_told_behind_the_placeholder_of_its_vertex() -> None:
    """Contract 4.2: its own `end_vertex`, without outputs, then the question."""
    interview = Interview()
    interview.go_through(graph_of("ask > after"))
    placeholder, question = interview.milestones
    assert (placeholder.type, question.type) == (EventType.END_VERTEX, EventType.HUMAN_INPUT_REQUIRED)
    assert placeholder.data["build_data"]["id"] == "ask"
    assert question.data["prompt"] == QUESTION.prompt


def test_a_run_goes_on_from_the_decision_and_builds_only_what_is_missing() -> None:
    """I6."""
    interview, graph = Interview(), graph_of("a > ask", "ask > after", "b > c")
    interview.go_through(graph)
    interview.answer("ask", REJECT)
    assert interview.go_through(graph) is Progress.DONE
    assert sorted(interview.finished) == ["a", "after", "ask", "b", "c"]
    assert (said(interview, "ask"), interview.askers) == ("reject", ["ask"])


def test_a_pass_that_finds_a_question_open_does_not_ask_it_again() -> None:
    interview, graph = Interview(), graph_of("ask > after")
    interview.go_through(graph)
    told = list(interview.milestones)
    assert interview.go_through(graph) is Progress.WAITING
    assert interview.milestones == told


@pytest.mark.parametrize("order", list(permutations(["ask1", "ask2", "ask3"])))
def test_each_answer_stands_alone_in_any_order(order: tuple[str, ...]) -> None:
    """B8: each branch runs once, as soon as it is decided on."""
    interview = Interview()
    graph = graph_of("ask1 > after1", "ask2 > after2", "ask3 > after3")
    assert interview.go_through(graph) is Progress.WAITING
    for number, vertex_id in enumerate(order, 1):
        interview.answer(vertex_id, Decision(vertex_id))
        assert interview.go_through(graph) is (Progress.DONE if number == len(order) else Progress.WAITING)
        assert interview.finished[-2:] == [vertex_id, vertex_id.replace("ask", "after")]
        assert said(interview, vertex_id) == vertex_id
    assert len(interview.finished) == 6
    assert sorted(interview.askers) == sorted(order)


def test_a_revisit_brings_each_vertex_that_is_decided_on_once() -> None:
    interview, graph = Interview(), graph_of("ask1 > a", "ask2 > b")
    engine = interview.engine(graph)
    asyncio.run(engine.run(engine.restore()))
    assert engine.revisit([]) == []
    asked = interview.answer("ask2")
    assert (engine.revisit(asked), engine.revisit(asked)) == (["ask2"], [])


def test_an_answer_that_comes_while_other_branches_run_is_gone_on_from_at_once() -> None:
    """The other branch ends only behind what the answer starts."""
    interview, gone_on = Interview(), asyncio.Event()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "other":
            await gone_on.wait()
        if context.vertex_id == "after":
            gone_on.set()
        return await ask_or_pass(inputs, context)

    engine = interview.engine(graph_of("ask > after", "other > last", work=work))

    async def answer() -> None:
        await interview.was_asked.wait()
        engine.go_on(interview.answer("ask"))

    async def run() -> Progress:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(answer())
            return await asyncio.wait_for(engine.run(engine.restore()), PATIENCE)

    assert asyncio.run(run()) is Progress.DONE
    assert interview.finished == ["ask", "after", "other", "last"]


def test_an_answer_that_comes_behind_the_end_of_a_pass_is_left_to_the_next_one() -> None:
    interview, graph = Interview(), graph_of("ask > after")
    engine = interview.engine(graph)
    asyncio.run(engine.run(engine.restore()))
    engine.go_on(interview.answer("ask"))
    assert interview.finished == []
    assert interview.go_through(graph) is Progress.DONE


def test_an_answer_starts_nothing_in_a_run_that_has_failed() -> None:
    """I7: a sibling failed, and the pass only waits for what outlives its cancellation."""
    interview, waits = Interview(), asyncio.Event()
    engines: list[Engine] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "fails":
            await interview.was_asked.wait()
            await waits.wait()
            raise ValueError("no")
        if context.vertex_id == "stubborn":
            try:
                waits.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                engines[0].go_on(interview.answer("ask"))
                await asyncio.sleep(0)
        return await ask_or_pass(inputs, context)

    engines.append(interview.engine(graph_of("ask > after", "fails > a", "stubborn > b", work=work)))
    with pytest.raises(VertexFailed, match="fails"):
        asyncio.run(engines[0].run(engines[0].restore()))
    assert interview.finished == ["stubborn"]


def test_a_vertex_is_built_again_from_its_start_and_earlier_decisions_are_replayed() -> None:
    first, second = QUESTION, replace(QUESTION, prompt="And this?")
    interview, graph = Interview(), graph_of("ask > after", work=asking_for(first, second))
    assert interview.go_through(graph) is Progress.WAITING
    interview.answer("ask", REJECT)
    assert interview.go_through(graph) is Progress.WAITING
    interview.answer("ask", APPROVE)
    assert interview.go_through(graph) is Progress.DONE
    assert said(interview, "ask") == "reject approve"
    assert [request.prompt for request in interview.asked] == ["Go on?", "And this?"]


def test_the_answer_to_one_question_is_not_that_to_the_next_one_that_is_like_it() -> None:
    """B7."""
    interview, graph = Interview(), graph_of("ask > after", work=asking_for(QUESTION, QUESTION))
    interview.go_through(graph)
    interview.answer("ask", REJECT)
    assert interview.go_through(graph) is Progress.WAITING
    assert len(interview.asked) == 2
    interview.answer("ask", APPROVE)
    assert interview.go_through(graph) is Progress.DONE
    assert said(interview, "ask") == "reject approve"


def test_two_vertices_that_ask_alike_have_each_an_answer_of_their_own() -> None:
    interview, graph = Interview(), graph_of("ask1 > a", "ask2 > b")
    interview.go_through(graph)
    interview.answer("ask1", REJECT)
    assert interview.go_through(graph) is Progress.WAITING
    assert interview.finished == ["ask1", "a"]


@pytest.mark.parametrize(
    "later", [ActionRequest("pay_all", {"amount": 3}), ActionRequest("pay", {"amount": 4})], ids=["tool", "arguments"]
)
def test_an_approval_of_one_call_is_none_of_another(later: ActionRequest) -> None:
    """B5: a model that changes its mind between question and answer is asked for again; only what was approved is
    done."""
    wants = [ActionRequest("pay", {"amount": 3})]
    done: list[tuple[str, Mapping[str, Any]]] = []

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "ask":
            request = replace(APPROVAL, action_requests=tuple(wants))
            done.extend((call.name, call.args) for call in rule(request, context.ask(request)))
        return {"left": Message("x")}

    interview, graph = Interview(), graph_of("ask > after", work=work)
    interview.go_through(graph)
    interview.answer("ask")
    wants[:] = [later]
    assert interview.go_through(graph) is Progress.WAITING
    assert (done, len(interview.asked)) == ([], 2)
    interview.answer("ask")
    assert interview.go_through(graph) is Progress.DONE
    assert done == [(later.name, later.args)]


def test_a_component_that_catches_every_error_asks_all_the_same() -> None:
    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        try:
            return await ask_or_pass(inputs, context)
        except Exception:  # noqa: BLE001 - what many components do
            return {"left": Message("caught")}

    interview = Interview()
    assert interview.go_through(graph_of("ask > after", work=work)) is Progress.WAITING


def test_a_plain_function_may_ask() -> None:
    def work(inputs: StepFields, context: VertexContext) -> Outputs:
        return {"left": Message(str(context.ask(QUESTION).action_id))}

    interview, graph = Interview(), step_graph(steps([], ["ask"]), work)
    assert interview.go_through(graph) is Progress.WAITING
    interview.answer("ask", REJECT)
    assert interview.go_through(graph) is Progress.DONE
    assert said(interview, "ask") == "reject"


def test_a_question_that_cannot_be_stored_fails_its_vertex() -> None:
    unsayable = asking_for(replace(QUESTION, prompt="half a character: \ud800"))
    with pytest.raises(VertexFailed, match=r"Step \(ask\)"):
        Interview().go_through(graph_of("ask > after", work=unsayable))


def test_a_vertex_that_fails_ends_a_run_in_which_another_waits() -> None:
    interview = Interview()

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        if context.vertex_id == "fails":
            await interview.was_asked.wait()
            raise ValueError("no")
        return await ask_or_pass(inputs, context)

    with pytest.raises(VertexFailed, match="fails"):
        interview.go_through(graph_of("ask > after", "fails > b", work=work))
