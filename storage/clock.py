"""The database's clock (rule 1): the only one that leases, deadlines and creation times are measured with."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Dialect, Float, cast, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` in PostgreSQL, ISO text with microseconds in SQLite, where text sorts as time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Moment(FunctionElement[datetime]):
    """The database's time, shifted by its one argument in seconds."""

    type = Instant()
    inherit_cache = True


def now() -> Moment:
    """The database's time."""
    return after(0)


def after(seconds: float | ColumnElement[float]) -> Moment:
    """The database's time, `seconds` from now; negative seconds lie in the past. A statement that is kept and executed
    again and again takes them as a parameter."""
    return Moment(cast(seconds if isinstance(seconds, ColumnElement) else literal(float(seconds)), Float))


class SecondsUntil(FunctionElement[float]):
    """How far its one argument, a moment, lies ahead of the database's time."""

    type = Float()
    inherit_cache = True


@compiles(Moment, "postgresql")
def _postgresql(element: Moment, compiler: Any, **options: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **options)}))"


@compiles(Moment, "sqlite")
def _sqlite(element: Moment, compiler: Any, **options: Any) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {compiler.process(element.clauses, **options)} || ' seconds')"


@compiles(SecondsUntil, "postgresql")
def _until_postgresql(element: SecondsUntil, compiler: Any, **options: Any) -> str:
    return f"EXTRACT(EPOCH FROM ({compiler.process(element.clauses, **options)} - clock_timestamp()))"


@compiles(SecondsUntil, "sqlite")
def _until_sqlite(element: SecondsUntil, compiler: Any, **options: Any) -> str:
    return f"((julianday({compiler.process(element.clauses, **options)}) - julianday('now')) * 86400.0)"
