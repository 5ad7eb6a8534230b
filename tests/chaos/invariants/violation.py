"""What the checker finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tests.chaos.evidence import Evidence


@dataclass(frozen=True)
class Violation:
    """One invariant that did not hold, for one job or key, in words that say what was seen."""

    invariant: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject}: {self.what}"


Check: TypeAlias = Callable[[Evidence], Iterator[Violation]]
"""Finds every violation of one invariant; reads nothing but the evidence."""
