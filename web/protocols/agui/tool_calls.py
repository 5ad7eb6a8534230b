"""Calls of tools, which the log tells as content blocks of an agent's message (contract 3.1)."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from web.protocols.agui.events import WireEvent, tool_args, tool_end, tool_result, tool_start


class ToolCalls:
    """The calls of a run. Each is told once, and so is its result, however often its message is shown."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        """The ids that AG-UI knows calls by, by the ids that their agents gave them."""
        self._told: set[str] = set()
        self._answered: set[str] = set()

    def id_of(self, call_id: str) -> str | None:
        """The id that AG-UI knows a call by."""
        return self._ids.get(call_id)

    def are_new(self, message_id: str, blocks: Any) -> bool:
        """Whether a message shows calls that were not told before."""
        return any(id not in self._told for id, _ in _calls(message_id, blocks))

    def events(self, message_id: str, blocks: Any, parent_id: str) -> Iterator[WireEvent]:
        """What is new in a message as it is shown now. New calls belong to the AG-UI message `parent_id`."""
        for id, call in _calls(message_id, blocks):
            if id not in self._told:
                self._told.add(id)
                self._ids[str(call.get("id"))] = id
                yield from _begun(id, call, parent_id)
            if id not in self._answered and (answer := _answer(call)) is not None:
                self._answered.add(id)
                yield tool_result(id, answer)


def contents_of(blocks: Any) -> list[Mapping[str, Any]]:
    """All that the content blocks of a message hold, in order."""
    return [content for block in blocks for content in block.get("contents") or ()]


def _calls(message_id: str, blocks: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    calls = [content for content in contents_of(blocks) if content.get("type") == "tool_use"]
    for number, call in enumerate(calls):
        own = call.get("id")
        yield f"{message_id}:tool:ord:{number}" if own is None else f"{message_id}:tool:id:{own}", call


def _begun(id: str, call: Mapping[str, Any], parent_id: str) -> Iterator[WireEvent]:
    name, args = str(call.get("name") or "tool"), orjson.dumps(call.get("tool_input") or {}).decode()
    yield tool_start(id, name, parent_id)
    yield tool_args(id, args)
    yield tool_end(id)


def _answer(call: Mapping[str, Any]) -> str | None:
    """What the tool has answered, or why it has not; None while nobody knows."""
    found = call.get("error") if call.get("output") is None else call["output"]
    return found if found is None or isinstance(found, str) else orjson.dumps(found).decode()
