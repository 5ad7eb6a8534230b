"""What a wire protocol is to the rest of the web: a view of one job, and its projection for one client."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from storage.cursor import Cursor
from storage.stream import Entry
from web.protocols.place import Place


@dataclass(frozen=True)
class View:
    """What one client sees of a job: whether it may see the state of the graph, and the names under which it knows the
    conversation and the run."""

    exposes_graph: bool
    job_id: str
    thread_id: str
    run_id: str
    is_public: bool = False
    """Whether it is a visitor, who has no other way to what the run tells (contract 6.3)."""


class Projection(Protocol):
    """How one client sees the log, from where it stands."""

    @property
    def starts_at(self) -> Cursor:
        """Behind which event it must be given the log."""

    def tells_pauses(self) -> bool:
        """Whether it says something where the job stands still."""

    def wire(self, entries: Sequence[Entry]) -> bytes:
        """The frames that entries become, empty when there is nothing in them for this client."""

    def at_rest(self, is_paused: bool) -> bytes:
        """The frames with which the stream ends where the job stands still, `is_paused` by somebody or for answers."""


ProjectionFactory: TypeAlias = Callable[[View, Place], Projection]
"""Makes a projection for one client."""
