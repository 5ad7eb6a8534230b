"""Named values of a user, encrypted at rest."""

from uuid import uuid4

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage.clock import now
from storage.database import Database
from storage.secrets import Secrets
from storage.tables import Variable


def set_variable(database: Database, secrets: Secrets, user_id: str, name: str, value: str) -> None:
    """Stores a value under a name, in place of any that stood there."""
    sealed = secrets.seal(value, _binding(user_id, name))
    of_name = (col(Variable.user_id) == user_id, col(Variable.name) == name)
    replace = update(Variable).where(*of_name).values(value=sealed, updated_at=now())
    row = {"id": str(uuid4()), "user_id": user_id, "name": name, "value": sealed}
    with database.durable() as connection:
        if connection.execute(replace).rowcount:
            return
        try:
            with connection.begin_nested():
                connection.execute(insert(Variable).values(created_at=now(), updated_at=now(), **row))
        except IntegrityError:
            # The name was stored for the first time at the same moment; the later value stands.
            connection.execute(replace)


def get_variable(database: Database, secrets: Secrets, user_id: str, name: str) -> str | None:
    """The value of a name, or None. Raises `SecretUnreadable`."""
    statement = select(col(Variable.value)).where(col(Variable.user_id) == user_id, col(Variable.name) == name)
    with database.read() as connection:
        sealed = connection.execute(statement).scalar_one_or_none()
    return None if sealed is None else str(secrets.open(sealed, _binding(user_id, name)))


def delete_variable(database: Database, user_id: str, name: str) -> bool:
    """Forgets a name; false when there was none."""
    statement = delete(Variable).where(col(Variable.user_id) == user_id, col(Variable.name) == name)
    with database.durable() as connection:
        return connection.execute(statement).rowcount > 0


def _binding(user_id: str, name: str) -> str:
    return f"variable:{user_id}:{name}"
