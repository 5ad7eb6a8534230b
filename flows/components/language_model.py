"""LanguageModelComponent: one request to a language model, streamed."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar

from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.files import is_elsewhere
from flows.models import NO_KEY, OPENAI_BASE_URL, ModelCall
from flows.text import MAX_TEXT, to_text
from flows.values import LanguageModel as ModelHandle
from flows.values import Message, Source, Usage

SHOWN_BY = ("ChatOutput",)
KEY_VARIABLE = "OPENAI_API_KEY"
"""The variable that holds the key where the template has none."""
MAX_IMAGE_BYTES = 50_000_000
"""Bytes of all uploaded images of one request (I10)."""


class LanguageModelFields(Inputs):
    input_value: Any = ""
    system_message: Text = ""
    model: Any = None
    model_name: str = ""
    base_url: str = ""
    api_key: str = ""
    temperature: float = 0.1
    max_tokens: int = 0


class LanguageModel(Component[LanguageModelFields]):
    """Asks any OpenAI-compatible endpoint. Tokens are streamed when the answer goes straight to a ChatOutput.

    Model, endpoint and key come from the template, then from the settings. Running it again costs money, not harm.
    """

    types = ("LanguageModelComponent",)
    inputs = LanguageModelFields
    outputs: ClassVar = {"text_output": Port(("Message",)), "model_output": Port(("LanguageModel",))}
    effect = Effect.IDEMPOTENT
    variables = (KEY_VARIABLE,)

    async def build(self, inputs: LanguageModelFields, context: VertexContext) -> Outputs:
        handle = _handle(inputs, context)
        outputs: dict[str, Any] = {"model_output": handle}
        if context.surroundings.is_wanted("text_output"):
            outputs["text_output"] = await _ask(handle, inputs, context)
        return outputs


async def _ask(handle: ModelHandle, inputs: LanguageModelFields, context: VertexContext) -> Message:
    call = await _call(handle, inputs, context)
    source = Source(context.vertex_id, context.surroundings.display_name, handle.name)
    shown_by = context.surroundings.first_behind("text_output", SHOWN_BY)
    opened = Message("", sender="Machine", sender_name="AI", session_id=context.run.session_id, source=source)
    message_id = context.open_message(opened, shown_by) if shown_by else None
    pieces: list[str] = []
    length = 0
    usage: Usage | None = None
    async for piece in context.tools.models.stream(call):
        if isinstance(piece, Usage):
            usage = piece
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
        name=handle.name,
        base_url=handle.base_url,
        api_key=_key(handle, context),
        system=inputs.system_message,
        prompt=message.text,
        images=[image async for image in _images(message.files, context)],
        temperature=inputs.temperature,
        max_tokens=inputs.max_tokens or None,
        idempotency_key=context.idempotency_key,
    )


def _key(handle: ModelHandle, context: VertexContext) -> str:
    """The key that the flow names for its endpoint; without one the user's variable or the settings' key, which go to
    the settings' endpoint only: a flow that names another one must not get them."""
    own = context.surroundings.field(handle.vertex_id, "api_key")
    if own:
        return own
    defaults = context.tools.model_defaults
    if handle.base_url != (defaults.base_url or OPENAI_BASE_URL):
        return NO_KEY
    return context.tools.variable(KEY_VARIABLE) or defaults.api_key or NO_KEY


def _handle(inputs: LanguageModelFields, context: VertexContext) -> ModelHandle:
    """Which model to ask: one that an edge brings, else the one that the fields name, else the one of the settings."""
    if isinstance(inputs.model, ModelHandle):
        return inputs.model
    defaults = context.tools.model_defaults
    name = inputs.model_name or _selected_name(inputs.model) or defaults.name
    if not name:
        raise ValueError("no model is named. Choose one in the flow or set PENSTOCK_MODEL_NAME.")
    return ModelHandle(context.vertex_id, name, inputs.base_url or defaults.base_url or OPENAI_BASE_URL)


def _selected_name(selection: Any) -> str:
    """The name in the editor's model field: a name, or a list whose first entry has one."""
    if isinstance(selection, list) and selection:
        selection = selection[0]
    if isinstance(selection, dict):
        selection = selection.get("name")
    return selection if isinstance(selection, str) else ""


async def _images(files: Sequence[str], context: VertexContext) -> AsyncIterator[str]:
    """Each file as a URL that a model can read: one that was uploaded travels whole."""
    size = 0
    for file in files:
        if is_elsewhere(file):
            yield file
            continue
        found = await context.tools.files.read(file)
        size += len(found.content)
        if not found.media_type.startswith("image/"):
            raise ValueError(f"the file {found.name!r} is no image, and nothing else can be shown to a model.")
        if size > MAX_IMAGE_BYTES:
            raise ValueError(f"the images have more than {MAX_IMAGE_BYTES} bytes together.")
        yield f"data:{found.media_type};base64,{b64encode(found.content).decode()}"
