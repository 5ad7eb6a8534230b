"""How far a client has come: its cursor in the log, and what only its protocol knows."""

import re
from dataclasses import dataclass
from typing import Final

from storage.cursor import START, Cursor

_WRITTEN = re.compile(
    r"""(?P<cursor>[0-9]{1,15}(?:-[0-9]{1,15})?)
        (?:\.(?P<part>[0-9]{1,9}))?
        (?P<interrupted>!)?
        (?:~(?P<number>[1-9][0-9]{0,8}):(?P<since>[0-9]{1,15}(?:-[0-9]{1,15})?):(?P<length>[0-9]{1,15}):(?P<check>[0-9a-f]{1,8}))?""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class OpenText:
    """A text that a client has begun to read: the `number`-th of its job, open `since` a cursor, of which it has
    `length` characters whose CRC-32 is `check`."""

    number: int
    since: Cursor
    length: int
    check: int

    def __str__(self) -> str:
        return f"{self.number}:{self.since}:{self.length}:{self.check:x}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client stands: the SSE `id`, which it sends back as `Last-Event-ID`.

    Written as the `cursor` alone by a protocol whose frames are the events. Where one event becomes several frames,
    `.part` says how many of them the client has, while the event is not told to its end. `!` says that the run was
    interrupted there, so that what follows begins another run; behind a part, that the event began one. What a text
    that is open lacks may be lost for good, so `~` tells what the client has of it.
    """

    cursor: Cursor
    part: int = 0
    interrupted: bool = False
    text: OpenText | None = None

    def __str__(self) -> str:
        part = f".{self.part}" if self.part else ""
        mark = "!" if self.interrupted else ""
        return f"{self.cursor}{part}{mark}" if self.text is None else f"{self.cursor}{part}{mark}~{self.text}"

    @classmethod
    def parse(cls, written: str | None) -> "Place | None":
        """The place that a client sent; None for anything that no stream ever gave out (contract 1.4)."""
        found = _WRITTEN.fullmatch(written or "")
        if found is None:
            return None
        cursor, part = Cursor.parse(found["cursor"]), int(found["part"] or 0)
        assert cursor is not None
        return cls(cursor, part, found["interrupted"] is not None, _text(found))

    @property
    def whole(self) -> Cursor:
        """The last event that the client has all of."""
        if not self.part:
            return self.cursor
        seq, delta = self.cursor.seq, self.cursor.delta
        return Cursor(seq, delta - 1) if delta else Cursor(max(seq - 1, 0))

    def has(self, cursor: Cursor) -> bool:
        """Whether the client has all that an event became."""
        return cursor < self.cursor or (cursor == self.cursor and not self.part)


BEGINNING: Final = Place(START)
"""Where whoever has nothing begins."""


def _text(found: re.Match[str]) -> OpenText | None:
    if found["number"] is None:
        return None
    since = Cursor.parse(found["since"])
    assert since is not None
    return OpenText(int(found["number"]), since, int(found["length"]), int(found["check"], 16))
