"""A model endpoint that replies to each request: with a text, or with calls of the tool that it is offered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from flows.models.defaults import ModelDefaults
from tests.model_stub import ModelRequest
from tests.model_wires import OpenAIWire, ToolUse
from tests.scripted_models import Act, Exchange, ScriptedModels

Reply: TypeAlias = str | Sequence[Mapping[str, Any]]
"""A text, or the arguments of each call."""
_WIRE = OpenAIWire()


class Replying(ScriptedModels):
    """Streams `reply(request)`, which may wait for others, or raise `ConnectionError` to hang up."""

    def __init__(self, reply: Callable[[ModelRequest], Reply]) -> None:
        super().__init__([lambda exchange: _act(exchange, reply(exchange.request))(exchange)])

    @property
    def defaults(self) -> ModelDefaults:
        """Settings that name this endpoint and a model."""
        return ModelDefaults("stub-model", self.url)


def _act(exchange: Exchange, reply: Reply) -> Act:
    if isinstance(reply, str):
        return _WIRE.says(reply)
    [offered] = exchange.request.body["tools"]
    name = offered["function"]["name"]
    return _WIRE.calls(*(ToolUse(name, given, f"call-{place}") for place, given in enumerate(reply)))
