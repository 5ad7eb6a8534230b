"""The stored flows that a run may run inside its vertices."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flows.errors import FlowError


class FlowUnavailable(FlowError):
    """There is no such flow, or it may not be run here: which of both is not told (I9)."""

    def __init__(self, called: str) -> None:
        super().__init__(
            f"There is no flow {called!r} that may be run here. Select one of the flow's owner, or one that is shared "
            "with both its owner and whoever runs it; a public run runs public flows only."
        )


@dataclass(frozen=True)
class StoredFlow:
    """A version of a stored flow, as it may be run now. Its `variable` and `library` are what its own vertices have."""

    flow_id: str
    version_id: str
    name: str
    graph: Any
    """Its `Graph`. It is not named here: a graph knows its components, and they know the library of a run."""
    variable: Callable[[str], str | None]
    library: "FlowLibrary"
    is_own: bool = True
    """Whether it belongs to whoever runs it. Else it has none of their knowledge: whoever owns a flow decides where it
    sends what it finds."""
    shares_session: bool = True
    """Whether it may know what was said in the session of the flow around it."""
    takes_fields: bool = True
    """Whether its inputs may be filled in. Else it is only said something to: it runs as it is stored."""
    is_told: bool = True
    """Whether whoever runs it may see into it. Else neither its vertices nor why it fails are told (contract 6.5)."""


class FlowLibrary(Protocol):
    """Finds flows. Rights are checked at each call (I9)."""

    async def find(self, flow_id: str, name: str) -> StoredFlow:
        """The flow of an id, else the one of the flow's owner that has a name, as it is stored now. Raises
        `FlowUnavailable`, and `FlowRefused` when it cannot run."""

    async def again(self, flow_id: str, version_id: str) -> StoredFlow:
        """A version that was found before. Raises as `find`."""


class NoLibrary:
    """Where there are no stored flows."""

    async def find(self, flow_id: str, name: str) -> StoredFlow:
        raise FlowUnavailable(flow_id or name)

    async def again(self, flow_id: str, version_id: str) -> StoredFlow:
        raise FlowUnavailable(flow_id)
