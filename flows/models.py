"""The one place that makes a model from name, key and base URL, and speaks to it through pydantic-ai."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.outbound.client import Outbound
from flows.values import Usage

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, UserContent
    from pydantic_ai.models.openai import OpenAIChatModel

OPENAI_BASE_URL = "https://api.openai.com/v1"
NO_KEY = "none"
"""What an endpoint that asks for no key is sent."""
REDACTED = "***"
"""What stands in the place of a secret."""


class ModelFailed(Exception):
    """A model call failed; the message says why, in the provider's words."""


@dataclass(frozen=True)
class ModelDefaults:
    """What is used where a flow names no model, endpoint or key."""

    name: str | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ModelCall:
    """One request: which model, where, what it is told and asked. `images` are http(s) or data URLs."""

    name: str
    base_url: str
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

    async def stream(self, call: ModelCall) -> AsyncIterator[str | Usage]:
        """The answer piece by piece as it comes, then what it cost. Raises `ModelFailed`, or `OutboundRefused`, without
        another try, for an endpoint that may not be called."""
        # The import takes a second; only flows with a model pay for it.
        from pydantic_ai.direct import model_request_stream
        from pydantic_ai.exceptions import AgentRunError, UserError

        try:
            async with model_request_stream(
                self._model(call), _messages(call), model_settings=_settings(call)
            ) as stream:
                async for event in stream:
                    if chunk := _text_of(event):
                        yield chunk
                usage = stream.usage
                yield Usage(usage.input_tokens, usage.output_tokens)
        except (AgentRunError, UserError) as error:
            told = str(error) if call.api_key == NO_KEY else str(error).replace(call.api_key, REDACTED)
            raise ModelFailed(f"The model {call.name!r} at {call.base_url} failed: {told}") from error

    def _model(self, call: ModelCall) -> "OpenAIChatModel":
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        provider = OpenAIProvider(base_url=call.base_url, api_key=call.api_key, http_client=self.outbound.http)
        return OpenAIChatModel(call.name, provider=provider)


def _messages(call: ModelCall) -> "list[ModelMessage]":
    from pydantic_ai.messages import ImageUrl, ModelRequest, SystemPromptPart, UserPromptPart

    content: list[UserContent] = [call.prompt, *(ImageUrl(url) for url in call.images)]
    user = UserPromptPart(content if call.images else call.prompt)
    return [ModelRequest([SystemPromptPart(call.system), user] if call.system else [user])]


def _settings(call: ModelCall) -> Any:
    headers = {"Idempotency-Key": call.idempotency_key} if call.idempotency_key else None
    settings = {"temperature": call.temperature, "max_tokens": call.max_tokens, "extra_headers": headers}
    return {name: value for name, value in settings.items() if value is not None}


def _text_of(event: Any) -> str:
    from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta

    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text
    return ""
