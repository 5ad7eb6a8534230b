"""The memory of a session, as the components of a run see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flows.errors import FlowError
from flows.messages import MessageRecord

MAX_MESSAGES = 10_000
"""Messages that are recalled at once (I10); those that are older stay where they are."""


class SessionUnavailable(FlowError):
    """A run asked for the memory of a session that is not its own (I9)."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        super().__init__(
            f"This run cannot read the session {session_id!r}: a run reads its own session only. Leave `session_id` "
            "empty, and send it with the run."
        )


@dataclass(frozen=True)
class Speaker:
    """Whose messages are meant; empty parts mean everybody's."""

    sender: str = ""
    """`User` or `Machine`."""
    name: str = ""


EVERYBODY = Speaker()


class Memory(Protocol):
    """Where a run reads what was said before."""

    async def recall(self, session_id: str, count: int, speaker: Speaker = EVERYBODY) -> Sequence[MessageRecord]:
        """The newest `count` messages that earlier runs of this flow said to whoever runs it, in the order in which
        they were said, without holding up the loop; fewer when they are long together. They come without content
        blocks, and what the run itself says is not among them.

        The session is the run's own. Raises `SessionUnavailable` for any other.
        """


class NoMemory:
    """The memory of a run that has none."""

    async def recall(self, session_id: str, count: int, speaker: Speaker = EVERYBODY) -> Sequence[MessageRecord]:
        return ()
