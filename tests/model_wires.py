"""What models say, in the wire forms of their providers: acts for `ScriptedModels`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.scripted_models import Act, Exchange

INPUT_TOKENS = 7
"""What every prompt costs here; an answer costs one token for each of its pieces."""


@dataclass(frozen=True)
class ToolUse:
    """One call of a tool that a model asks for."""

    name: str
    arguments: Mapping[str, Any]
    id: str = "call_1"


class Wire(Protocol):
    """The wire form of one provider."""

    def says(self, *pieces: str) -> Act:
        """An answer in text, streamed."""

    def calls(self, *uses: ToolUse) -> Act:
        """An answer that calls tools, streamed."""

    def refuses(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Act:
        """An error, in the provider's form; `kind` is its code for it."""


class OpenAIWire:
    """OpenAI's chat completions, as most providers speak them."""

    def says(self, *pieces: str) -> Act:
        return self._stream([{"content": piece} for piece in pieces], "stop")

    def calls(self, *uses: ToolUse) -> Act:
        calls = [
            {"index": index, "id": use.id, "type": "function", "function": _function(use)}
            for index, use in enumerate(uses)
        ]
        return self._stream([{"tool_calls": [call]} for call in calls], "tool_calls")

    def refuses(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Act:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": kind or None}
        return lambda exchange: exchange.answer_json(status, {"error": error}, headers)

    def chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        """One event of a stream."""
        choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish_reason}
        return {**self._frame(), "choices": [choice]}

    def _frame(self) -> dict[str, Any]:
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "stub-model"}

    def _stream(self, deltas: Sequence[Mapping[str, Any]], finish_reason: str) -> Act:
        def act(exchange: Exchange) -> None:
            exchange.begin()
            for delta in deltas:
                exchange.event(self.chunk(delta))
            exchange.event(self.chunk({}, finish_reason))
            usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": len(deltas)}
            total = INPUT_TOKENS + len(deltas)
            exchange.event({**self._frame(), "choices": [], "usage": {**usage, "total_tokens": total}})
            exchange.event("[DONE]")
            exchange.end()

        return act


class AnthropicWire:
    """Anthropic's messages."""

    def says(self, *pieces: str) -> Act:
        block = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
        return self._stream([(block, deltas)], "end_turn")

    def calls(self, *uses: ToolUse) -> Act:
        blocks = [
            (
                {"type": "tool_use", "id": use.id, "name": use.name, "input": {}},
                [{"type": "input_json_delta", "partial_json": json.dumps(use.arguments)}],
            )
            for use in uses
        ]
        return self._stream(blocks, "tool_use")

    def refuses(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Act:
        error = {"type": "error", "error": {"type": kind or "invalid_request_error", "message": message}}
        return lambda exchange: exchange.answer_json(status, error, headers)

    def _stream(self, blocks: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]], stop: str) -> Act:
        def act(exchange: Exchange) -> None:
            exchange.begin()
            for event in self._events(blocks, stop):
                exchange.event(event, event["type"])
            exchange.end()

        return act

    def _events(
        self, blocks: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]], stop: str
    ) -> list[dict[str, Any]]:
        usage = {"input_tokens": INPUT_TOKENS, "output_tokens": 0}
        about = {"id": "m1", "type": "message", "role": "assistant", "model": "stub-model", "content": []}
        message = {**about, "stop_reason": None, "stop_sequence": None, "usage": usage}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
        for index, (block, deltas) in enumerate(blocks):
            events.append({"type": "content_block_start", "index": index, "content_block": block})
            events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
            events.append({"type": "content_block_stop", "index": index})
        spent = sum(len(deltas) for _, deltas in blocks)
        delta = {"stop_reason": stop, "stop_sequence": None}
        events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": spent}})
        return [*events, {"type": "message_stop"}]


class GoogleWire:
    """Google's Gemini API."""

    def says(self, *pieces: str) -> Act:
        return self._stream([{"text": piece} for piece in pieces])

    def calls(self, *uses: ToolUse) -> Act:
        return self._stream([{"functionCall": {"name": use.name, "args": dict(use.arguments)}} for use in uses])

    def refuses(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None) -> Act:
        error = {"code": status, "message": message, "status": kind or "INVALID_ARGUMENT"}
        return lambda exchange: exchange.answer_json(status, {"error": error}, headers)

    def _stream(self, parts: Sequence[Mapping[str, Any]]) -> Act:
        def act(exchange: Exchange) -> None:
            exchange.begin()
            for index, part in enumerate(parts):
                candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
                if index == len(parts) - 1:
                    candidate["finishReason"] = "STOP"
                spent = {"promptTokenCount": INPUT_TOKENS, "candidatesTokenCount": index + 1}
                exchange.event({"candidates": [candidate], "usageMetadata": spent, "modelVersion": "stub-model"})
            exchange.end()

        return act


def _function(use: ToolUse) -> dict[str, str]:
    return {"name": use.name, "arguments": json.dumps(use.arguments)}


OPENAI = OpenAIWire()
ANTHROPIC = AnthropicWire()
GOOGLE = GoogleWire()
