"""A chat message as the contract shows it (contract 3.1): on the wire, and in the list of messages."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class MessageSource(BaseModel):
    """Which vertex a message came from, and by which model; all null for whoever may not see the graph."""

    id: str | None
    display_name: str | None
    source: str | None


class MessageProperties(BaseModel):
    """How a message is to be shown; `state` is `partial` while tokens still come."""

    text_color: str | None
    background_color: str | None
    edited: bool
    source: MessageSource
    icon: str | None
    allow_markdown: bool
    positive_feedback: bool | None
    state: str
    targets: list[Any]
    usage: dict[str, Any] | None
    build_duration: float | None


class MessageFields(BaseModel):
    """What a message says, and where it belongs."""

    model_config = ConfigDict(defer_build=True)

    timestamp: str
    sender: str | None
    sender_name: str | None
    session_id: str
    context_id: str | None
    text: str
    files: list[Any]
    error: bool
    edit: bool
    properties: MessageProperties
    category: str
    content_blocks: list[dict[str, Any]]
    session_metadata: dict[str, Any]
    id: str
    flow_id: str
    run_id: str
    duration: float | None


class ChatMessage(MessageFields):
    """A message, in which `data` repeats all fields but its own."""

    text_key: str
    data: MessageFields
    default_value: str
