"""Where an agent's work is seen while it goes on: in the chat message that its answer fills, or in the log."""

from collections.abc import Sequence
from dataclasses import replace

from flows.agents.trail import ToolCall, ToolResult, Trail
from flows.context import VertexContext
from flows.events import Event
from flows.values import Message, Source

MAX_LOGGED = 200
"""Characters of a line in the log."""


class Display:
    """Shows the trail of one agent. Where no ChatOutput shows its answer, lines of the log tell of its calls."""

    def __init__(self, trail: Trail, context: VertexContext, source: Source, shown_by: str | None) -> None:
        session = context.run.session_id
        self._message = Message("", sender="Machine", sender_name="AI", session_id=session, source=source)
        self._message_id = context.message_id(shown_by) if shown_by else ""
        self._shown_by = shown_by
        self._context = context
        self._is_open = False
        self.trail = trail

    def token(self, text: str) -> None:
        """One more piece of what the model says. The first one opens the message, with all that came before."""
        if not self._shown_by:
            return
        if not self._is_open:
            self._context.announce(self.events())
        self._context.token(text, self._message_id)

    def events(self) -> Sequence[Event]:
        """What shows the trail as it stands, behind which the message is empty again."""
        if not self._shown_by:
            return ()
        self._is_open = True
        shown = replace(self._message, content_blocks=self.trail.blocks)
        return (self._context.opened(shown, self._shown_by),)

    def told(self, call: ToolCall, result: ToolResult | None = None) -> None:
        """A call begins, or has its result."""
        if not self._shown_by:
            line = f"calls {call.name}" if result is None else f"{call.name}: {result.text}"
            self._context.log(line if len(line) <= MAX_LOGGED else f"{line[:MAX_LOGGED]}…", "agent")
