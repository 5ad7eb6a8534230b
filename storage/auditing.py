"""The audit log: who did what to what, written in the transaction that does it, and read back newest first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, or_, select

from storage.clock import now
from storage.database import Database
from storage.tables import AuditEntry, table_of

MAX_TEXT = 256
"""Characters of one text in an entry; what is longer is cut, for refused names come from anybody."""
MAX_DETAILS = 16
"""Details of one entry at most."""

Detail: TypeAlias = str | int | bool | None

_entries = table_of(AuditEntry).c
_RECORD = insert(table_of(AuditEntry)).values(
    at=now(),
    user_id=bindparam("by_user"),
    user_name=bindparam("by_name"),
    action=bindparam("done"),
    subject=bindparam("of_subject"),
    detail=bindparam("more"),
    address=bindparam("from_address"),
)


class Action(StrEnum):
    """What is recorded. What its subject is stands behind each."""

    LOGIN = "login"
    """The id of the user."""
    LOGIN_REFUSED = "login_refused"
    """The name that was given."""
    LOGOUT = "logout"
    """The id of the user."""
    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    KEY_CREATED = "key_created"
    """The id of the key, never the key."""
    KEY_REVOKED = "key_revoked"
    FLOW_SHARED = "flow_shared"
    """The id of the flow; with whom, and how far, is told in the details."""
    FLOW_UNSHARED = "flow_unshared"
    FLOW_PUBLISHED = "flow_published"
    FLOW_UNPUBLISHED = "flow_unpublished"
    FLOW_DELETED = "flow_deleted"
    JOB_STOPPED = "job_stopped"
    """The id of the job."""
    JOB_PAUSED = "job_paused"
    JOB_RESUMED = "job_resumed"
    REQUEST_DECIDED = "request_decided"
    """The id of the human request; what was chosen is told in the details, what was filled in is not."""
    VARIABLE_CHANGED = "variable_changed"
    """The name of the variable, never its value."""
    VARIABLE_DELETED = "variable_deleted"
    FILE_CREATED = "file_created"
    """The id of the file."""
    FILE_DELETED = "file_deleted"
    KNOWLEDGE_DELETED = "knowledge_deleted"
    """The name of the knowledge base."""


@dataclass(frozen=True)
class Actor:
    """Who does something, and from which network address; without a user, nobody who is known."""

    user_id: str | None = None
    name: str | None = None
    address: str | None = None
    end_user: str | None = None
    """The person for whom a service does it (contract 6.4)."""


@dataclass(frozen=True)
class Deed:
    """Something that is done. The details are for people, few, short and without secrets."""

    action: Action
    subject: str
    by: Actor
    detail: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """An entry of the log."""

    id: int
    at: datetime
    user_id: str | None
    user_name: str | None
    action: str
    subject: str
    detail: Mapping[str, Detail]
    address: str | None


@dataclass(frozen=True)
class DeedFilter:
    """Which entries to list, the newest first; those before the entry `before`."""

    only_of: str | None = None
    """The id of the one user whose entries may be seen at all; None for all."""
    user: str | None = None
    """The id of a user, or what they were called."""
    action: Action | None = None
    subject: str | None = None
    since: datetime | None = None
    before: int | None = None
    limit: int = 50


def record(connection: Connection, deed: Deed) -> None:
    """Adds an entry in the caller's transaction: the deed and its record are both there, or neither. One statement."""
    told = {**deed.detail, **({"end_user": deed.by.end_user} if deed.by.end_user else {})}
    details = {_bounded(name): _bounded(value) for name, value in list(told.items())[:MAX_DETAILS]}
    entry = {
        "by_user": deed.by.user_id,
        "by_name": _bounded(deed.by.name),
        "done": deed.action,
        "of_subject": _bounded(deed.subject),
        "more": orjson.dumps(details).decode(),
        "from_address": _bounded(deed.by.address),
    }
    connection.execute(_RECORD, entry)


def deeds(database: Database, wanted: DeedFilter) -> list[Recorded]:
    """The entries that were asked for, the newest first."""
    # What was cut when it was stored is found all the same.
    subject = _bounded(wanted.subject)
    equal = ((_entries.user_id, wanted.only_of), (_entries.action, wanted.action), (_entries.subject, subject))
    conditions = [column == value for column, value in equal if value is not None]
    if wanted.user is not None:
        conditions.append(or_(_entries.user_id == wanted.user, _entries.user_name == wanted.user))
    if wanted.since is not None:
        conditions.append(_entries.at >= wanted.since)
    if wanted.before is not None:
        conditions.append(_entries.id < wanted.before)
    statement = select(table_of(AuditEntry)).where(*conditions).order_by(_entries.id.desc()).limit(wanted.limit)
    with database.read() as connection:
        return [_recorded(row) for row in connection.execute(statement)]


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(
        id=row.id,
        at=row.at,
        user_id=row.user_id,
        user_name=row.user_name,
        action=row.action,
        subject=row.subject,
        detail=orjson.loads(row.detail),
        address=row.address,
    )


def _bounded(value: Detail) -> Any:
    """A text cut, without what a database does not take or a terminal would obey; anything else as it is."""
    if not isinstance(value, str):
        return value
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value[:MAX_TEXT]
    )
