"""Sharing a flow: with users by name, and with the public."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from storage.auditing import Deed, record
from storage.clock import now
from storage.database import Database
from storage.errors import NoSuchUser, TooMany
from storage.levels import Level
from storage.tables import FlowShare, User, table_of

MOST = 1_000
"""Shares of one flow at most (I10)."""

_shares, _users = table_of(FlowShare).c, table_of(User).c
_OF_FLOW = (
    select(_shares.id, _shares.flow_id, _users.name, _shares.level, _shares.created_at)
    .select_from(table_of(FlowShare).outerjoin(table_of(User), _users.id == _shares.user_id))
    .where(_shares.flow_id == bindparam("of_flow"))
    .order_by(_users.name)
)
_SAME = (_shares.flow_id == bindparam("of_flow"), _shares.user_id.is_not_distinct_from(bindparam("with_user")))
_CHANGE = update(table_of(FlowShare)).where(*_SAME).values(level=bindparam("to_level"))


@dataclass(frozen=True)
class ShareView:
    """What somebody, or with `name` None everybody, may do with a flow that is not theirs."""

    id: str
    flow_id: str
    name: str | None
    level: Level
    created_at: datetime


def shares_of(database: Database, flow_id: str) -> Sequence[ShareView]:
    """All shares of a flow, by the names of those it is shared with."""
    with database.read() as connection:
        return _shares_of(connection, flow_id)


def share(database: Database, flow_id: str, name: str | None, level: Level, deed: Deed) -> ShareView:
    """Lets a user, or with `name` None the public, do with a flow what a level allows, and no more. Doing it again
    changes nothing (I12). Raises `NoSuchUser`, `TooMany`, and `LookupError` for a flow that does not exist."""
    with database.durable() as connection:
        user_id = None if name is None else _user_id(connection, name)
        _put(connection, flow_id, user_id, level, deed.by.user_id or "")
        record(connection, deed)
        return next(found for found in _shares_of(connection, flow_id) if found.name == name)


def unshare(database: Database, flow_id: str, share_id: str, deed: Deed) -> bool:
    """Takes a share back; false when the flow has no such share."""
    with database.durable() as connection:
        gone = delete(FlowShare).where(_shares.id == share_id, _shares.flow_id == flow_id)
        if not connection.execute(gone).rowcount:
            return False
        record(connection, deed)
        return True


def _shares_of(connection: Connection, flow_id: str) -> list[ShareView]:
    rows = connection.execute(_OF_FLOW, {"of_flow": flow_id})
    return [ShareView(row.id, row.flow_id, row.name, Level(row.level), row.created_at) for row in rows]


def _user_id(connection: Connection, name: str) -> str:
    found: str | None = connection.execute(select(_users.id).where(_users.name == name)).scalar_one_or_none()
    if found is None:
        raise NoSuchUser(name)
    return found


def _put(connection: Connection, flow_id: str, user_id: str | None, level: Level, by: str) -> None:
    change = {"of_flow": flow_id, "with_user": user_id, "to_level": level}
    if connection.execute(_CHANGE, change).rowcount:
        return
    _check_room(connection, flow_id)
    row = {"id": str(uuid4()), "flow_id": flow_id, "user_id": user_id, "level": level, "created_by": by}
    try:
        with connection.begin_nested():
            connection.execute(insert(FlowShare).values(created_at=now(), **row))
    except IntegrityError:
        # It was shared for the first time at the same moment, and the later level stands; or the flow is gone.
        if not connection.execute(_CHANGE, change).rowcount:
            raise LookupError(flow_id) from None


def _check_room(connection: Connection, flow_id: str) -> None:
    """Those who share at the same moment may each find room for one."""
    held = select(func.count()).where(_shares.flow_id == flow_id)
    if connection.execute(held).scalar_one() >= MOST:
        raise TooMany(f"A flow may have {MOST} shares. Take one back first.")
