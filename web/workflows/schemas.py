"""What the workflow routes take and give (contract 1.1, 1.8, 1.9)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from flows.human import Decision, RequestKind
from storage.states import Mode, Status
from web.flow_schemas import MaxTokens
from web.texts import CleanText, GlobalName, GlobalValue, Name, without_nul

MAX_REFERENCE = 512
"""Characters of the path or URL of a file."""


def _short_unless_data(file: str) -> str:
    """A file that travels in the request itself is bounded by the body."""
    if len(file) > MAX_REFERENCE and not file.startswith("data:"):
        message = "String should have at most {max_length} characters"
        raise PydanticCustomError("string_too_long", message, {"max_length": MAX_REFERENCE})
    return file


IdempotencyKey = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(without_nul)]
Globals = Annotated[dict[GlobalName, GlobalValue], Field(max_length=100, repr=False)]
FileReference = Annotated[CleanText, AfterValidator(_short_unless_data)]
Files = Annotated[list[FileReference], Field(max_length=32)]
Uuid = Annotated[UUID, Field(strict=False)]


class RunBody(BaseModel):
    """`POST /api/v2/workflows`. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")

    flow_id: str = Field(json_schema_extra={"format": "uuid"})
    input_value: CleanText = ""
    tweaks: dict[str, Any] = Field({}, repr=False)
    session_id: Name | None = None
    mode: Mode = Mode.SYNC
    stream_protocol: str = "langflow"
    expose_graph_state: bool | None = None
    data: dict[str, Any] | None = Field(None, repr=False)
    files: Files | None = None
    start_component_id: Name | None = None
    stop_component_id: Name | None = None
    output_ids: Annotated[list[Name], Field(max_length=1_000)] | None = None
    globals: Globals = {}
    idempotency_key: IdempotencyKey | None = None
    max_tokens: MaxTokens | None = None

    @model_validator(mode="after")
    def _flow_id_is_uuid(self) -> "RunBody":
        try:
            UUID(self.flow_id)
        except ValueError:
            raise ValueError("Invalid flow_id, must be a UUID") from None
        return self


class GivenGlobals(BaseModel):
    """The globals of a run, wherever they came from."""

    globals: Globals


class StopBody(BaseModel):
    """`POST /api/v2/workflows/stop`. Unknown fields are ignored."""

    job_id: UUID


class DecisionBody(BaseModel):
    """What somebody decides. Unknown fields are ignored. `text` and `decisions` are added to the contract."""

    action_id: Name | None = None
    values: dict[str, Any] = {}
    text: CleanText = ""
    decisions: list["DecisionBody"] = Field([], max_length=100)

    def to_decision(self) -> Decision:
        each = tuple(one.to_decision() for one in self.decisions)
        return Decision(self.action_id, self.values, self.text, each)


class ResumeBody(BaseModel):
    """`POST /api/v2/workflows/{job_id}/resume`. Unknown fields are ignored."""

    request_id: CleanText | None = None
    decision: DecisionBody | None = None


class EventsQuery(BaseModel):
    """`GET /api/v2/workflows/{job_id}/events`. All but the cursor is added to the contract: where the stream ends, in
    which protocol it is told, and that the state of the graph is left out."""

    last_event_id: str | None = None
    on_suspend: str | None = None
    stream_protocol: str | None = None
    expose_graph_state: bool | None = None


class FlowQuery(BaseModel):
    """`GET /api/v2/workflows/pending`."""

    flow_id: UUID


class InboxQuery(BaseModel):
    """`GET /api/v2/human-requests`: filters and a page."""

    flow_id: UUID | None = None
    kind: RequestKind | None = None
    overdue: bool = False
    cursor: CleanText | None = None
    limit: int = Field(50, ge=1, le=200)


class HumanRequestDetail(BaseModel):
    """An open human request."""

    request_id: str
    job_id: str
    flow_id: str
    vertex_id: str
    kind: RequestKind
    prompt: str
    options: list[dict[str, Any]]
    allowed_decisions: list[str]
    takes_text: bool
    answerers: list[str]
    json_schema: dict[str, Any] | None
    action_requests: list[dict[str, Any]]
    asked_at: datetime
    deadline_at: datetime | None
    fallback_action: str | None


class HumanRequestList(BaseModel):
    """A page of open human requests, oldest first; `next_cursor` is null on the last page."""

    human_requests: list[HumanRequestDetail]
    next_cursor: str | None


class PendingRequest(BaseModel):
    """What a suspended job of a flow asks (contract 1.5)."""

    job_id: str
    flow_id: str
    session_id: str
    created_at: datetime
    request_id: str
    kind: RequestKind
    prompt: str
    options: list[dict[str, Any]]
    allowed_decisions: list[str]


class StatusQuery(BaseModel):
    """`GET /api/v2/workflows`."""

    job_id: UUID | None = None


class ListQuery(BaseModel):
    """`GET /api/v2/workflows/jobs`: filters and a page."""

    flow_id: UUID | None = None
    status: Status | None = None
    session_id: CleanText | None = None
    cursor: UUID | None = None
    limit: int = Field(50, ge=1, le=200)


class Links(BaseModel):
    """Where a job is to be found."""

    status: str
    events: str
    stop: str

    @classmethod
    def of(cls, job_id: str) -> "Links":
        return cls(
            status=f"/api/v2/workflows?job_id={job_id}",
            events=f"/api/v2/workflows/{job_id}/events",
            stop="/api/v2/workflows/stop",
        )


class JobResponse(BaseModel):
    """A job that is not finished, or was just accepted (contract 1.9)."""

    job_id: str
    flow_id: str
    object: Literal["job"] = "job"
    created_timestamp: datetime
    status: Status
    links: Links
    errors: list[dict[str, Any]] = []
    globals: dict[str, str] = {}


class SuspendedResponse(JobResponse):
    """A job that waits for people, and what for. Added to the contract."""

    human_requests: list[HumanRequestDetail]
    is_paused: bool


class Output(BaseModel):
    """The one text of a run, when there is one."""

    reason: Literal["single", "multiple", "non_string", "none", "failed"]
    text: str | None = None
    source: str | None = None


class ExecutionResponse(BaseModel):
    """A run that ended (contract 1.8); the key set is always complete."""

    flow_id: str
    session_id: str | None
    job_id: str
    object: Literal["response"] = "response"
    created_timestamp: datetime
    status: Status
    output: Output
    errors: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    inputs: dict[str, Any] = {}
    globals: dict[str, str] = {}
    outputs: dict[str, dict[str, Any]] = {}
    human_request: dict[str, Any] | None = None
    has_errors: bool = False


class JobDetail(BaseModel):
    """A job as `GET /api/v2/workflows/{job_id}` and the list tell it: always 200, whatever became of it."""

    job_id: str
    flow_id: str
    session_id: str
    object: Literal["job"] = "job"
    mode: Mode
    status: Status
    created_timestamp: datetime
    started_at: datetime | None
    finished_at: datetime | None
    last_event: int
    error: dict[str, Any] | None
    links: Links
    is_paused: bool = False
    human_requests: list[HumanRequestDetail] = []
    result: ExecutionResponse | None = None


class JobList(BaseModel):
    """A page of jobs, newest first; `next_cursor` is null on the last page."""

    jobs: list[JobDetail]
    next_cursor: str | None
