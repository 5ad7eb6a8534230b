"""Wire protocols: one log, several projections with the same cursor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeAlias

from storage.stream import Entry
from web.protocols.langflow import LangflowProjection


class Projection(Protocol):
    """How one client sees the log."""

    def frames(self, entry: Entry) -> Sequence[bytes]:
        """The JSON of the frames that an entry becomes, none when it is not for this client."""


ProjectionFactory: TypeAlias = Callable[[bool], Projection]
"""Makes a projection for one client; the flag says whether it may see the state of the graph."""

PROTOCOLS: Mapping[str, ProjectionFactory] = {"langflow": LangflowProjection}
"""The protocols by the name that a request gives."""
