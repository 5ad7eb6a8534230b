"""What an agent is told before its first turn: its instructions, what was said before, and what it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai.messages import (
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    UserContent,
    UserPromptPart,
)

from flows.agents.brief import Brief
from flows.agents.recorded_model import FIRST_TURN
from flows.context import VertexContext
from flows.models.images import images_of
from flows.values import Json, Message

DATE, MODEL, MORE = "{current_date}", "{model_name}", "{optional_user_context}"
"""What Langflow fills in in the instructions of an agent."""
USER = "User"
NOTHING_ASKED = "Continue the conversation."
"""What an agent is asked that nothing is connected to, as in Langflow."""


@dataclass(frozen=True)
class Opening:
    """The same in every pass: what was remembered at first is kept with the first turn."""

    instructions: str
    history: tuple[tuple[str, str], ...] = ()
    """Who said what, the oldest first."""

    @classmethod
    def load(cls, kept: Any) -> "Opening":
        return cls(kept["instructions"], tuple((sender, text) for sender, text in kept["history"]))

    def dump(self) -> Json:
        return {"instructions": self.instructions, "history": [[sender, text] for sender, text in self.history]}

    @property
    def messages(self) -> list[ModelMessage]:
        """The history as the model is told it."""
        return [
            ModelRequest([UserPromptPart(text)]) if sender == USER else ModelResponse([TextPart(text)])
            for sender, text in self.history
            if text
        ]


async def opening_of(brief: Brief, context: VertexContext) -> Opening:
    """The opening that is kept, else the brief's instructions filled in, and the newest messages of the session."""
    kept: Any = context.kept(FIRST_TURN)
    if kept is not None:
        return Opening.load(kept["opening"])
    told = (
        brief.instructions.replace(DATE, f"{context.tools.clock.now():%Y-%m-%d}")
        .replace(MODEL, brief.model.name)
        .replace(MORE, "")
        .strip()
    )
    if brief.remembers <= 0:
        return Opening(told)
    records = await context.tools.memory.recall(context.run.session_id, brief.remembers)
    earlier = [record for record in records if record.job_id != context.run.job_id]
    return Opening(told, tuple((record.message.sender, record.message.text) for record in earlier))


async def prompt_of(asked: Message, context: VertexContext) -> str | Sequence[UserContent]:
    """What the agent is asked, with its images."""
    images = [ImageUrl(url) async for url in images_of(asked.files, context)]
    text = asked.text.strip() or NOTHING_ASKED
    return [text, *images] if images else text
