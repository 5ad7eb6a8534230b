"""Pass: a message goes through unchanged."""

from typing import Any, ClassVar

from flows.component import Component, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.text import to_text
from flows.values import Message


class PassFields(Inputs):
    input_message: Any
    ignored_message: Any = None


class Pass(Component[PassFields]):
    """Passes `input_message` on; `ignored_message` only makes it wait."""

    types = ("Pass",)
    inputs = PassFields
    outputs: ClassVar = {"output_message": Port(("Message",))}

    async def build(self, inputs: PassFields, context: VertexContext) -> Outputs:
        given = inputs.input_message
        return {"output_message": given if isinstance(given, Message) else Message(to_text(given))}
