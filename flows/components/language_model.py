"""LanguageModelComponent: one request to a language model, streamed."""

from contextlib import aclosing
from typing import Any, ClassVar

from flows.budget import OUT_OF_TOKENS
from flows.component import Component, Effect, Outputs, Port, Text
from flows.context import VertexContext
from flows.models.asking import ModelCall
from flows.models.choice import ModelFields, choose, key_for
from flows.models.images import images_of
from flows.models.providers import KEY_VARIABLES
from flows.text import MAX_TEXT, to_text
from flows.values import LanguageModel as ModelHandle
from flows.values import Message, Source, Usage

SHOWN_BY = ("ChatOutput",)


class LanguageModelFields(ModelFields):
    input_value: Any = ""
    system_message: Text = ""
    temperature: float = 0.1
    max_tokens: int = 0


class LanguageModel(Component[LanguageModelFields]):
    """Asks a model of any provider. Tokens are streamed when the answer goes straight to a ChatOutput, whatever the
    field `stream` says.

    Running it again costs money, not harm.
    """

    types = ("LanguageModelComponent",)
    inputs = LanguageModelFields
    outputs: ClassVar = {"text_output": Port(("Message",)), "model_output": Port(("LanguageModel",))}
    effect = Effect.IDEMPOTENT
    variables = KEY_VARIABLES

    async def build(self, inputs: LanguageModelFields, context: VertexContext) -> Outputs:
        handle = choose(inputs, context)
        outputs: dict[str, Any] = {"model_output": handle}
        if context.surroundings.is_wanted("text_output"):
            outputs["text_output"] = await _ask(handle, inputs, context)
        return outputs


async def _ask(handle: ModelHandle, inputs: LanguageModelFields, context: VertexContext) -> Message:
    if not context.may_call_model():
        return Message(OUT_OF_TOKENS, session_id=context.run.session_id)
    call = await _call(handle, inputs, context)
    source = Source(context.vertex_id, context.surroundings.display_name, handle.name)
    shown_by = context.surroundings.first_behind("text_output", SHOWN_BY)
    opened = Message("", sender="Machine", sender_name="AI", session_id=context.run.session_id, source=source)
    message_id = context.open_message(opened, shown_by) if shown_by else None
    pieces: list[str] = []
    length = 0
    usage: Usage | None = None
    async with aclosing(context.tools.models.stream(call)) as answer:
        async for piece in answer:
            if isinstance(piece, Usage):
                usage = piece
                context.spend(piece)
                continue
            pieces.append(piece)
            length += len(piece)
            if length > MAX_TEXT:
                raise ValueError(f"the answer grows beyond {MAX_TEXT} characters")
            if message_id:
                context.token(piece, message_id)
    return Message("".join(pieces), session_id=context.run.session_id, source=source, usage=usage)


async def _call(handle: ModelHandle, inputs: LanguageModelFields, context: VertexContext) -> ModelCall:
    given = inputs.input_value
    message = given if isinstance(given, Message) else Message(to_text(given))
    return ModelCall(
        model=handle,
        api_key=key_for(handle, context),
        system=inputs.system_message,
        prompt=message.text,
        images=[image async for image in images_of(message.files, context)],
        temperature=inputs.temperature,
        max_tokens=inputs.max_tokens or None,
        idempotency_key=context.idempotency_key,
    )
