"""The chat message that shows a human request in its session (contract 4.2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from flows.messages import MessageRecord
from flows.values import Message

TITLE = "Human input required"


def card_id(job_id: str, request_id: str) -> str:
    """The id of the card of a request."""
    return str(uuid5(UUID(job_id), f"card {request_id}"))


def card(job_id: str, flow_id: str, session_id: str, payload: Mapping[str, Any], asked_at: datetime) -> MessageRecord:
    """The card of a request that is open; `payload` is that of its event."""
    return MessageRecord(
        id=card_id(job_id, payload["request_id"]),
        job_id=job_id,
        flow_id=flow_id,
        created_at=asked_at,
        message=Message(TITLE, sender="Machine", sender_name="AI", session_id=session_id),
        content_blocks=(card_block(job_id, payload),),
    )


def card_block(
    job_id: str, payload: Mapping[str, Any], *, submitted_action: str | None = None, superseded: bool = False
) -> dict[str, Any]:
    """What a card shows, as its request stands: open, answered, or of no more use."""
    content = {
        "type": "human_input",
        "request_id": payload["request_id"],
        "job_id": job_id,
        "kind": payload["kind"],
        "prompt": payload["prompt"],
        "options": payload["options"],
        "fields": payload.get("schema", []),
        "allowed_decisions": payload["allowed_decisions"],
        "submitted_action": submitted_action,
        "superseded": superseded,
    }
    return {"title": TITLE, "contents": [content], "allow_markdown": True, "media_url": None}
