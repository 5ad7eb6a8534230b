"""How a long text becomes chunks: cut at a separator, and put together again up to a size."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Keep(StrEnum):
    """Where the separator stays when a text is cut at it."""

    NOWHERE = "nowhere"
    START = "start"
    """In front of what follows it."""
    END = "end"
    """Behind what it follows."""


@dataclass(frozen=True)
class Splitter:
    """Chunks of at most `size` characters; each begins with up to `overlap` characters of the one before.

    An empty `separator` cuts between any two characters. What lies between two separators is never cut, so that a
    chunk may be longer than `size`. Raises `ValueError` for a size or an overlap that no chunk can have.
    """

    separator: str = "\n"
    size: int = 1_000
    overlap: int = 200
    keep: Keep = Keep.NOWHERE

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("`chunk_size` must be at least 1")
        if not 0 <= self.overlap <= self.size:
            raise ValueError("`chunk_overlap` must lie between 0 and `chunk_size`")

    def split(self, text: str) -> Iterator[str]:
        """The chunks in order, without space around them; empty ones are left out."""
        joint = self.separator if self.keep is Keep.NOWHERE else ""
        held: deque[str] = deque()
        length = 0
        for piece in self._pieces(text):
            added = len(piece) + (len(joint) if held else 0)
            if held and length + added > self.size:
                yield from _chunk(joint, held)
                length = self._keep_overlap(held, length, len(piece), len(joint))
                added = len(piece) + (len(joint) if held else 0)
            held.append(piece)
            length += added
        yield from _chunk(joint, held)

    def _keep_overlap(self, held: deque[str], length: int, wanted: int, joint: int) -> int:
        """Drops pieces from the front until those left may overlap and leave room for `wanted` characters more."""
        while held and (length > self.overlap or length + joint + wanted > self.size):
            length -= len(held.popleft()) + (joint if held else 0)
        return length

    def _pieces(self, text: str) -> Iterator[str]:
        if not self.separator:
            yield from text
            return
        parts = text.split(self.separator)
        for number, part in enumerate(parts):
            before = self.separator if self.keep is Keep.START and number > 0 else ""
            after = self.separator if self.keep is Keep.END and number < len(parts) - 1 else ""
            if piece := before + part + after:
                yield piece


def _chunk(joint: str, held: deque[str]) -> Iterator[str]:
    if chunk := joint.join(held).strip():
        yield chunk
