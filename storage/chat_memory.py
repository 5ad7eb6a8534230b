"""The chat messages of a session."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, insert

from flows.messages import MessageRecord
from storage.tables import ChatMessage, table_of

_ADD = insert(table_of(ChatMessage))


def remember(connection: Connection, records: Sequence[MessageRecord]) -> None:
    """Adds messages to their sessions, in a transaction of the caller's."""
    if records:
        connection.execute(_ADD, [_row(record) for record in records])


def _row(record: MessageRecord) -> dict[str, Any]:
    message = record.message
    texts = {name: _without_nul(getattr(message, name)) for name in ("session_id", "sender", "sender_name", "text")}
    return {
        "id": record.id,
        "job_id": record.job_id,
        "flow_id": record.flow_id,
        **texts,
        "files": orjson.dumps(message.files).decode(),
        "created_at": record.created_at,
    }


def _without_nul(text: str) -> str:
    """PostgreSQL stores no NUL in a text; the log keeps the message as it was."""
    return text.replace("\x00", "")
