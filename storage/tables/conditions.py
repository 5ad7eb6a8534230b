"""Conditions of tables, in the SQL that both databases understand."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import text


def one_of(column: str, values: Iterable[StrEnum]) -> str:
    """That a column has one of some values."""
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def where(condition: str) -> dict[str, Any]:
    """The condition of a partial index."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}
