"""An answer that ends without saying why is one that broke off: for providers whose libraries let it pass."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import ModelRequestParameters, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings


class WholeAnswers(WrapperModel):
    """Raises `ModelAPIError` behind an answer that was read to its end and has none."""

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: Any = None,
    ) -> AsyncGenerator[StreamedResponse]:
        async with super().request_stream(messages, model_settings, model_request_parameters, run_context) as response:
            yield response
        if response.finish_reason is None and response.get().state == "complete":
            raise ModelAPIError(self.model_name, "The answer ended without saying why.")
