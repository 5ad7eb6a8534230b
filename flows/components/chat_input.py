"""ChatInput: where the text of the request enters a flow."""

from typing import ClassVar

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.values import Message


class ChatInputFields(Inputs):
    input_value: Text = ""
    sender: str = "User"
    sender_name: Text = "User"
    session_id: Text = ""
    context_id: Text = ""
    files: tuple[str, ...] | str | None = ()
    should_store_message: bool = True


class ChatInput(Component[ChatInputFields]):
    """Says the request's text, or its own stored text when the request has none."""

    types = ("ChatInput",)
    inputs = ChatInputFields
    outputs: ClassVar = {"message": Port(("Message",))}

    async def build(self, inputs: ChatInputFields, context: VertexContext) -> Outputs:
        stored = (inputs.files,) if isinstance(inputs.files, str) else tuple(inputs.files or ())
        message = Message(
            text=context.run.input_value or inputs.input_value,
            sender=inputs.sender,
            sender_name=inputs.sender_name,
            session_id=inputs.session_id or context.run.session_id,
            context_id=inputs.context_id,
            files=context.run.files or tuple(file for file in stored if file),
        )
        context.show(message, stored=inputs.should_store_message)
        return {"message": message}
