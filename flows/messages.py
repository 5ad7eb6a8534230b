"""A chat message as it is stored in a session's memory and shown on the wire (contract 3.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.values import Message


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """One chat message of a job. `state` is `partial` while tokens still come, else `complete`."""

    id: str
    job_id: str
    flow_id: str
    created_at: datetime
    message: Message
    state: str = "complete"
    category: str = "message"
    content_blocks: tuple[Mapping[str, Any], ...] = ()

    @property
    def timestamp(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M:%S.%f} UTC"

    def dump(self) -> dict[str, Any]:
        """The message with the key set of the contract, in which `data` repeats all fields but its own."""
        fields = self._fields()
        return {"text_key": "text", "data": fields, "default_value": "", **fields}

    def _fields(self) -> dict[str, Any]:
        message = self.message
        return {
            "timestamp": self.timestamp,
            "sender": message.sender,
            "sender_name": message.sender_name,
            "session_id": message.session_id,
            "context_id": message.context_id,
            "text": message.text,
            "files": list(message.files),
            "error": self.category == "error",
            "edit": False,
            "properties": self._properties(),
            "category": self.category,
            "content_blocks": [dict(block) for block in self.content_blocks],
            "session_metadata": {"graph_run_id": self.job_id},
            "id": self.id,
            "flow_id": self.flow_id,
            "run_id": self.job_id,
            "duration": None,
        }

    def _properties(self) -> dict[str, Any]:
        source, usage = self.message.source, self.message.usage
        return {
            "text_color": None,
            "background_color": None,
            "edited": False,
            "source": {"id": source.id, "display_name": source.display_name, "source": source.source},
            "icon": None,
            "allow_markdown": False,
            "positive_feedback": None,
            "state": self.state,
            "targets": [],
            "usage": usage.dump() if usage else None,
            "build_duration": None,
        }
