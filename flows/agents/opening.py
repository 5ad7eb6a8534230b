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
    """The same in every pass: what day it was and what was remembered at first are kept with the first turn. The
    instructions are not: a variable may stand in them, which must not rest in clear (rule 12)."""

    instructions: str
    day: str = ""
    history: tuple[tuple[str, str], ...] = ()
    """Who said what, the oldest first."""

    def dump(self) -> Json:
        return {"day": self.day, "history": [[sender, text] for sender, text in self.history]}

    @property
    def messages(self) -> list[ModelMessage]:
        """The history as the model is told it."""
        return [
            ModelRequest([UserPromptPart(text)]) if sender == USER else ModelResponse([TextPart(text)])
            for sender, text in self.history
            if text
        ]


async def opening_of(brief: Brief, context: VertexContext) -> Opening:
    """The brief's instructions filled in, and the newest messages of the session; both as they were at first."""
    kept: Any = context.kept(FIRST_TURN)
    if kept is not None:
        day, history = kept["opening"]["day"], kept["opening"]["history"]
        return Opening(_told(brief, day), day, tuple((sender, text) for sender, text in history))
    day = f"{context.tools.clock.now():%Y-%m-%d}"
    if brief.remembers <= 0:
        return Opening(_told(brief, day), day)
    records = await context.tools.memory.recall(context.run.session_id, brief.remembers)
    earlier = [record for record in records if record.job_id != context.run.job_id]
    history = tuple((record.message.sender, record.message.text) for record in earlier)
    return Opening(_told(brief, day), day, history)


def _told(brief: Brief, day: str) -> str:
    """The instructions filled in."""
    return brief.instructions.replace(DATE, day).replace(MODEL, brief.model.name).replace(MORE, "").strip()


async def prompt_of(asked: Message, context: VertexContext) -> str | Sequence[UserContent]:
    """What the agent is asked, with its images."""
    images = [ImageUrl(url) async for url in images_of(asked.files, context)]
    text = asked.text.strip() or NOTHING_ASKED
    return [text, *images] if images else text
