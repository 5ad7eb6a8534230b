"""What an agent is to do, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.tools import Action
from flows.values import LanguageModel, Message, Tool, Usage

Schema = Mapping[str, Any]
"""A JSON Schema of an object."""


@dataclass(frozen=True)
class Brief:
    """What an agent is to do, and how it may go about it."""

    model: LanguageModel
    instructions: str
    asked: Message
    tools: Sequence[Tool] = ()
    own_tools: Sequence[Action] = ()
    remembers: int = 100
    """Messages of the session that it is told."""
    max_turns: int = 15
    max_tokens: int | None = None
    """Of one answer of the model; None for as many as it likes."""
    schema: Schema | None = None
    """What the answer looks like; None for text."""
    shown_by: str | None = None
    """The vertex that shows the answer while it comes."""


@dataclass(frozen=True)
class Answer:
    """What an agent answers, what it has done for it, and what that has cost. `record` is None when it was to be text,
    or when the tokens of the run were used up before it was there."""

    text: str
    record: Mapping[str, Any] | None
    blocks: tuple[Mapping[str, Any], ...]
    usage: Usage
