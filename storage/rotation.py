"""Everything that is encrypted, brought under the first of the secret keys, so that the others can be taken away.

Safe beside workers and web processes that have the new key in front, and whenever it is killed: each value is replaced
by a compare-and-set on its old ciphertext, and what is under the first key already is passed by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import delete, select, update
from sqlalchemy.sql.elements import KeyedColumnElement

from storage.database import Database
from storage.errors import SecretUnreadable
from storage.secrets import Secrets
from storage.tables import HashKey, Job, Variable, table_of

BATCH = 100
"""Values that are read, and replaced in one transaction, at a time."""


@dataclass(frozen=True)
class Rotated:
    """How many values there are: newly encrypted, under the first key before, and readable with none of the keys."""

    renewed: int = 0
    current: int = 0
    unreadable: int = 0

    @property
    def all(self) -> int:
        return self.renewed + self.current + self.unreadable

    def __add__(self, other: "Rotated") -> "Rotated":
        return Rotated(self.renewed + other.renewed, self.current + other.current, self.unreadable + other.unreadable)


_Columns: TypeAlias = tuple[KeyedColumnElement[str], KeyedColumnElement[bytes]]
_Batch: TypeAlias = Sequence[tuple[str, bytes]]
_HASH_KEY: _Columns = (table_of(HashKey).c.id, table_of(HashKey).c.sealed)
_VARIABLES: _Columns = (table_of(Variable).c.id, table_of(Variable).c.value)
_SEALED: Sequence[_Columns] = (_HASH_KEY, _VARIABLES, (table_of(Job).c.id, table_of(Job).c.overrides))
"""Every column that holds something encrypted, behind the id of its row."""


def rotate(database: Database, secrets: Secrets) -> Rotated:
    """Encrypts what is stored under the first key, until a whole look finds nothing under another one."""
    found = _look(database, secrets, replaces=True)
    renewed = found.renewed
    while found.renewed:
        found = _look(database, secrets, replaces=True)
        renewed += found.renewed
    return Rotated(renewed, found.current - renewed, found.unreadable)


def forget_unreadable(database: Database, secrets: Secrets) -> int:
    """Gives up, for a key that is lost for good, the variables that no key opens; how many things were forgotten. When
    the key of hashes is among them, every API key and login ends. Jobs stay: whoever wants them gone stops them."""
    forgotten = 0
    for columns in (_HASH_KEY, _VARIABLES):
        id, sealed = columns
        for batch in _batches(database, columns):
            with database.durable() as connection:
                for row_id, old in _unreadable(secrets, batch):
                    forgotten += connection.execute(delete(id.table).where(id == row_id, sealed == old)).rowcount
    return forgotten


def _unreadable(secrets: Secrets, batch: _Batch) -> Iterator[tuple[str, bytes]]:
    for id, sealed in batch:
        try:
            secrets.renewed(sealed)
        except SecretUnreadable:
            yield id, sealed


def examine(database: Database, secrets: Secrets) -> Rotated:
    """What `rotate` would find; nothing is changed."""
    return _look(database, secrets, replaces=False)


def _look(database: Database, secrets: Secrets, *, replaces: bool) -> Rotated:
    total = Rotated()
    for columns in _SEALED:
        for batch in _batches(database, columns):
            found, renewed = _renew(secrets, batch)
            total += found
            if replaces and renewed:
                _replace(database, columns, renewed)
    return total


def _batches(database: Database, columns: _Columns) -> Iterator[_Batch]:
    """All values behind their ids, in the order of the ids."""
    id, sealed = columns
    last = ""
    while True:
        statement = select(id, sealed).where(id > last, sealed.is_not(None)).order_by(id).limit(BATCH)
        with database.read() as connection:
            batch = [(row[0], row[1]) for row in connection.execute(statement)]
        if not batch:
            return
        yield batch
        last, _ = batch[-1]


def _renew(secrets: Secrets, batch: _Batch) -> tuple[Rotated, list[tuple[str, bytes, bytes]]]:
    """What there is in a batch, and the old and the new ciphertext of what is under another key than the first."""
    renewed: list[tuple[str, bytes, bytes]] = []
    unreadable = 0
    for id, old in batch:
        try:
            new = secrets.renewed(old)
        except SecretUnreadable:
            unreadable += 1
        else:
            renewed += [] if new is None else [(id, old, new)]
    return Rotated(len(renewed), len(batch) - len(renewed) - unreadable, unreadable), renewed


def _replace(database: Database, columns: _Columns, renewed: Sequence[tuple[str, bytes, bytes]]) -> None:
    """A value that was changed or dropped meanwhile stays as it is."""
    id, sealed = columns
    with database.durable() as connection:
        for row_id, old, new in renewed:
            connection.execute(update(id.table).where(id == row_id, sealed == old).values({sealed.name: new}))
