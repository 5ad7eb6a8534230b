"""A model whose answers are kept: asked again after a crash, it says what it has said (I6)."""

from collections.abc import Callable
from typing import Any, cast

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from flows.agents.display import Display
from flows.agents.hearing import hear, with_own_ids
from flows.agents.trail import ToolCall
from flows.codec import plain
from flows.context import VertexContext
from flows.errors import ValueWithoutCodec
from flows.models.failures import ModelFailed
from flows.text import MAX_TEXT
from flows.values import Json, Usage

FIRST_TURN = "turn_1"
"""The name under which the first turn is kept, and the `opening` with it."""
MAX_DEPTH = 50
"""Containers that the arguments of a call may nest; the message that shows them adds some."""
MAX_CONVERSATION = 2 * MAX_TEXT
"""Characters of all turns and all results of tools together (I10): each pass holds all of them."""


class OutOfTokens(Exception):
    """The model may not be asked again; the agent is to finish with what is there."""


class RecordedModel(WrapperModel):
    """Asks a model turn by turn. Each answer is shown as it comes and stored when it is there.

    Price: a transaction per turn.
    """

    def __init__(
        self,
        wrapped: Model,
        explain: Callable[[Exception], ModelFailed],
        context: VertexContext,
        display: Display,
        opening: Json,
    ) -> None:
        super().__init__(wrapped)
        self._explain = explain
        self._context = context
        self._display = display
        self._opening = opening
        self._turns = 0
        self._length = 0
        """Characters of what was said so far."""
        self.last_text = ""
        """What the model said last."""
        self.usage = Usage()
        """What all its turns have cost."""

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The model's answer: the one that is kept, else a new one. Raises `OutOfTokens` and `ModelFailed`."""
        self._show_faults(messages[-1])
        self._grow(messages[-1])
        self._turns += 1
        turn = f"turn_{self._turns}"
        kept = self._context.kept(turn)
        if kept is not None:
            response = _loaded(kept)
            self._show(response, turn)
        else:
            response = await self._asked(turn, messages, model_settings, model_request_parameters)
        self._grow(response)
        self.last_text = _text_of(response) or self.last_text
        self.usage += Usage(response.usage.input_tokens, response.usage.output_tokens)
        return response

    async def _asked(
        self,
        turn: str,
        messages: list[ModelMessage],
        settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> ModelResponse:
        if not self._context.may_call_model():
            raise OutOfTokens
        key = {"Idempotency-Key": f"{self._context.idempotency_key}:{turn}"}
        keyed = cast("ModelSettings", {**(settings or {}), "extra_headers": key})
        try:
            async with self.wrapped.request_stream(messages, keyed, parameters) as stream:
                await hear(stream, self._display.token)
        except Exception as error:
            raise self._explain(error) from error
        response = with_own_ids(stream.get(), self._turns)
        self._store(turn, response)
        return response

    def _store(self, turn: str, response: ModelResponse) -> None:
        self._context.spend(Usage(response.usage.input_tokens, response.usage.output_tokens))
        self._show(response, turn)
        [dumped] = ModelMessagesTypeAdapter.dump_python([response], mode="json")
        opening = {"opening": self._opening} if turn == FIRST_TURN else {}
        self._context.keep(turn, {"response": dumped, **opening}, self._display.events() if calls_of(response) else ())

    def _show(self, response: ModelResponse, turn: str) -> None:
        """Adds an answer that calls tools to what is shown; any other is the message itself."""
        calls = calls_of(response)
        if calls and (text := _text_of(response)):
            self._display.trail.said(turn, text)
        for call in calls:
            self._display.trail.called(call)

    def _grow(self, said: ModelMessage) -> None:
        """Raises `ModelFailed` when the conversation is larger than it may be."""
        self._length += sum(map(_length_of, said.parts))
        if self._length > MAX_CONVERSATION:
            raise ModelFailed(f"the conversation grows beyond {MAX_CONVERSATION} characters")

    def _show_faults(self, told: ModelMessage) -> None:
        """Shows why calls were not even made: of an unknown tool, or with arguments that are no object."""
        for part in told.parts:
            if isinstance(part, ToolReturnPart) and part.outcome != "success":
                self._display.trail.refused(part.tool_call_id, part.model_response_str())


def calls_of(response: ModelResponse) -> list[ToolCall]:
    """The tools that an answer calls."""
    return [tool_call(part) for part in response.parts if isinstance(part, ToolCallPart)]


def tool_call(part: ToolCallPart) -> ToolCall:
    """A call as the model wants it. Arguments that are no object, or cannot be stored, are shown as none; the
    model is told of its fault."""
    return ToolCall(part.tool_call_id, part.tool_name, _args_of(part))


def _args_of(part: ToolCallPart) -> dict[str, Any]:
    try:
        return storable_args(part.args_as_dict(raise_if_invalid=True))
    except (ValueError, AssertionError):
        return {}


def storable_args(args: dict[str, Any]) -> dict[str, Any]:
    """The arguments themselves. Raises `ValueError` unless they are JSON that can be stored and shown."""
    try:
        plain(args, "arguments", MAX_DEPTH)
    except ValueWithoutCodec as error:
        raise ValueError(f"{error.path[:100]} is no JSON that can be stored") from None
    return args


def _loaded(kept: Any) -> ModelResponse:
    [response] = ModelMessagesTypeAdapter.validate_python([kept["response"]])
    assert isinstance(response, ModelResponse), "only answers are kept"
    return response


def _length_of(part: ModelRequestPart | ModelResponsePart) -> int:
    match part:
        case TextPart() | ThinkingPart():
            return len(part.content)
        case ToolCallPart():
            return len(part.args_as_json_str())
        case ToolReturnPart():
            return len(part.model_response_str())
    return 0


def _text_of(response: ModelResponse) -> str:
    return "".join(part.content for part in response.parts if isinstance(part, TextPart))
