"""The AG-UI client as it is published (`agui_client.js`), in one Node process for all streams and runs of a session.

Whatever it rejects is a `failure`. What it lets pass but does not know, or cannot place, is a warning: a frame whose
keys its schemas lack, a text without a message, a change of state that does not fit.
"""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias
from uuid import uuid4

Json: TypeAlias = dict[str, Any]
_END_SECONDS = 10


@dataclass(frozen=True)
class Outcome:
    """What the client has made of a run: the events that it took, and what its page would show in the end."""

    failure: Json | None
    """Why the run was not taken: `message`, and the HTTP `status` where an answer was no stream."""
    warnings: Sequence[str]
    events: Sequence[Json]
    messages: Sequence[Json]
    state: Any
    interrupts: Sequence[Json]

    @property
    def types(self) -> Sequence[str]:
        return [event["type"] for event in self.events]

    def of(self, type: str) -> Sequence[Json]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == type]

    def custom(self, name: str) -> Sequence[Any]:
        """The values of the custom events of a name."""
        return [event["value"] for event in self.of("CUSTOM") if event["name"] == name]

    @property
    def said(self) -> Sequence[str]:
        """The texts of the assistant, as they stand in the end."""
        return [one["content"] for one in self.messages if one["role"] == "assistant" and one.get("content")]

    @property
    def results(self) -> Mapping[str, str]:
        """What the tools have answered, by call."""
        return {one["toolCallId"]: one["content"] for one in self.messages if one["role"] == "tool"}

    def valid(self) -> Self:
        """Itself, when the client has taken all of it without a word."""
        assert self.failure is None, self.failure["message"]
        assert not self.warnings, [warning[:300] for warning in self.warnings]
        return self


class AguiClient:
    """A Node process with the client in it."""

    def __init__(self, folder: Path) -> None:
        command = ["node", str(folder / "agui_client.js")]
        self._node = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        with self._node:
            assert self._node.stdin is not None
            self._node.stdin.close()
            self._node.wait(_END_SECONDS)

    def read(self, *bodies: bytes) -> Outcome:
        """What it makes of the answers in which it got one stream."""
        return Outcome(**self._order(read=b"".join(bodies).decode()))

    def agent(self, url: str, key: str | None = None, thread_id: str | None = None) -> "Agent":
        """A stock `HttpAgent`, with a thread of its own or on another one's."""
        return Agent(self._order, url, {} if key is None else {"x-api-key": key}, thread_id or str(uuid4()))

    def _order(self, **order: Any) -> Json:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps(order).encode() + b"\n")
        self._node.stdin.flush()
        answer = self._node.stdout.readline()
        assert answer, "the client has died"
        told: Json = json.loads(answer)
        return told


class Agent:
    """One `HttpAgent`: it keeps the messages of its thread, and what it is asked."""

    def __init__(self, order: Callable[..., Json], url: str, headers: Mapping[str, str], thread_id: str) -> None:
        self._order = order
        self._name = str(uuid4())
        self.url = url
        self.thread_id = thread_id
        order(open=self._name, url=url, headers=headers, threadId=thread_id)

    def say(self, content: Any, *, abort_at: str | None = None, **more: Any) -> Outcome:
        """A run that begins with a user's message; `more` goes into its input, under AG-UI's names."""
        return Outcome(**self._order(run=self._name, say=content, abortAt=abort_at, more=more))

    def resume(self, *answers: Json, abort_at: str | None = None, **more: Any) -> Outcome:
        """A run that begins with answers: `{"interruptId", "status", "payload"}`."""
        return Outcome(**self._order(run=self._name, resume=answers, abortAt=abort_at, more=more))


def resolved(interrupt: Json, action_id: str, **payload: Any) -> Json:
    """The answer to an interrupt."""
    return {"interruptId": interrupt["id"], "status": "resolved", "payload": {"action_id": action_id, **payload}}


def cancelled(interrupt: Json) -> Json:
    """The word that an interrupt is not answered."""
    return {"interruptId": interrupt["id"], "status": "cancelled"}
