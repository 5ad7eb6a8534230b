"""Images go along with what is asked, so that no provider's library fetches one by a way of its own (fault F7)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import (
    BinaryContent,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from flows.errors import OutboundFailed
from flows.outbound.client import Outbound, OutboundCall, host_of

DATA = "data:"


class CarriedImages(WrapperModel):
    """Sends the image that a data URL holds. One that is elsewhere is fetched here, unless its provider fetches it
    where it stands (`outbound` None).

    Raises `OutboundFailed` when it cannot be fetched.
    """

    def __init__(self, wrapped: Model, outbound: Outbound | None) -> None:
        super().__init__(wrapped)
        self._outbound = outbound

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        return await super().request(await self._carrying(messages), model_settings, model_request_parameters)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[StreamedResponse]:
        carrying = await self._carrying(messages)
        async with super().request_stream(carrying, model_settings, model_request_parameters, run_context) as response:
            yield response

    async def _carrying(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        return [
            replace(message, parts=[await self._part(part) for part in message.parts])
            if isinstance(message, ModelRequest)
            else message
            for message in messages
        ]

    async def _part(self, part: ModelRequestPart) -> ModelRequestPart:
        if not isinstance(part, UserPromptPart) or isinstance(part.content, str):
            return part
        return replace(part, content=[await self._content(item) for item in part.content])

    async def _content(self, item: UserContent) -> UserContent:
        if not isinstance(item, ImageUrl):
            return item
        if item.url.startswith(DATA):
            return BinaryContent.from_data_uri(item.url)
        return item if self._outbound is None else await _fetched(item.url, self._outbound)


async def _fetched(url: str, outbound: Outbound) -> BinaryContent:
    found = await outbound.call(OutboundCall(url))
    media_type = found.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found.status != 200 or not media_type.startswith("image/"):
        raise OutboundFailed(host_of(url), "there is no image at this address")
    return BinaryContent(found.content, media_type=media_type)
