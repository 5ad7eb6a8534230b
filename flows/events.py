"""The normalized events of a job. A *milestone* is stored and has a dense `seq`; a *delta* is live only.

The stored form of an event is its frame in the protocol `langflow` (contract 3.1), encoded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from flows.codec import plain
from flows.messages import MessageRecord


class EventType(StrEnum):
    """All types of event, in the words of the contract."""

    VERTICES_SORTED = "vertices_sorted"
    BUILD_START = "build_start"
    RUN_RECOVERED = "run_recovered"
    RUN_SUSPENDED = "run_suspended"
    HUMAN_INPUT_REQUIRED = "human_input_required"
    HUMAN_INPUT_REMINDER = "human_input_reminder"
    HUMAN_INPUT_RESOLVED = "human_input_resolved"
    HUMAN_INPUT_EXPIRED = "human_input_expired"
    ADD_MESSAGE = "add_message"
    REMOVE_MESSAGE = "remove_message"
    END_VERTEX = "end_vertex"
    OUTPUT = "output"
    WARNING = "warning"
    ERROR = "error"
    END = "end"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    WORKER_LOST = "worker_lost"
    INPUT_TIMED_OUT = "input_timed_out"
    TOKEN = "token"
    LOG = "log"


DELTAS = frozenset({EventType.TOKEN, EventType.LOG, EventType.RUN_SUSPENDED})
"""Live only: published, never stored."""

LIFECYCLE = frozenset({EventType.CANCELLED, EventType.TIMED_OUT, EventType.WORKER_LOST, EventType.INPUT_TIMED_OUT})
"""Terminal events that the flow itself does not send."""

TERMINAL = LIFECYCLE | {EventType.END}
"""A job has exactly one of these, and it is its last event (I2)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One normalized fact about a job."""

    type: EventType
    data: Mapping[str, Any]

    @property
    def terminal(self) -> bool:
        return self.type in TERMINAL

    def encode(self) -> bytes:
        """The frame as JSON. A lifecycle event carries its `type` beside the envelope, as Langflow's rows do.

        Raises `ValueWithoutCodec` with the path of what cannot be sent, as half a character.
        """
        frame: dict[str, Any] = {"event": self.type, "data": self.data}
        if self.type in LIFECYCLE:
            frame["type"] = self.type
        try:
            return orjson.dumps(frame)
        except orjson.JSONEncodeError:
            plain(self.data, self.type)
            raise


def vertices_sorted(first_layer: Sequence[str], to_run: Sequence[str]) -> Event:
    return Event(EventType.VERTICES_SORTED, {"ids": list(first_layer), "to_run": list(to_run)})


def build_start() -> Event:
    """Once per pass."""
    return Event(EventType.BUILD_START, {})


def run_recovered(vertices: Sequence[str], attempt: int) -> Event:
    """An earlier pass was cut off: these vertices start (over), all before them stand. Added to the contract."""
    return Event(EventType.RUN_RECOVERED, {"vertices": list(vertices), "attempt": attempt})


def remove_message(message_id: str) -> Event:
    """A message that was half streamed, and will be shown again or never."""
    return Event(EventType.REMOVE_MESSAGE, {"id": message_id})


def run_suspended(paused: bool) -> Event:
    """Nothing can run until somebody answers, or lets a `paused` run go on: a word to those who watch now. Added to the
    contract, which ends the stream here without one."""
    return Event(EventType.RUN_SUSPENDED, {"paused": paused})


def human_input_required(payload: Mapping[str, Any]) -> Event:
    """Somebody is asked (contract 4.2)."""
    return Event(EventType.HUMAN_INPUT_REQUIRED, payload)


def human_input_reminder(request_id: str, deadline_at: str) -> Event:
    """Most of the time to answer is over. Added to the contract."""
    return Event(EventType.HUMAN_INPUT_REMINDER, {"request_id": request_id, "deadline_at": deadline_at})


def human_input_resolved(request_id: str, decision: Mapping[str, Any], by: str, at: str, *, late: bool) -> Event:
    """Somebody has answered; too `late` when the deadline was over, so that the fallback is taken. Added."""
    data = {"request_id": request_id, "decision": decision, "by": by, "at": at, "late": late}
    return Event(EventType.HUMAN_INPUT_RESOLVED, data)


def human_input_expired(request_id: str, action_id: str | None) -> Event:
    """Nobody has answered in time: this action is taken, or none. Added to the contract."""
    return Event(EventType.HUMAN_INPUT_EXPIRED, {"request_id": request_id, "action_id": action_id})


def warning(message: str) -> Event:
    return Event(EventType.WARNING, {"message": message})


def add_message(record: MessageRecord) -> Event:
    return Event(EventType.ADD_MESSAGE, record.dump())


def token(chunk: str, message_id: str, at: int = 0) -> Event:
    """One more piece of an open message. Added to the contract: behind how many characters of it, so that a reader sees
    what was lost."""
    return Event(EventType.TOKEN, {"chunk": chunk, "id": message_id, "at": at})


def log(vertex_id: str, name: str, message: str) -> Event:
    return Event(EventType.LOG, {"component_id": vertex_id, "name": name, "message": message, "type": "text"})


def error(record: MessageRecord) -> Event:
    return Event(EventType.ERROR, record.dump())


def end(status: str, build_duration: float | None) -> Event:
    """The flow came to its end. Added to the contract's payload: the job's `status`."""
    return Event(EventType.END, {"build_duration": build_duration, "status": status})


def lifecycle(kind: EventType, message: str) -> Event:
    """An end that the flow did not come to by itself."""
    return Event(kind, {"message": message})
