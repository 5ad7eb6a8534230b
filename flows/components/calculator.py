"""CalculatorComponent: the value of an arithmetic expression."""

from typing import ClassVar

from flows.arithmetic import calculate, written
from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.values import Data


class CalculatorFields(Inputs):
    expression: Text = ""


class Calculator(Component[CalculatorFields]):
    """Calculates with numbers and `+ - * / // % **`; anything else in its expression fails it."""

    types = ("CalculatorComponent",)
    inputs = CalculatorFields
    outputs: ClassVar = {"result": Port(("JSON",))}
    actions: ClassVar = {"evaluate_expression": "result"}

    async def build(self, inputs: CalculatorFields, context: VertexContext) -> Outputs:
        return {"result": calculated(inputs.expression)}


def calculated(expression: str) -> Data:
    """The value as a record whose text it is, as a tool answers with it. Raises `ValueError`."""
    return Data({"result": written(calculate(expression))}, text_key="result")
