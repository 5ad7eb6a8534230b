"""The chat messages of a session."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Subquery, and_, bindparam, func, insert, select, update

from flows.cards import TITLE
from flows.memory import Speaker
from flows.messages import MessageRecord
from flows.text import MAX_TEXT
from flows.values import Message
from storage.claiming import Claimed
from storage.database import Database
from storage.levels import Trust
from storage.tables import ChatMessage, Job, table_of

_ADD = insert(table_of(ChatMessage))
_messages, _jobs = table_of(ChatMessage).c, table_of(Job).c
_STAMP = (
    update(table_of(ChatMessage))
    .where(_messages.id == bindparam("of_message"))
    .values(content_blocks=bindparam("stored_blocks"))
)
_IS_CARD = and_(_messages.text == TITLE, _messages.content_blocks != "[]")
"""Shows a human request, which nobody said."""


def remember(connection: Connection, records: Sequence[MessageRecord]) -> None:
    """Adds messages to their sessions, in a transaction of the caller's."""
    if records:
        connection.execute(_ADD, [_row(record) for record in records])


def stamp(connection: Connection, message_id: str, blocks: Sequence[Mapping[str, Any]]) -> None:
    """Shows a message with other content from now on, in a transaction of the caller's."""
    connection.execute(_STAMP, {"of_message": message_id, "stored_blocks": orjson.dumps(blocks).decode()})


def recall(database: Database, claimed: Claimed, count: int, speaker: Speaker) -> list[MessageRecord]:
    """The newest messages of a job's session, the oldest of them first: `count` of them, or fewer, so that their texts
    have `MAX_TEXT` characters together at most. They come without content blocks.

    They are those of earlier jobs of the same flow that were run for the same person: the user, the person behind that
    user's key, or a visitor, whom only the session tells from others (I9). Messages of a job that is deleted are gone.
    """
    newest = _newest(claimed, count, speaker)
    order = (newest.c.created_at.desc(), newest.c.id.desc())
    so_far = func.sum(func.length(newest.c.text)).over(order_by=order, rows=(None, 0)).label("so_far")
    summed = select(newest, so_far).subquery()
    statement = select(summed).where(summed.c.so_far <= MAX_TEXT).order_by(summed.c.created_at, summed.c.id)
    with database.read() as connection:
        return [record_of(row) for row in connection.execute(statement)]


def _newest(claimed: Claimed, count: int, speaker: Speaker) -> Subquery:
    """Walks the index of sessions backwards, and looks up the job of each message that it meets."""
    return (
        select(table_of(ChatMessage))
        .join(table_of(Job), _jobs.id == _messages.job_id)
        .where(_messages.flow_id == claimed.flow_id, _messages.session_id == claimed.session_id)
        .where(_messages.job_id != claimed.job_id, ~_IS_CARD, *_is_for(claimed), *_is_said_by(speaker))
        .order_by(_messages.created_at.desc(), _messages.id.desc())
        .limit(count)
        .subquery()
    )


def _is_for(claimed: Claimed) -> Sequence[ColumnElement[bool]]:
    is_public = _jobs.trust == Trust.PUBLIC
    return (
        _jobs.user_id == claimed.user_id,
        _jobs.end_user.is_not_distinct_from(claimed.end_user),
        is_public if claimed.trust is Trust.PUBLIC else ~is_public,
    )


def _is_said_by(speaker: Speaker) -> Sequence[ColumnElement[bool]]:
    wanted = ((_messages.sender, speaker.sender), (_messages.sender_name, speaker.name))
    return [column == _without_nul(name) for column, name in wanted if name]


def record_of(row: Row[Any]) -> MessageRecord:
    """A message from a row that has at least its columns, without content blocks."""
    message = Message(row.text, row.sender, row.sender_name, row.session_id, files=tuple(orjson.loads(row.files)))
    return MessageRecord(row.id, row.job_id, row.flow_id, row.created_at, message)


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
