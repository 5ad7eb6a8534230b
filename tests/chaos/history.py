"""What clients and the one who does the faults saw, moment by moment."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import IO, Any, TypeAlias

import orjson

from tests.chaos.plan import FaultKind


class Purpose(StrEnum):
    """What a client asked for."""

    SUBMIT = "submit"
    STOP = "stop"
    LOOK = "look"
    """How a job stands."""
    ATTACH = "attach"
    """Its events after a cursor."""
    PENDING = "pending"
    """What it asks people."""
    RESUME = "resume"
    """That it goes on from a decision."""
    PAUSE = "pause"
    GO_ON = "go on"
    """That it goes on though it was paused."""


@dataclass(frozen=True)
class Call:
    """One request and what became of it. `status` is None when no answer came; then `fault` says why.

    `number` is that of the planned job; `job_id` the job that was asked about, or that answered a submit.
    """

    purpose: Purpose
    number: int
    url: str
    asked_at: float
    answered_at: float
    body: Mapping[str, Any]
    status: int | None
    answer: Mapping[str, Any] = field(default_factory=dict)
    job_id: str | None = None
    fault: str | None = None

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """Whether the same request need not be sent again: it was answered, and not told to come again."""
        return self.status is not None and self.status < 429


@dataclass(frozen=True)
class FrameSeen:
    """One server-sent event as a watcher got it, on its n-th connection."""

    at: float
    job_id: str
    watcher: str
    connection: int
    id: str
    data: str

    @property
    def seq(self) -> int:
        return int(self.id.partition("-")[0])

    @property
    def delta(self) -> int:
        """0 for a milestone."""
        return int(self.id.partition("-")[2] or 0)


@dataclass(frozen=True)
class FaultDone:
    """One fault as it was done. `ended_at` is when everything stood as before; `group` the process group that it hit,
    when it hit a program."""

    kind: FaultKind
    target: str
    began_at: float
    ended_at: float
    group: int | None = None

    def overlaps(self, begin: float, end: float) -> bool:
        return self.began_at <= end and self.ended_at >= begin


@dataclass(frozen=True)
class DiedAlone:
    """A program that ended though nobody ended it, and was started again."""

    at: float
    target: str


Record: TypeAlias = Call | FrameSeen | FaultDone | DiedAlone
_KINDS: Mapping[str, type[Record]] = {kind.__name__: kind for kind in (Call, FrameSeen, FaultDone, DiedAlone)}


class History:
    """Keeps records in memory, and in a file as JSON lines. Used by many threads."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = Lock()
        self.records: list[Record] = []

    def add(self, record: Record) -> None:
        line = orjson.dumps({"record": type(record).__name__, **asdict(record)})
        with self._lock:
            self.records.append(record)
            self._file.write(line + b"\n")


@contextmanager
def recording(path: Path) -> Iterator[History]:
    """A history that is written to a file until the end of the block."""
    with path.open("wb") as file:
        yield History(file)


def read_history(path: Path) -> list[Record]:
    """The records of a file."""
    return [_parsed(orjson.loads(line)) for line in path.read_bytes().splitlines()]


def _parsed(fields: dict[str, Any]) -> Record:
    kind = _KINDS[fields.pop("record")]
    for name, enum in (("purpose", Purpose), ("kind", FaultKind)):
        if name in fields:
            fields[name] = enum(fields[name])
    return kind(**fields)
