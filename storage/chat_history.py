"""The chat messages of a user, across sessions and flows: to be read, and to be deleted."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Delete, Row, Select, delete, func, select

from flows.messages import MessageRecord
from flows.text import MAX_TEXT
from storage.chat_memory import record_of
from storage.database import Database
from storage.tables import ChatMessage, Job, table_of
from storage.visibility import is_hidden

_messages, _jobs = table_of(ChatMessage).c, table_of(Job).c
_LENGTH = func.length(_messages.text) + func.length(_messages.content_blocks)


@dataclass(frozen=True)
class Listener:
    """To whom messages were said: a user, or the person behind a user's key, whom no other one hears (contract 6.4)."""

    user_id: str
    end_user: str | None = None


@dataclass(frozen=True)
class MessageFilter:
    """Which messages are meant; what is None is not asked for."""

    flow_id: str | None = None
    session_id: str | None = None
    sender: str | None = None
    sender_name: str | None = None


@dataclass(frozen=True)
class Page:
    """How many to skip, and how many to give after that."""

    limit: int
    offset: int = 0


def list_messages(
    database: Database, listener: Listener, wanted: MessageFilter, page: Page, *, newest_first: bool = False
) -> list[MessageRecord]:
    """Messages of jobs that the listener ran, of flows that they may see, in the order in which they were said.

    A page ends early, though never empty, where its texts have `MAX_TEXT` characters together (I10).
    """
    found = _of(listener, wanted, select(table_of(ChatMessage), _LENGTH.label("length")))
    paged = found.order_by(*_order(_messages, newest_first)).limit(page.limit).offset(page.offset).subquery()
    earlier = func.sum(paged.c.length).over(order_by=_order(paged.c, newest_first), rows=(None, -1))
    summed = select(paged, func.coalesce(earlier, 0).label("before")).subquery()
    statement = select(summed).where(summed.c.before < MAX_TEXT).order_by(*_order(summed.c, newest_first))
    with database.read() as connection:
        return [_record(row) for row in connection.execute(statement)]


def list_sessions(database: Database, listener: Listener, wanted: MessageFilter, page: Page) -> list[str]:
    """The sessions of those messages, the one with the latest message first."""
    statement = _of(listener, wanted, select(_messages.session_id)).group_by(_messages.session_id)
    latest = statement.order_by(func.max(_messages.created_at).desc(), _messages.session_id)
    with database.read() as connection:
        return list(connection.execute(latest.limit(page.limit).offset(page.offset)).scalars())


def delete_messages(database: Database, listener: Listener, ids: Collection[str]) -> int:
    """Deletes those messages that the listener could list, and no others; how many. Runs no longer recall them; the
    logs of the jobs that said them stay as they are."""
    return _delete(database, listener, _messages.id.in_(ids))


def delete_session(database: Database, listener: Listener, session_id: str, flow_id: str | None = None) -> int:
    """The same with a whole session, of one flow or of all."""
    which = _messages.session_id == session_id
    return _delete(database, listener, which if flow_id is None else which & (_messages.flow_id == flow_id))


def _delete(database: Database, listener: Listener, which: ColumnElement[bool]) -> int:
    theirs = _of(listener, MessageFilter(), select(_messages.id)).where(which)
    statement: Delete = delete(table_of(ChatMessage)).where(_messages.id.in_(theirs))
    with database.durable() as connection:
        return connection.execute(statement).rowcount


def _of(listener: Listener, wanted: MessageFilter, selected: Select[Any]) -> Select[Any]:
    """What is selected of the messages that a listener may know of."""
    named = {name: value for name, value in vars(wanted).items() if value is not None}
    return (
        selected.join(table_of(Job), _jobs.id == _messages.job_id)
        .where(_jobs.user_id == listener.user_id, _jobs.end_user.is_not_distinct_from(listener.end_user))
        .where(~is_hidden(_jobs.flow_id, listener.user_id))
        .where(*(_messages[name] == value for name, value in named.items()))
    )


def _order(columns: Any, newest_first: bool) -> list[ColumnElement[Any]]:
    parts = (columns.created_at, columns.id)
    return [part.desc() if newest_first else part.asc() for part in parts]


def _record(row: Row[Any]) -> MessageRecord:
    return replace(record_of(row), content_blocks=tuple(orjson.loads(row.content_blocks)))
