"""A model that does what it is asked: it calls each tool that it is offered once, and then answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.model_stub import ModelRequest
from tests.model_wires import OPENAI, ToolUse
from tests.scripted_models import Act

OUTPUT_TOOLS = ("answer", "give_records")
"""The tools that take what an agent or a component is to put out."""
PIECES = ("That ", "is ", "the ", "answer.")
ANSWER = "".join(PIECES)


class Obliging:
    """The script of a model server. `arguments` are what it fills in, by the name of an argument."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = arguments

    def __call__(self, request: ModelRequest) -> Act:
        if request.path.endswith("/embeddings"):
            texts = request.body["input"]
            return lambda exchange: exchange.answer_json(200, _embedded([texts] if isinstance(texts, str) else texts))
        offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in request.body.get("tools") or ()}
        new = [name for name in offered if name not in OUTPUT_TOOLS and name not in _called(request.body["messages"])]
        if new:
            return OPENAI.calls(*(self._use(name, offered[name], f"call-{place}") for place, name in enumerate(new)))
        for name in OUTPUT_TOOLS:
            if name in offered:
                return OPENAI.calls(self._use(name, offered[name], "output"))
        return OPENAI.says(*PIECES)

    def _use(self, name: str, schema: Mapping[str, Any], id: str) -> ToolUse:
        filled: Any = self._filled("", schema)
        return ToolUse(name, filled, id)

    def _filled(self, name: str, schema: Mapping[str, Any]) -> Any:
        """Something that fits a schema."""
        if name in self._arguments:
            return self._arguments[name]
        for alternative in schema.get("anyOf") or ():
            return self._filled(name, alternative)
        match schema.get("type"):
            case "object":
                return {key: self._filled(key, inner) for key, inner in (schema.get("properties") or {}).items()}
            case "array":
                return [self._filled("", schema.get("items") or {})]
            case "integer" | "number":
                return 1
            case "boolean":
                return False
        return next(iter(schema.get("enum") or [schema.get("default") or f"some {name}".strip()]))


def _called(messages: Sequence[Mapping[str, Any]]) -> set[str]:
    """The tools that were called since the user last said something."""
    asked = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=0)
    calls = [call for message in messages[asked:] for call in message.get("tool_calls") or ()]
    return {call["function"]["name"] for call in calls}


def _embedded(texts: Sequence[str]) -> dict[str, Any]:
    """Texts with the same letters lie close together."""
    vectors = [[float(text.lower().count(letter)) + 0.01 for letter in "abcdefghijklmnop"] for text in texts]
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return {"object": "list", "model": "stub", "data": data, "usage": usage}
