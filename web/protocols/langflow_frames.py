"""What the frames of the protocol `langflow` hold: one model for each type of event (contract 3.1, 4.2)."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from flows.events import EventType
from flows.human import RequestKind
from web.protocols.langflow_messages import ChatMessage


class Frame(BaseModel):
    """The envelope of every frame."""

    model_config = ConfigDict(defer_build=True)


class Ending(BaseModel):
    """Why a run ended that did not come to its end by itself."""

    message: str


class VerticesSortedData(BaseModel):
    ids: list[str]
    to_run: list[str]


class VerticesSorted(Frame):
    """Which vertices are in the run, and which of them have nothing before them."""

    event: Literal[EventType.VERTICES_SORTED]
    data: VerticesSortedData


class BuildStart(Frame):
    """A worker works on the run; once per pass."""

    event: Literal[EventType.BUILD_START]
    data: dict[str, Any]


class RunRecoveredData(BaseModel):
    vertices: list[str]
    attempt: int


class RunRecovered(Frame):
    """A worker was lost; these vertices start again, and all that had ended stand."""

    event: Literal[EventType.RUN_RECOVERED]
    data: RunRecoveredData


class RunSuspendedData(BaseModel):
    paused: bool


class RunSuspended(Frame):
    """The run stands still until somebody lets it go on."""

    event: Literal[EventType.RUN_SUSPENDED]
    data: RunSuspendedData


class HumanInputRequiredData(BaseModel):
    request_id: str
    kind: RequestKind
    prompt: str
    options: list[dict[str, Any]]
    allowed_decisions: list[str]
    takes_text: bool = False
    answerers: list[str] = []
    call: str | None = None
    form_fields: list[dict[str, Any]] | None = Field(None, alias="schema")
    json_schema: dict[str, Any] | None = None
    action_requests: list[dict[str, Any]] | None = None
    timeout_seconds: float | None = None
    fallback_action: str | None = None
    paused_at: str | None = None
    deadline_at: str | None = None


class HumanInputRequired(Frame):
    """Somebody is asked. The times are not told of tool approvals, which have no limit."""

    event: Literal[EventType.HUMAN_INPUT_REQUIRED]
    data: HumanInputRequiredData


class HumanInputReminderData(BaseModel):
    request_id: str
    deadline_at: str


class HumanInputReminder(Frame):
    """Most of the time to answer is over."""

    event: Literal[EventType.HUMAN_INPUT_REMINDER]
    data: HumanInputReminderData


class HumanInputResolvedData(BaseModel):
    request_id: str
    decision: dict[str, Any]
    by: str
    at: str
    late: bool


class HumanInputResolved(Frame):
    """Somebody has answered; `late` when the deadline was over, so that the fallback is taken."""

    event: Literal[EventType.HUMAN_INPUT_RESOLVED]
    data: HumanInputResolvedData


class HumanInputExpiredData(BaseModel):
    request_id: str
    action_id: str | None


class HumanInputExpired(Frame):
    """Nobody has answered in time: this action is taken, or none."""

    event: Literal[EventType.HUMAN_INPUT_EXPIRED]
    data: HumanInputExpiredData


class AddMessage(Frame):
    """A chat message is shown, or shown again as it is now."""

    event: Literal[EventType.ADD_MESSAGE]
    data: ChatMessage


class RemoveMessageData(BaseModel):
    id: str


class RemoveMessage(Frame):
    """A message that was half streamed, and will be shown again or never."""

    event: Literal[EventType.REMOVE_MESSAGE]
    data: RemoveMessageData


class EndVertexData(BaseModel):
    build_data: dict[str, Any]
    output_meta: dict[str, Any]


class EndVertex(Frame):
    """A vertex has ended."""

    event: Literal[EventType.END_VERTEX]
    data: EndVertexData


class OutputShownData(BaseModel):
    type: str
    status: str
    display_name: str
    content: Any
    metadata: dict[str, Any]
    component_id: str


class OutputShown(Frame):
    """What a terminal vertex gives."""

    event: Literal[EventType.OUTPUT]
    data: OutputShownData


class WarnedData(BaseModel):
    message: str


class Warned(Frame):
    """Something to know that does not stop the run."""

    event: Literal[EventType.WARNING]
    data: WarnedData


class Error(Frame):
    """Why the run fails, as a chat message."""

    event: Literal[EventType.ERROR]
    data: ChatMessage


class EndData(BaseModel):
    build_duration: float | None
    status: str


class End(Frame):
    """The run came to its end: the last event."""

    event: Literal[EventType.END]
    data: EndData


class Cancelled(Frame):
    """The run was stopped: the last event."""

    event: Literal[EventType.CANCELLED]
    data: Ending
    type: Literal[EventType.CANCELLED]


class TimedOut(Frame):
    """The run took longer than it was allowed to: the last event."""

    event: Literal[EventType.TIMED_OUT]
    data: Ending
    type: Literal[EventType.TIMED_OUT]


class WorkerLost(Frame):
    """The run was given up, after its workers were lost too often: the last event."""

    event: Literal[EventType.WORKER_LOST]
    data: Ending
    type: Literal[EventType.WORKER_LOST]


class InputTimedOut(Frame):
    """Nobody answered in time, and the run could not go on without: the last event."""

    event: Literal[EventType.INPUT_TIMED_OUT]
    data: Ending
    type: Literal[EventType.INPUT_TIMED_OUT]


class TokenData(BaseModel):
    chunk: str
    id: str
    at: int
    """Behind how many characters of the message `id` it stands. Added to the contract."""


class Token(Frame):
    """A piece of a message's text, told while it is made and not kept."""

    event: Literal[EventType.TOKEN]
    data: TokenData


class LogData(BaseModel):
    component_id: str
    name: str
    message: str
    type: str


class Log(Frame):
    """A line that a component wrote, told while it runs and not kept."""

    event: Literal[EventType.LOG]
    data: LogData


LangflowFrame: TypeAlias = Annotated[
    VerticesSorted
    | BuildStart
    | RunRecovered
    | RunSuspended
    | HumanInputRequired
    | HumanInputReminder
    | HumanInputResolved
    | HumanInputExpired
    | AddMessage
    | RemoveMessage
    | EndVertex
    | OutputShown
    | Warned
    | Error
    | End
    | Cancelled
    | TimedOut
    | WorkerLost
    | InputTimedOut
    | Token
    | Log,
    Field(discriminator="event"),
]
"""The data of one event."""
