"""TextOutput: a text that the flow answers with, outside the chat."""

from typing import ClassVar

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.values import Message


class TextOutputFields(Inputs):
    input_value: Text = ""


class TextOutput(Component[TextOutputFields]):
    """Answers with its text; nothing is shown in the chat or stored in its memory."""

    types = ("TextOutput",)
    inputs = TextOutputFields
    outputs: ClassVar = {"text": Port(("Message",))}
    is_output = True

    async def build(self, inputs: TextOutputFields, context: VertexContext) -> Outputs:
        return {"text": Message(inputs.input_value)}
