"""What `/api/v1/run/{id_or_endpoint}` takes and gives."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from web.texts import CleanText, Name


class V1RunBody(BaseModel):
    """What is run. Unknown fields are ignored, as in Langflow. `stream` stands here or in the query."""

    model_config = ConfigDict(extra="ignore")

    input_value: CleanText | None = None
    input_type: Literal["chat", "text", "any"] = "chat"
    """Which components the input goes to: ChatInput, TextInput, or both."""
    output_type: Literal["chat", "text", "any", "debug"] = "chat"
    """Whose results are told: of ChatOutput, TextOutput, both, or every component."""
    output_component: Name | None = None
    """The id of the only component whose result is told."""
    tweaks: dict[str, Any] | None = Field(None, repr=False)
    session_id: Name | None = None
    stream: bool = False


class V1RunQuery(BaseModel):
    """`?stream=true`."""

    model_config = ConfigDict(extra="ignore")

    stream: bool = False


class ChatMessageResult(BaseModel):
    """A message that a component showed."""

    message: Any
    sender: str | None
    sender_name: str | None
    session_id: str | None
    stream_url: None = None
    component_id: str
    files: list[Any]
    type: str = "message"


class ComponentResult(BaseModel):
    """What one component gave: its `results` by output name. Where they hold a text message under another name,
    `message` is added, where the SDK looks for texts."""

    results: dict[str, Any]
    artifacts: Any
    outputs: dict[str, Any]
    logs: dict[str, Any]
    messages: list[ChatMessageResult]
    timedelta: float | None
    duration: str | None
    component_display_name: str
    component_id: str
    used_frozen_result: bool


class RunResult(BaseModel):
    """What came of one input."""

    inputs: dict[str, Any]
    outputs: list[ComponentResult]


class V1RunResponse(BaseModel):
    """A run that was completed. `job_id` is added: the job is kept as any other."""

    session_id: str
    outputs: list[RunResult]
    job_id: str
