"""What the database holds in the end."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select
from sqlmodel import SQLModel, col

from storage.database import Database
from storage.tables import ExecutionSignal, HumanRequestRow, Job, JobEvent, VertexRow, table_of


@dataclass(frozen=True)
class JobRow:
    """A job; moments are seconds since the epoch, by the database's clock."""

    id: str
    mode: str
    status: str
    session_id: str
    idempotency_key: str | None
    seq: int
    created_at: float
    finished_at: float | None
    error: str | None


@dataclass(frozen=True)
class EventRow:
    """A milestone as it is stored."""

    job_id: str
    seq: int
    type: str
    terminal: bool
    payload: str
    created_at: float

    @property
    def data(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = orjson.loads(self.payload)["data"]
        return found


@dataclass(frozen=True)
class ResultRow:
    """What one visit of a vertex produced."""

    job_id: str
    vertex_id: str
    visit: int
    outputs: str


@dataclass(frozen=True)
class SignalRow:
    """An order on a job."""

    job_id: str
    kind: str


@dataclass(frozen=True)
class RequestRow:
    """A human request, and what was decided, by whom."""

    id: str
    job_id: str
    vertex_id: str
    kind: str
    state: str
    decision: str | None
    decided_by: str | None
    is_applied: bool

    @property
    def decided(self) -> Mapping[str, Any]:
        """The decision; nothing when nobody decided."""
        found: Mapping[str, Any] = orjson.loads(self.decision) if self.decision else {}
        return found

    @property
    def action(self) -> str | None:
        """What was chosen; None when nobody decided."""
        return self.decided.get("action_id")


@dataclass(frozen=True)
class Contents:
    """All rows that invariants speak about; events in their order."""

    jobs: tuple[JobRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    results: tuple[ResultRow, ...] = ()
    signals: tuple[SignalRow, ...] = ()
    requests: tuple[RequestRow, ...] = ()


def read_contents(url: str) -> Contents:
    """The contents of a database."""
    with closing(Database(url)) as database:
        return Contents(
            jobs=tuple(JobRow(**row) for row in _rows(database, Job, JobRow)),
            events=tuple(EventRow(**row) for row in _rows(database, JobEvent, EventRow)),
            results=tuple(ResultRow(**row) for row in _rows(database, VertexRow, ResultRow)),
            signals=tuple(SignalRow(**row) for row in _rows(database, ExecutionSignal, SignalRow)),
            requests=tuple(RequestRow(**row) for row in _rows(database, HumanRequestRow, RequestRow)),
        )


def count_live(database: Database) -> int:
    """How many jobs have not ended and do not wait for a person."""
    with database.read() as connection:
        statement = select(col(Job.id)).where(col(Job.status).in_(("queued", "in_progress")))
        return len(connection.execute(statement).all())


def write_contents(path: Path, contents: Contents) -> None:
    path.write_bytes(orjson.dumps(asdict(contents)))


def load_contents(path: Path) -> Contents:
    """What `write_contents` wrote."""
    stored = orjson.loads(path.read_bytes())
    return Contents(
        jobs=tuple(JobRow(**row) for row in stored["jobs"]),
        events=tuple(EventRow(**row) for row in stored["events"]),
        results=tuple(ResultRow(**row) for row in stored["results"]),
        signals=tuple(SignalRow(**row) for row in stored["signals"]),
        requests=tuple(RequestRow(**row) for row in stored["requests"]),
    )


def _rows(database: Database, table: type[SQLModel], wanted: type[Any]) -> list[dict[str, Any]]:
    names = list(wanted.__dataclass_fields__)
    columns = [getattr(table, name) for name in names]
    key = table_of(table).primary_key.columns
    with database.read() as connection:
        found = connection.execute(select(*columns).order_by(*key)).all()
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in found]


def _plain(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value
