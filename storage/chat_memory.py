"""The chat messages of a session."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, insert, update

from flows.messages import MessageRecord
from storage.tables import ChatMessage, table_of

_ADD = insert(table_of(ChatMessage))
_messages = table_of(ChatMessage).c
_STAMP = (
    update(table_of(ChatMessage))
    .where(_messages.id == bindparam("of_message"))
    .values(content_blocks=bindparam("stored_blocks"))
)


def remember(connection: Connection, records: Sequence[MessageRecord]) -> None:
    """Adds messages to their sessions, in a transaction of the caller's."""
    if records:
        connection.execute(_ADD, [_row(record) for record in records])


def stamp(connection: Connection, message_id: str, blocks: Sequence[Mapping[str, Any]]) -> None:
    """Shows a message with other content from now on, in a transaction of the caller's."""
    connection.execute(_STAMP, {"of_message": message_id, "stored_blocks": orjson.dumps(blocks).decode()})


def _row(record: MessageRecord) -> dict[str, Any]:
    message = record.message
    texts = {name: _without_nul(getattr(message, name)) for name in ("session_id", "sender", "sender_name", "text")}
    return {
        "id": record.id,
        "job_id": record.job_id,
        "flow_id": record.flow_id,
        **texts,
        "files": orjson.dumps(message.files).decode(),
        "content_blocks": orjson.dumps(record.content_blocks).decode(),
        "created_at": record.created_at,
    }


def _without_nul(text: str) -> str:
    """PostgreSQL stores no NUL in a text; the log keeps the message as it was."""
    return text.replace("\x00", "")
