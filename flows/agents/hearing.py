"""How one answer of a model is heard: piece by piece, bounded, and so that all of it can be stored."""

import json
from collections.abc import AsyncIterable, Callable
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import (
    ModelResponse,
    ModelResponsePart,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)

from flows.models.failures import ModelFailed
from flows.text import MAX_TEXT, storable

MAX_CALLS = 100
"""Calls of tools in one turn (I10): each of them is a transaction, and they are made at the same time."""


async def hear(events: AsyncIterable[Any], on_text: Callable[[str], object]) -> None:
    """Hands on each piece of text as it comes. Raises `ModelFailed` for an answer that is larger than it may be."""
    size = calls = 0
    async for event in events:
        text, more = _piece(event)
        size += len(text) + more
        calls += isinstance(event, PartStartEvent) and isinstance(event.part, ToolCallPart)
        if size > MAX_TEXT:
            raise ModelFailed(f"the answer grows beyond {MAX_TEXT} characters")
        if calls > MAX_CALLS:
            raise ModelFailed(f"the model wants more than {MAX_CALLS} calls of tools in one turn")
        if text:
            on_text(storable(text))


def with_own_ids(response: ModelResponse, turn: int) -> ModelResponse:
    """An answer whose calls have ids of ours: a model's server may give any, and the same one twice."""
    parts = [_own(part, f"call_{turn}_{number}") for number, part in enumerate(response.parts)]
    return replace(response, parts=parts)


def _own(part: ModelResponsePart, id: str) -> ModelResponsePart:
    match part:
        case TextPart() | ThinkingPart():
            return replace(part, content=storable(part.content))
        case ToolCallPart():
            return _own_call(part, id)
    return part


def _own_call(part: ToolCallPart, id: str) -> ToolCallPart:
    args = part.args if isinstance(part.args, str) or part.args is None else json.dumps(part.args)
    return replace(part, tool_call_id=id, tool_name=storable(part.tool_name), args=storable(args or "{}"))


def _piece(event: Any) -> tuple[str, int]:
    """The text of an event, and the size of what else it brings."""
    match event:
        case PartStartEvent(part=TextPart(content=text)):
            return text, 1
        case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return text, 1
        case PartStartEvent(part=ToolCallPart(args=args)) | PartDeltaEvent(delta=ToolCallPartDelta(args_delta=args)):
            return "", 1 + len(str(args))
        case (
            PartStartEvent(part=ThinkingPart(content=text))
            | PartDeltaEvent(delta=ThinkingPartDelta(content_delta=text))
        ):
            return "", 1 + len(text or "")
    return "", 1
