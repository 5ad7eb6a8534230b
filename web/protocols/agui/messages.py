"""Chat messages as AG-UI tells them: their texts, their calls of tools, and what else is in them."""

from collections.abc import Iterator, Mapping
from typing import Any

from flows.agents.trail import THOUGHT
from storage.cursor import Cursor
from web.protocols.agui.events import WireEvent, custom
from web.protocols.agui.texts import Texts
from web.protocols.agui.tool_calls import ToolCalls, contents_of

_CONTENTS = ("json", "code", "media", "error")
"""The kinds of content that are neither text nor a call, which AG-UI has no word for."""


class Messages:
    """The chat messages of a run. Those of users are not told: whoever asks knows what they said."""

    def __init__(self) -> None:
        self.texts = Texts()
        self.tool_calls = ToolCalls()
        self._contents: set[tuple[str, int, int]] = set()
        self._thoughts: dict[str, int] = {}
        """How many texts between calls each message has shown."""

    def shown(self, message: Mapping[str, Any], cursor: Cursor) -> Iterator[WireEvent]:
        """An `add_message`."""
        if message["sender"] == "User":
            return
        id, text = message["id"], message["text"]
        if message["properties"]["state"] == "partial":
            yield from self._open(id, text, message["content_blocks"], cursor)
        else:
            if self.tool_calls.are_new(id, message["content_blocks"]):
                yield from self._turn(id, message["content_blocks"], cursor)
            yield from self.tool_calls.events(id, message["content_blocks"], id)
            yield from self.texts.complete(id, text, cursor)
        yield from self._others(id, message["content_blocks"])

    def token(self, data: Mapping[str, Any], cursor: Cursor) -> Iterator[WireEvent]:
        """A `token`."""
        yield from self.texts.go_on(data["id"], data["chunk"], data.get("at"), cursor)

    def removed(self, id: str, cursor: Cursor) -> Iterator[WireEvent]:
        """A `remove_message`."""
        yield from self.texts.drop(id, cursor)
        yield custom("langflow.message.removed", {"message_id": id})

    def _open(self, id: str, text: str, blocks: Any, cursor: Cursor) -> Iterator[WireEvent]:
        """A message that goes on. Shown again without text, it has told a turn, and starts another."""
        goes_on = self.texts.knows(id) and not text
        if goes_on or self.tool_calls.are_new(id, blocks):
            yield from self._turn(id, blocks, cursor)
        yield from self.tool_calls.events(id, blocks, id)
        yield from self.texts.begin(id, text, cursor)

    def _turn(self, id: str, blocks: Any, cursor: Cursor) -> Iterator[WireEvent]:
        parent_id = self.texts.id_of(id)
        yield from self.texts.turn(id, self._thought(id, blocks), cursor)
        yield from self.tool_calls.events(id, blocks, parent_id)

    def _thought(self, id: str, blocks: Any) -> str | None:
        """What the agent said in the turn that is over, as far as its message shows it."""
        thoughts = [one["text"] for one in contents_of(blocks) if one.get("type") == "text" and _title(one) == THOUGHT]
        known = self._thoughts.get(id, 0)
        self._thoughts[id] = len(thoughts)
        return thoughts[-1] if len(thoughts) > known else None

    def _others(self, id: str, blocks: Any) -> Iterator[WireEvent]:
        for place, block in enumerate(blocks):
            for index, content in enumerate(block.get("contents") or ()):
                kind = content.get("type")
                if kind in _CONTENTS and (id, place, index) not in self._contents:
                    self._contents.add((id, place, index))
                    value = {"message_id": id, "block_title": block.get("title"), "content": content}
                    yield custom(f"langflow.content.{kind}", value)


def _title(content: Mapping[str, Any]) -> str | None:
    title: str | None = (content.get("header") or {}).get("title")
    return title
