"""TextInput: a text that stands in the flow itself."""

from typing import ClassVar

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.values import Message


class TextInputFields(Inputs):
    input_value: Text = ""


class TextInput(Component[TextInputFields]):
    """Passes its text on."""

    types = ("TextInput",)
    inputs = TextInputFields
    outputs: ClassVar = {"text": Port(("Message",))}

    async def build(self, inputs: TextInputFields, context: VertexContext) -> Outputs:
        return {"text": Message(inputs.input_value)}
