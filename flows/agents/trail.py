"""How an agent came to its answer: what it was asked, said, called and was told, as Langflow's pages draw it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from flows.values import Json

TITLE = "Agent Steps"
THOUGHT = "Thought"
"""The title of what a model said before it called tools."""
MAX_SHOWN = 10_000
"""Characters of a step that are shown; the model is told all of it. Every step shows all before it again."""
MAX_ALL_SHOWN = 500_000
"""Characters of all steps that are shown; behind them each step shows `LITTLE`."""
LITTLE = 100


@dataclass(frozen=True)
class ToolCall:
    """One call of a tool, as the model wants it. `id` tells it from all other calls of its agent."""

    id: str
    name: str
    args: Mapping[str, Json]


@dataclass(frozen=True)
class ToolResult:
    """What the model is told in answer to a call; `failed` says that it is why there is none. `seconds` is how long it
    took; None when nobody was called."""

    text: str
    failed: bool = False
    seconds: float | None = None

    @classmethod
    def load(cls, kept: Any) -> "ToolResult":
        return cls(kept["text"], kept["failed"], kept["seconds"])

    def dump(self) -> dict[str, Json]:
        return {"text": self.text, "failed": self.failed, "seconds": self.seconds}


class Trail:
    """The content blocks of an agent's message, as far as it has come."""

    def __init__(self, asked: str) -> None:
        self._room = MAX_ALL_SHOWN
        self._steps: dict[str, dict[str, Json]] = {"input": self._text(asked, "Input")}

    def said(self, turn: str, text: str) -> None:
        """The model said something before it called tools."""
        self._steps[turn] = self._text(text, THOUGHT)

    def called(self, call: ToolCall) -> None:
        """The model wants a tool to be called."""
        self._steps[call.id] = {
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "tool_input": self._args(call.args),
            "output": None,
            "error": None,
            "header": {"title": f"Accessing **{call.name}**", "icon": "Hammer"},
            "duration": None,
        }

    def answered(self, call: ToolCall, result: ToolResult) -> None:
        """A tool has answered, or somebody in its place."""
        self.called(call)
        self._steps[call.id] |= {
            "error" if result.failed else "output": self._shown(result.text),
            "header": {"title": f"Executed **{call.name}**", "icon": "Hammer"},
            "duration": None if result.seconds is None else round(result.seconds * 1000),
        }

    def refused(self, call_id: str, why: str) -> None:
        """A call was not made, and nobody has answered it."""
        step = self._steps.get(call_id)
        if step is not None and step["output"] is None and step["error"] is None:
            step["error"] = self._shown(why)

    def ended(self, answer: str) -> None:
        """The agent has its answer."""
        self._steps["output"] = self._text(answer, "Output")

    @property
    def blocks(self) -> tuple[Mapping[str, Json], ...]:
        """The content blocks of the message."""
        contents: list[Json] = [dict(step) for step in self._steps.values()]
        return ({"title": TITLE, "contents": contents, "allow_markdown": True, "media_url": None},)

    def _text(self, text: str, title: str) -> dict[str, Json]:
        header: Json = {"title": title, "icon": "MessageSquare"}
        return {"type": "text", "text": self._shown(text), "header": header, "duration": None}

    def _args(self, args: Mapping[str, Json]) -> dict[str, Json]:
        """The arguments; of large ones the beginning of their JSON."""
        written = orjson.dumps(args).decode()
        shown = self._shown(written)
        return dict(args) if shown == written else {"arguments": shown}

    def _shown(self, text: str) -> str:
        most = MAX_SHOWN if self._room > 0 else LITTLE
        shown = text if len(text) <= most else f"{text[:most]}…"
        self._room -= len(shown)
        return shown
