"""An AG-UI client by the rules of the reference client: what it refuses, and what it ends up with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ag_ui.core import Event
from pydantic import TypeAdapter

EVENT: TypeAdapter[Any] = TypeAdapter(Event)


@dataclass(frozen=True)
class Framed:
    """One frame with its id."""

    id: str
    event: Mapping[str, Any]


def framed(wire: bytes) -> list[Framed]:
    """The frames of a stream, each a valid event without nulls."""
    found = []
    for block in wire.decode().split("\n\n")[:-1]:
        data, id = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        EVENT.validate_python(event)
        assert None not in event.values()
        found.append(Framed(id.removeprefix("id: "), event))
    return found


@dataclass
class Reader:
    """Follows one run, or several one after the other."""

    texts: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    calls: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    others: list[Mapping[str, Any]] = field(default_factory=list)
    is_running: bool = False
    runs: int = 0
    _open: str | None = None
    _call: str | None = None

    def read(self, frames: Sequence[Framed]) -> "Reader":
        for one in frames:
            self._take(one.event)
        return self

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        assert self.is_running == (kind != "RUN_STARTED"), f"{kind} while running: {self.is_running}"
        match kind:
            case "RUN_STARTED":
                self.is_running, self.runs = True, self.runs + 1
            case "TEXT_MESSAGE_START":
                assert self._open is None, "one text at a time"
                self._open = event["messageId"]
                assert self._open not in self.ended, "no text twice"
                self.texts.setdefault(event["messageId"], "")
            case "TEXT_MESSAGE_CONTENT":
                assert self._open == event["messageId"]
                assert event["delta"]
                self.texts[event["messageId"]] += event["delta"]
            case "TEXT_MESSAGE_END":
                assert self._open == event["messageId"]
                self.ended.add(event["messageId"])
                self._open = None
            case "TOOL_CALL_START":
                assert event["toolCallId"] not in self.calls, "no call twice"
                self._call = event["toolCallId"]
                self.calls[event["toolCallId"]] = ""
            case "TOOL_CALL_ARGS":
                assert self._call == event["toolCallId"]
                self.calls[event["toolCallId"]] += event["delta"]
            case "TOOL_CALL_END":
                assert self._call == event["toolCallId"]
                self._call = None
            case "TOOL_CALL_RESULT":
                assert event["toolCallId"] in self.calls
                assert event["toolCallId"] not in self.results, "no result twice"
                self.results[event["toolCallId"]] = event["content"]
            case "RUN_FINISHED" | "RUN_ERROR":
                assert self._open is None
                self.is_running = False
                self.others.append(event)
            case _:
                self.others.append(event)
