"""penstock/trying.py: a component is built by itself, as its author tests it."""

import threading

import pytest

from flows.component import AnyComponent, Outputs
from flows.components.human_input import HumanInput
from flows.context import VertexContext
from flows.errors import FlowRefused, VertexFailed, VertexTimedOut
from flows.human import Decision, HumanRequest, Option, RequestKind
from flows.values import Data, Message
from penstock.trying import try_out
from tests.flows.steps import PATIENCE, StepFields, Work, step_type


def step(work: Work) -> type[AnyComponent]:
    return step_type(work)


def test_fields_hold_any_value_and_outputs_come_back() -> None:
    """As edges would bring them: not only what JSON can hold."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        return {"left": inputs.x, "right": context.tools.variable("NAME")}

    tried = try_out(step(work), x=Data({"a": 1}), variables={"NAME": "Ann"})
    assert tried.outputs == {"left": Data({"a": 1}), "right": "Ann"}


def test_what_it_logs_is_told() -> None:
    def work(inputs: StepFields, context: VertexContext) -> Outputs:
        context.log("begun")
        context.progress(1, 2)
        return {}

    assert try_out(step(work)).logs == ["begun", "1/2"]


def test_it_fails_as_in_a_run() -> None:
    """With the vertex's own error, also for a value that could not be stored."""

    async def fail(inputs: StepFields, context: VertexContext) -> Outputs:
        raise ValueError("no more ink")

    async def odd(inputs: StepFields, context: VertexContext) -> Outputs:
        return {"left": object()}  # type: ignore[dict-item]

    with pytest.raises(VertexFailed, match="no more ink"):
        try_out(step(fail))
    with pytest.raises(VertexFailed, match="left: a value of type object has no codec"):
        try_out(step(odd))


def test_a_field_that_it_does_not_have_is_refused() -> None:
    with pytest.raises(FlowRefused, match="has no field 'z'"):
        try_out(step(lambda inputs, context: {}), z=1)


def test_it_is_given_up_when_it_takes_too_long() -> None:
    """A plain function is told."""
    gives_up = threading.Event()

    def work(inputs: StepFields, context: VertexContext) -> Outputs:
        while not context.is_cancelled:
            pass
        gives_up.set()
        return {}

    with pytest.raises(VertexTimedOut):
        try_out(step(work), seconds=0.05)
    assert gives_up.wait(PATIENCE)


def test_people_decide_in_turn() -> None:
    """What it asks is told, whether somebody decides or not."""
    asked = try_out(HumanInput, prompt="Pay?")
    assert (len(asked.asked), asked.outputs) == (0, {"branch_approve": Message("Pay?")})

    def work(inputs: StepFields, context: VertexContext) -> Outputs:
        options = (Option("yes", "Yes"), Option("no", "No"))
        first = context.ask(HumanRequest(kind=RequestKind.NODE_INPUT, prompt="One?", options=options))
        second = context.ask(HumanRequest(kind=RequestKind.NODE_INPUT, prompt="Two?", options=options))
        return {"left": f"{first.action_id} {second.action_id}"}

    waiting = try_out(step(work), decisions=[Decision("yes")])
    assert ([request.prompt for request in waiting.asked], waiting.outputs) == (["One?", "Two?"], {})
    assert try_out(step(work), decisions=[Decision("yes"), Decision("no")]).outputs == {"left": "yes no"}
