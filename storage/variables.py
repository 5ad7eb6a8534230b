"""Named values of a user, encrypted at rest."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage.auditing import Action, Actor, Deed, record
from storage.clock import now
from storage.database import Database
from storage.errors import NameTaken, TooMany
from storage.secrets import Secrets
from storage.tables import Variable

MOST = 500
"""Variables of one user at most (I10)."""
MAX_NAME = 256
MAX_VALUE = 65_536
"""Characters; the contract's bounds of globals (contract 1.1)."""


@dataclass(frozen=True)
class VariableView:
    """What may be told about a variable: everything but its value."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime


_SHOWN = [col(getattr(Variable, name)) for name in VariableView.__dataclass_fields__]


def set_variable(
    database: Database, secrets: Secrets, user_id: str, name: str, value: str, by: Actor | None = None
) -> None:
    """Stores a value under a name, in place of any that stood there. Raises `TooMany`."""
    of_name = (col(Variable.user_id) == user_id, col(Variable.name) == name)
    replace = update(Variable).where(*of_name).values(value=_seal(secrets, user_id, name, value), updated_at=now())
    with database.durable() as connection:
        _record(connection, Action.VARIABLE_CHANGED, name, by)
        if connection.execute(replace).rowcount:
            return
        try:
            with connection.begin_nested():
                _insert(connection, secrets, user_id, name, value)
        except IntegrityError:
            # The name was stored for the first time at the same moment; the later value stands.
            connection.execute(replace)


def create_variable(
    database: Database, secrets: Secrets, user_id: str, name: str, value: str, by: Actor | None = None
) -> VariableView:
    """Stores a value under a new name. Raises `NameTaken` and `TooMany`."""
    try:
        with database.durable() as connection:
            _record(connection, Action.VARIABLE_CHANGED, name, by)
            return _view(_insert(connection, secrets, user_id, name, value))
    except IntegrityError:
        raise NameTaken(name) from None


def rotate_variable(
    database: Database, secrets: Secrets, user_id: str, variable_id: str, value: str, by: Actor | None = None
) -> VariableView | None:
    """Gives a variable another value; None when the user has no such one."""
    mine = (col(Variable.id) == variable_id, col(Variable.user_id) == user_id)
    with database.durable() as connection:
        name = connection.execute(select(col(Variable.name)).where(*mine)).scalar_one_or_none()
        if name is None:
            return None
        changes = {"value": _seal(secrets, user_id, name, value), "updated_at": now()}
        row = connection.execute(update(Variable).where(*mine).values(changes).returning(*_SHOWN)).one_or_none()
        if row is not None:
            _record(connection, Action.VARIABLE_CHANGED, name, by)
    return None if row is None else _view(row)


def list_variables(database: Database, user_id: str) -> list[VariableView]:
    """A user's variables by name."""
    statement = select(*_SHOWN).where(col(Variable.user_id) == user_id).order_by(col(Variable.name))
    with database.read() as connection:
        return [_view(row) for row in connection.execute(statement)]


def get_variable(database: Database, secrets: Secrets, user_id: str, name: str) -> str | None:
    """The value of a name, or None. Raises `SecretUnreadable`."""
    return get_variables(database, secrets, user_id, [name]).get(name)


def get_variables(database: Database, secrets: Secrets, user_id: str, names: Collection[str]) -> Mapping[str, str]:
    """The values of those names that the user has. Raises `SecretUnreadable`."""
    if not names:
        return {}
    wanted = (col(Variable.user_id) == user_id, col(Variable.name).in_(names))
    with database.read() as connection:
        found = connection.execute(select(col(Variable.name), col(Variable.value)).where(*wanted)).all()
    return {row.name: str(secrets.open(row.value, _binding(user_id, row.name))) for row in found}


def delete_variable(database: Database, user_id: str, name: str, by: Actor | None = None) -> bool:
    """Forgets a name; false when there was none."""
    return _delete(database, user_id, col(Variable.name) == name, by)


def delete_variable_by_id(database: Database, user_id: str, variable_id: str, by: Actor | None = None) -> bool:
    """Forgets a variable; false when the user has no such one."""
    return _delete(database, user_id, col(Variable.id) == variable_id, by)


def _delete(database: Database, user_id: str, which: ColumnElement[bool], by: Actor | None) -> bool:
    statement = delete(Variable).where(col(Variable.user_id) == user_id, which).returning(col(Variable.name))
    with database.durable() as connection:
        name = connection.execute(statement).scalar_one_or_none()
        if name is not None:
            _record(connection, Action.VARIABLE_DELETED, name, by)
        return name is not None


def _record(connection: Connection, action: Action, name: str, by: Actor | None) -> None:
    if by is not None:
        record(connection, Deed(action, name, by))


def _insert(connection: Connection, secrets: Secrets, user_id: str, name: str, value: str) -> Row[Any]:
    """Those who add at the same moment may each find room for one."""
    held = select(func.count()).where(col(Variable.user_id) == user_id)
    if connection.execute(held).scalar_one() >= MOST:
        raise TooMany(f"A user may have {MOST} variables. Delete one first.")
    sealed = _seal(secrets, user_id, name, value)
    row = {"id": str(uuid4()), "user_id": user_id, "name": name, "value": sealed}
    statement = insert(Variable).values(created_at=now(), updated_at=now(), **row).returning(*_SHOWN)
    return connection.execute(statement).one()


def _view(row: Row[Any]) -> VariableView:
    return VariableView(**row._mapping)


def _seal(secrets: Secrets, user_id: str, name: str, value: str) -> bytes:
    return secrets.seal(value, _binding(user_id, name))


def _binding(user_id: str, name: str) -> str:
    return f"variable:{user_id}:{name}"
