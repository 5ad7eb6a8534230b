"""CalculatorComponent: the value of an arithmetic expression."""

from collections.abc import Callable

import pytest

from flows.errors import VertexFailed
from flows.graph import Graph
from flows.values import Data, Message, Value
from tests.flows.components.producing import produce
from tests.flows.running import request, run
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import TEXT, Exported, Shape

SHAPE = Shape("Calculator", {"expression": TEXT}, {"result": ["JSON"]})


def a_calculator(**fields: str) -> Exported:
    return node("CalculatorComponent", "c", shape=SHAPE, **fields)


@pytest.mark.parametrize("expression", [Message("6*7"), Data({"text": "6*7"}), "6*7"])
def test_the_result_is_a_record_with_the_number_as_text(expression: Value) -> None:
    result = produce(a_calculator(), expression=expression).outputs("c")["result"]
    assert result == Data({"result": "42"}, text_key="result")


def test_a_stored_expression_is_calculated() -> None:
    assert produce(a_calculator(expression="1+1")).outputs("c") == {"result": Data({"result": "2"}, text_key="result")}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "is no arithmetic"),
        ("open('x')", "is no arithmetic"),
        ("1/0", "division by zero"),
        ("9**9**9", "too large"),
    ],
)
def test_an_expression_that_cannot_be_calculated_fails_its_vertex(expression: str, reason: str) -> None:
    with pytest.raises(VertexFailed, match=reason):
        produce(a_calculator(expression=expression))


def test_a_calculator_from_the_palette_answers_in_a_flow(load: Callable[[Exported], Graph]) -> None:
    asked, calculator = node("ChatInput", "i"), from_palette("CalculatorComponent.json", "c")
    answered = node("ChatOutput", "o")
    edges = [edge(asked, "message", calculator, "expression"), edge(calculator, "result", answered, "input_value")]
    [_, answer] = run(load(flow([asked, calculator, answered], edges)), request("4*4*(33/22)+12-20")).messages
    assert answer.message.text == "16"
