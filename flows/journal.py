"""Where a pass writes what it has done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from flows.checkpoints import Checkpoint
from flows.dialogue import Asked
from flows.events import Event
from flows.human import HumanRequest
from flows.messages import MessageRecord
from flows.values import Value


@dataclass(frozen=True)
class VertexResult:
    """A finished vertex: what is stored of it, and shown."""

    vertex_id: str
    visit: int
    outputs: Mapping[str, Value]


@dataclass(frozen=True)
class Step:
    """A step that a vertex has done and must not do again, and what is stored with it."""

    checkpoint: Checkpoint
    events: Sequence[Event] = ()
    messages: Sequence[MessageRecord] = ()
    spent: int = 0
    """The tokens that the vertex has spent since the step before."""
    durable: bool = False


class Journal(Protocol):
    """Where a pass writes. Every method but `delta` returns after its transaction has committed.

    Each may raise the control flow of a pass that was lost (rule 2); the engine lets it rise and writes nothing more.
    """

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        """Stores a human request behind some milestones, in one transaction. It applies what the vertex was told
        before, and takes back that the vertex was about to act."""

    def announce(self, events: Sequence[Event]) -> None:
        """Stores milestones at once."""

    def keep(self, step: Step) -> None:
        """Stores a step that a vertex has done, in one transaction; on disk when it returns, when it is `durable`."""

    def intend(self, vertex_id: str, visit: int) -> None:
        """Stores that a vertex is about to do what must not happen twice; on disk when it returns."""

    def finish(
        self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord], spent: int = 0
    ) -> None:
        """Stores a finished vertex with its milestones, chat messages and the tokens it has `spent` since its last
        step, in one transaction, and lets go of its steps."""

    def delta(self, event: Event) -> None:
        """Publishes a live event. It may be lost, and never fails the vertex."""
