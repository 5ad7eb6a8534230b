"""What a long build keeps of its steps while it goes on, so that a crash costs the step under way and no more."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flows.values import Json


@dataclass(frozen=True)
class Checkpoint:
    """One step of one visit of a vertex that is done. `content` is what it led to, plain JSON."""

    vertex_id: str
    visit: int
    name: str
    """Which step; within its visit no two have the same."""
    content: Json


class Checkpoints:
    """Those of all unfinished vertices of a job, kept up to date while a pass runs."""

    def __init__(self, kept: Iterable[Checkpoint] = ()) -> None:
        self._kept: dict[tuple[str, int], dict[str, Json]] = defaultdict(dict)
        self.update(kept)

    def update(self, kept: Iterable[Checkpoint]) -> None:
        """Takes over steps that were stored."""
        for one in kept:
            self._kept[one.vertex_id, one.visit][one.name] = one.content

    def of(self, vertex_id: str, visit: int) -> Mapping[str, Json]:
        """The contents of one visit's steps by name, as they stand at any time."""
        return self._kept[vertex_id, visit]

    def forget(self, vertex_id: str, visit: int) -> bool:
        """Lets go of the steps of a visit that is finished; whether there were any."""
        return bool(self._kept.pop((vertex_id, visit), None))
