"""How fast a graph may be run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


async def _at_once() -> bool:
    return True


@dataclass(frozen=True)
class Pace:
    """How fast a graph may be run."""

    max_parallel: int = 8
    """Vertices that are built at the same time."""
    vertex_seconds: float | None = None
    """How long one vertex may take; None for as long as it wants."""
    may_start: Callable[[], Awaitable[bool]] = _at_once
    """Asked before each vertex, and answers when one may start; false when none may any more in this pass."""
