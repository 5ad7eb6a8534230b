"""What a vertex sees of its graph while it is built."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flows.values import Source


@dataclass(frozen=True)
class Neighbour:
    """A vertex that an output leads to."""

    id: str
    type: str


@dataclass(frozen=True)
class Surroundings:
    """The place of one vertex in its run."""

    vertex_id: str
    display_name: str
    leads_to: Mapping[str, Sequence[Neighbour]]
    """The vertices behind each output that has an edge."""
    fed_by: Mapping[str, Source]
    """For each field that an edge filled, the vertex that its value came from."""
    field: Callable[[str, str], str | None]
    """The text that a field of any vertex holds, variables resolved; None when it is empty or unknown."""

    def is_wanted(self, output: str) -> bool:
        """Whether anything uses an output: an edge leads from it, or the vertex is terminal and shows all it has."""
        return not self.leads_to or output in self.leads_to

    def first_behind(self, output: str, types: Sequence[str]) -> str | None:
        """The first vertex of one of the component `types` that an output leads to directly."""
        return next((behind.id for behind in self.leads_to.get(output, ()) if behind.type in types), None)
