"""Chunks with vectors that a test can reckon with."""

from typing import Any

from flows.embedding import unit
from flows.knowledge import Chunk

NAMED = "a-model"


def chunk(text: str, *numbers: float, digest: str | None = None, **metadata: Any) -> Chunk:
    """A chunk in a direction, known by its text."""
    return Chunk(digest or text, text, metadata, unit(numbers or (1.0, 0.0)))


def many(count: int, start: int = 0) -> list[Chunk]:
    """Chunks in all directions of the plane."""
    return [chunk(f"text {number}", number + 1.0, count - number) for number in range(start, start + count)]
