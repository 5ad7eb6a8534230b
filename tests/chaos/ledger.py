"""The side-effect ledger: what vertices did to the world, told by themselves, past Penstock and its database.

One JSON line per beginning and end, each on disk before the vertex goes on. It is the oracle for what ran how often.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson


class What(StrEnum):
    """What a line tells."""

    BEGIN = "begin"
    END = "end"


@dataclass(frozen=True)
class Line:
    """One moment of one build of a vertex. `nonce` is new for every build, and the vertex's output; `group` is the
    process group of the program that built it."""

    at: float
    what: What
    job_id: str
    vertex_id: str
    visit: int
    key: str
    effect: str
    nonce: str
    pid: int
    group: int

    @property
    def visited(self) -> tuple[str, str, int]:
        """Which visit of which vertex of which job."""
        return self.job_id, self.vertex_id, self.visit


def append(path: Path, line: Line) -> None:
    """Adds a line; it is on disk when this returns. Lines of many processes do not mix."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, orjson.dumps(asdict(line)) + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def read(path: Path) -> list[Line]:
    """All lines in the order in which they were written; none when nothing was."""
    if not path.exists():
        return []
    return [parsed(orjson.loads(text)) for text in path.read_bytes().splitlines()]


def parsed(fields: Mapping[str, Any]) -> Line:
    """A line from the fields of its JSON."""
    return Line(**{**fields, "what": What(fields["what"])})
