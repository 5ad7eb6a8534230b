"""A reader's place in the log of a job (rule 4)."""

import re
from typing import NamedTuple

_WRITTEN = re.compile(r"([0-9]{1,15})(?:-([0-9]{1,15}))?")


class Cursor(NamedTuple):
    """`seq` of a milestone, or the `delta`-th delta after it. Ordered as the log is.

    Written `seq` or `seq-k`: the SSE `id`, and with an explicit `-0` the Redis stream id.
    """

    seq: int
    delta: int = 0

    def __str__(self) -> str:
        return f"{self.seq}-{self.delta}" if self.delta else str(self.seq)

    @property
    def stream_id(self) -> str:
        return f"{self.seq}-{self.delta}"

    @property
    def is_milestone(self) -> bool:
        return self.delta == 0

    @classmethod
    def parse(cls, written: str | None) -> "Cursor | None":
        """The cursor that a client sent; None for anything that no log ever gave out (contract 1.4)."""
        found = _WRITTEN.fullmatch(written or "")
        return cls(int(found[1]), int(found[2] or 0)) if found else None


START = Cursor(0)
"""Before the first event."""
