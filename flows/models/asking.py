"""The way to models: one request, streamed, or the model itself for what speaks to it more than once."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.models.clients import make_model
from flows.models.failures import ModelFailed, told
from flows.models.patience import Patience
from flows.models.providers import provider_named
from flows.outbound.client import Outbound
from flows.values import LanguageModel, Usage

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, UserContent
    from pydantic_ai.models import Model, StreamedResponse


@dataclass(frozen=True)
class ModelCall:
    """One request: who is asked with which key, what it is told and asked. `images` are http(s) or data URLs."""

    model: LanguageModel
    api_key: str = field(repr=False)
    system: str
    prompt: str
    images: Sequence[str] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    idempotency_key: str | None = None
    """The same for every try of one visit of a vertex; sent as `Idempotency-Key` (rule 6)."""


@dataclass(frozen=True)
class ModelTools:
    """The way to models, whatever names, endpoints and keys are asked for: by the one client of the loop (I10)."""

    outbound: Outbound
    patience: Patience = Patience()

    async def stream(self, call: ModelCall) -> AsyncGenerator[str | Usage]:
        """The answer piece by piece as it comes, then what it cost. Raises `ModelFailed`.

        Whoever does not read it to its end closes it, and so the connection: `contextlib.aclosing`.
        """
        # The import takes a second; only flows with a model pay for it.
        from pydantic_ai.direct import model_request_stream

        try:
            model = self.model(call.model, call.api_key)
            async with model_request_stream(model, _messages(call), model_settings=_settings(call)) as stream:
                async for event in stream:
                    if chunk := _text_of(event):
                        yield chunk
            _check_answered(stream)
            yield Usage(stream.usage.input_tokens, stream.usage.output_tokens)
        except Exception as error:
            raise self.explain(error, call.model, call.api_key) from error

    def model(self, handle: LanguageModel, key: str) -> "Model":
        """The model of a handle, for the loop of this run, with all patience in it. What it raises is for `explain`.

        Raises `ProviderUnknown`, or `ExtraMissing` when its library is not installed.
        """
        from flows.models.carried_images import CarriedImages
        from flows.models.transport import PatientTransport

        client = self.outbound.client_through(lambda transport: PatientTransport(transport, self.patience))
        model = make_model(handle, key, client)
        return CarriedImages(model, None if provider_named(handle.provider).fetches_images else self.outbound)

    def explain(self, error: Exception, handle: LanguageModel, key: str) -> ModelFailed:
        """What went wrong with a model, and what to do about it, in a message without the key."""
        return told(error, handle, key, self.patience)


def _messages(call: ModelCall) -> "list[ModelMessage]":
    from pydantic_ai.messages import ImageUrl, ModelRequest, SystemPromptPart, UserPromptPart

    content: list[UserContent] = [call.prompt, *(ImageUrl(url) for url in call.images)]
    user = UserPromptPart(content if call.images else call.prompt)
    return [ModelRequest([SystemPromptPart(call.system), user] if call.system else [user])]


def _settings(call: ModelCall) -> Any:
    headers = {"Idempotency-Key": call.idempotency_key} if call.idempotency_key else None
    settings = {"temperature": call.temperature, "max_tokens": call.max_tokens, "extra_headers": headers}
    return {name: value for name, value in settings.items() if value is not None}


def _check_answered(stream: "StreamedResponse") -> None:
    from pydantic_ai.exceptions import ContentFilterError

    if stream.finish_reason == "content_filter":
        raise ContentFilterError("The answer ended with the finish reason content_filter.")


def _text_of(event: Any) -> str:
    from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta

    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
    return ""
