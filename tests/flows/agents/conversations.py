"""What models say to agents, by the turn of their conversation: the same to whoever asks again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.model_stub import ModelRequest
from tests.model_wires import OPENAI, ToolUse
from tests.scripted_models import Act, Exchange


def by_turn(*acts: Act) -> Callable[[ModelRequest], Act]:
    """What is done in the first turn of a conversation, in the second and so on; in the last one for ever."""
    return lambda request: acts[min(turn_of(request), len(acts)) - 1]


def by_agent(**scripts: Sequence[Act]) -> Callable[[ModelRequest], Act]:
    """What the models of several agents say, by their instructions."""
    return lambda request: by_turn(*scripts[agent_of(request)])(request)


def turn_of(request: ModelRequest) -> int:
    """Which turn of its conversation a request asks for."""
    messages: list[Mapping[str, Any]] = request.body["messages"]
    return 1 + len([message for message in messages if message["role"] == "assistant"])


def agent_of(request: ModelRequest) -> str:
    """The instructions of the agent that asks."""
    return next(str(one["content"]) for one in request.body["messages"] if one["role"] in ("system", "developer"))


def calls(*whats: str, tool: str = "do") -> Act:
    """A turn that wants a tool to be called, once for each."""
    return OPENAI.calls(*(ToolUse(tool, {"what": what}) for what in whats))


def asks(**inputs: str) -> Act:
    """A turn that asks agents, each by its name."""
    return OPENAI.calls(*(ToolUse(name, {"input_value": text}) for name, text in inputs.items()))


def writes(name: str, arguments: str, id: str = "call_1") -> Act:
    """A turn with one call, whose arguments are this text."""
    return writes_all((name, arguments, id))


def writes_all(*uses: tuple[str, str, str]) -> Act:
    """A turn with calls as they stand: names, arguments, ids."""

    def act(exchange: Exchange) -> None:
        exchange.begin()
        for index, (name, arguments, id) in enumerate(uses):
            call = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            exchange.event(OPENAI.chunk({"tool_calls": [call]}))
        exchange.event(OPENAI.chunk({}, "tool_calls"))
        exchange.event("[DONE]")
        exchange.end()

    return act


def told(request: ModelRequest) -> list[str]:
    """What a model is told of its calls, in their order."""
    return [one["content"] for one in request.body["messages"] if one["role"] == "tool"]


def said(request: ModelRequest) -> list[tuple[str, Any]]:
    """Who has said what before, without calls and instructions."""
    messages: list[Mapping[str, Any]] = request.body["messages"]
    return [(one["role"], one["content"]) for one in messages if one["role"] in ("user", "assistant")]
