"""Runs inside vertices: what the run of a whole flow inside a vertex shares with the run around it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from flows.checkpoints import Checkpoints
from flows.dialogue import Asked, Dialogues
from flows.errors import FlowRefused
from flows.events import Event, EventType
from flows.execution.pace import Pace
from flows.graph import Graph
from flows.human import HumanRequest, NeedsDecision
from flows.journal import Journal, Step, VertexResult
from flows.messages import MessageRecord

SEPARATOR = "/"
"""Between the vertex, its visit, and the vertex inside. No vertex of a flow that has others inside has it in its id."""

MAX_INSIDE = 100_000
"""Vertices inside others at most in one job, over all flows and visits (I10): flows that run several others each would
grow without bounds."""


class WaitsInside(NeedsDecision):
    """A vertex waits because one inside it does, which has asked already: control flow, as `NeedsDecision` is."""

    def __init__(self) -> None:
        BaseException.__init__(self, "a vertex inside waits for a person")


class HeldBackInside(BaseException):
    """A vertex is not finished because inside it none may start any more in this pass: control flow.

    A `BaseException`, so that no component can catch it by mistake. If you caught it, let it rise.
    """


@dataclass
class Inside:
    """Shared by a run and all runs inside its vertices. What a vertex inside is called begins with a prefix, which ends
    with `SEPARATOR` and is that of no other run."""

    journal: Journal
    pace: Pace
    dialogues: Dialogues
    checkpoints: Checkpoints
    unclear: set[str] = field(default_factory=set)
    """Vertices inside that may have done what must not happen twice, of which nobody was asked yet."""
    _finished: dict[str, list[VertexResult]] = field(default_factory=lambda: defaultdict(list))
    _sizes: Counter[str] = field(default_factory=Counter)
    """How many vertices the runs inside have, by their prefixes."""
    _size: int = 0

    def begin(self, prefix: str, vertices: int) -> None:
        """Takes note that a run of so many vertices begins, or goes on. Raises `FlowRefused` for one too many."""
        self._count(prefix, vertices)
        if self._size > MAX_INSIDE:
            raise FlowRefused(f"More than {MAX_INSIDE} vertices would run inside others. Run fewer flows inside flows.")

    def take(self, finished: Iterable[VertexResult]) -> None:
        """Takes over results of vertices inside, in the order in which they were stored."""
        for result in finished:
            prefix = prefix_of(result.vertex_id)
            self._finished[prefix].append(result)
            self._count(prefix, len(self._finished[prefix]))

    def finished(self, prefix: str) -> Sequence[VertexResult]:
        """The results of one run inside, in the order in which they were stored."""
        return tuple(self._finished[prefix])

    def _count(self, prefix: str, vertices: int) -> None:
        more = max(0, vertices - self._sizes[prefix])
        self._sizes[prefix] += more
        self._size += more


def prefix_of(vertex_id: str) -> str:
    """The prefix of the run that a vertex inside belongs to."""
    return vertex_id.rpartition(SEPARATOR)[0] + SEPARATOR


def with_prefix(graph: Graph, prefix: str) -> Graph:
    """The graph with other vertex ids."""
    vertices = [
        replace(one, node=one.node.model_copy(update={"id": prefix + one.id})) for one in graph.vertices.values()
    ]
    edges = [
        edge.model_copy(update={"source": prefix + edge.source, "target": prefix + edge.target}) for edge in graph.edges
    ]
    return Graph({vertex.id: vertex for vertex in vertices}, tuple(edges))


@dataclass(frozen=True)
class InsideJournal:
    """The `Journal` of a run inside. Its vertices are stored, and told of where they may be; its chat messages and its
    outputs are not those of the run around it, and go nowhere."""

    inside: Inside
    is_told: bool = True

    def ask(self, vertex_id: str, visit: int, request: HumanRequest, events: Sequence[Event]) -> Asked:
        return self.inside.journal.ask(vertex_id, visit, request, self._told(events))

    def announce(self, events: Sequence[Event]) -> None:
        if told := self._told(events):
            self.inside.journal.announce(told)

    def keep(self, step: Step) -> None:
        self.inside.journal.keep(replace(step, events=self._told(step.events), messages=()))

    def intend(self, vertex_id: str, visit: int) -> None:
        self.inside.journal.intend(vertex_id, visit)

    def finish(
        self, result: VertexResult, events: Sequence[Event], messages: Sequence[MessageRecord], spent: int = 0
    ) -> None:
        self.inside.journal.finish(result, self._told(events), [], spent)
        self.inside.take([result])

    def delta(self, event: Event) -> None:
        if self.is_told and event.type is not EventType.TOKEN:
            self.inside.journal.delta(event)

    def _told(self, events: Sequence[Event]) -> list[Event]:
        return [event for event in events if self.is_told and event.type is EventType.END_VERTEX]
