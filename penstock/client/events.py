"""The events of a job as a client reads them: one frozen model for each type, in the words of the wire.

A model holds what a program asks for; `frame` is the whole event as it was sent. What a newer server sends and nothing
here knows is an `UnknownEvent`, never an error.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.events import TERMINAL, EventType
from storage.states import Status


class Event(BaseModel):
    """One event of a job. `cursor` is its place in the log: reading goes on behind it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: str = Field(validation_alias="@event")
    """Its type, as on the wire."""
    cursor: str = Field(validation_alias="@cursor")
    frame: str = Field(validation_alias="@frame", repr=False)
    """It as it was sent: `{"event": ..., "data": {...}}`."""

    @property
    def is_terminal(self) -> bool:
        """Whether it is the last one of its job."""
        return self.event in TERMINAL

    @property
    def data(self) -> Mapping[str, Any]:
        """All that was sent with it."""
        found: Mapping[str, Any] = orjson.loads(self.frame).get("data") or {}
        return found


class VerticesSorted(Event):
    """Which vertices a pass will build, and which of them it begins with."""

    ids: list[str]
    to_run: list[str]


class BuildStart(Event):
    """A pass begins."""


class RunRecovered(Event):
    """An earlier pass was cut off; these vertices start over, all before them stand."""

    vertices: list[str]
    attempt: int


class RunSuspended(Event):
    """The job stands still until somebody lets it go on."""

    paused: bool


class HumanInputRequired(Event):
    """Somebody is asked."""

    request_id: str
    kind: str
    prompt: str
    options: list[dict[str, Any]]
    allowed_decisions: list[str]
    takes_text: bool = False
    json_schema: dict[str, Any] | None = None
    action_requests: list[dict[str, Any]] = []
    answerers: list[str] = []
    deadline_at: datetime | None = None
    fallback_action: str | None = None


class HumanInputReminder(Event):
    """Most of the time to answer is over."""

    request_id: str
    deadline_at: datetime


class HumanInputResolved(Event):
    """Somebody has answered."""

    request_id: str
    decision: dict[str, Any]
    by: str
    at: datetime
    late: bool = False


class HumanInputExpired(Event):
    """Nobody has answered in time: this action is taken, or none."""

    request_id: str
    action_id: str | None


class AddMessage(Event):
    """A chat message is there, or has changed; tokens follow one that is not complete."""

    id: str
    text: str
    sender: str | None
    sender_name: str | None
    session_id: str
    files: list[Any] = []
    category: str = "message"
    properties: dict[str, Any] = {}
    content_blocks: list[dict[str, Any]] = []

    @property
    def is_complete(self) -> bool:
        """Whether no more tokens come for it."""
        return self.properties.get("state") != "partial"


class RemoveMessage(Event):
    """A message that was half streamed; it is shown again, or never."""

    id: str


class Built(BaseModel):
    """What came of a vertex."""

    model_config = ConfigDict(frozen=True)

    id: str
    valid: bool = True
    inactivated_vertices: list[str] = []
    next_vertices_ids: list[str] = []
    data: dict[str, Any] = {}


class EndVertex(Event):
    """A vertex is built."""

    build_data: Built


class VertexOutput(Event):
    """What a terminal vertex puts out."""

    component_id: str
    type: str
    display_name: str | None = None
    content: Any = None
    metadata: dict[str, Any] = {}


class RunWarning(Event):
    """Something is not as it might be meant; the run goes on."""

    message: str


class RunError(Event):
    """Something went wrong; the end follows."""

    text: str
    properties: dict[str, Any] = {}


class End(Event):
    """The flow came to its end."""

    status: Status
    build_duration: float | None = None


class _Ended(Event):
    message: str


class Cancelled(_Ended):
    """Somebody stopped the job."""


class TimedOut(_Ended):
    """The job took longer than it may."""


class WorkerLost(_Ended):
    """The job was cut off as often as it may be."""


class InputTimedOut(_Ended):
    """The job waited for people longer than it may."""


class Token(Event):
    """More of the text of the message `id`. Live only: a reader who comes later reads the whole message."""

    chunk: str
    id: str
    at: int | None = None
    """Behind how many characters of the message it stands, so that a reader sees what was lost."""


class Log(Event):
    """A line that a component logs. Live only."""

    component_id: str
    name: str
    message: str


class UnknownEvent(Event):
    """An event that nothing here knows, or not in this shape: the server is newer."""


MODELS: Mapping[str, type[Event]] = {
    EventType.VERTICES_SORTED: VerticesSorted,
    EventType.BUILD_START: BuildStart,
    EventType.RUN_RECOVERED: RunRecovered,
    EventType.RUN_SUSPENDED: RunSuspended,
    EventType.HUMAN_INPUT_REQUIRED: HumanInputRequired,
    EventType.HUMAN_INPUT_REMINDER: HumanInputReminder,
    EventType.HUMAN_INPUT_RESOLVED: HumanInputResolved,
    EventType.HUMAN_INPUT_EXPIRED: HumanInputExpired,
    EventType.ADD_MESSAGE: AddMessage,
    EventType.REMOVE_MESSAGE: RemoveMessage,
    EventType.END_VERTEX: EndVertex,
    EventType.OUTPUT: VertexOutput,
    EventType.WARNING: RunWarning,
    EventType.ERROR: RunError,
    EventType.END: End,
    EventType.CANCELLED: Cancelled,
    EventType.TIMED_OUT: TimedOut,
    EventType.WORKER_LOST: WorkerLost,
    EventType.INPUT_TIMED_OUT: InputTimedOut,
    EventType.TOKEN: Token,
    EventType.LOG: Log,
}


def read_event(frame: str, cursor: str) -> Event:
    """The event in a frame. Raises `ValueError` when the frame is no JSON object."""
    sent = orjson.loads(frame)
    if not isinstance(sent, dict):
        raise ValueError("The frame is no JSON object.")  # noqa: TRY004 - the data is wrong, not the program
    event, data = str(sent.get("event") or sent.get("type") or ""), sent.get("data")
    common = {"@event": event, "@cursor": cursor, "@frame": frame}
    try:
        return MODELS.get(event, UnknownEvent).model_validate({**(data if isinstance(data, dict) else {}), **common})
    except ValidationError:
        return UnknownEvent.model_validate(common)
