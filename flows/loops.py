"""The loops of a graph and their bodies: which vertices are visited for every item of which loop (contract 7.2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

from flows.definition import Edge
from flows.errors import FlowRefused

ITEM = "item"
"""The output of a loop that gives one item after another, and to which the edges from the end of its body lead back."""
MAX_LOOPS = 100
"""Loops of one graph (I10): each is compared with each."""


@dataclass(frozen=True)
class Loops:
    """The loops of a graph, by vertex id. The body of one is everything behind its output `item`; `own` of it are the
    vertices that are in the body of no loop within."""

    bodies: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __contains__(self, vertex_id: str) -> bool:
        return vertex_id in self.bodies

    @cached_property
    def home(self) -> Mapping[str, str]:
        """The innermost loop around each vertex that is in the body of any."""
        found: dict[str, str] = {}
        for loop, body in sorted(self.bodies.items(), key=lambda one: -len(one[1])):
            found |= dict.fromkeys(body, loop)
        return found

    @cached_property
    def own(self) -> Mapping[str, Collection[str]]:
        """The vertices of each body that are in none within it."""
        found: dict[str, list[str]] = {loop: [] for loop in self.bodies}
        for vertex_id, loop in self.home.items():
            found[loop].append(vertex_id)
        return found

    def around(self, vertex_id: str) -> list[str]:
        """The loops whose bodies a vertex is in, the innermost first."""
        found: list[str] = []
        while vertex_id in self.home:
            vertex_id = self.home[vertex_id]
            found.append(vertex_id)
        return found


def find_loops(ids: Iterable[str], outgoing: Mapping[str, Sequence[Edge]]) -> Loops:
    """The loops of these ids in a graph with these edges, those that lead back left out."""
    return Loops({id: frozenset(_behind(_givers(outgoing[id]), outgoing)) for id in ids})


def check_loops(loops: Loops, outgoing: Mapping[str, Sequence[Edge]], back: Iterable[Edge]) -> None:
    """Raises `FlowRefused` when it is not clear how often a vertex is to be visited, or when an edge does not lead
    `back` from the body of its loop. `outgoing` are the edges that do not lead back."""
    if len(loops.bodies) > MAX_LOOPS:
        raise FlowRefused(f"The flow has {len(loops.bodies)} loops; at most {MAX_LOOPS} are allowed.")
    for loop, body in loops.bodies.items():
        both = body & _behind([edge for edge in outgoing[loop] if edge.source_handle.name != ITEM], outgoing)
        if both:
            raise FlowRefused(
                f"{min(both)!r} is behind {ITEM!r} of the loop {loop!r} and behind another output of it. "
                "Connect it to one of them: it runs for each item, or once when all are through."
            )
    for (one, body), (other, another) in combinations(loops.bodies.items(), 2):
        shared = body & another
        if shared and one not in another and other not in body:
            raise FlowRefused(
                f"{min(shared)!r} is in the bodies of two loops, {one!r} and {other!r}. "
                "Put one of the loops into the body of the other, or connect it to one of them."
            )
    for edge in back:
        _check_back(edge, loops)


def _check_back(edge: Edge, loops: Loops) -> None:
    source, loop = edge.source, edge.target
    if edge.target_handle.name != ITEM:
        raise FlowRefused(f"The edge from {source!r} must lead back to {ITEM!r} of the loop {loop!r}.")
    home = loops.home.get(source)
    if home != loop:
        where = f"in the body of the loop {home!r}" if home else "in no body of a loop"
        raise FlowRefused(
            f"The edge from {source!r} leads back to the loop {loop!r}, but {source!r} is {where}. "
            f"Lead back from what {ITEM!r} of {loop!r} leads to."
        )


def _givers(edges: Sequence[Edge]) -> list[Edge]:
    return [edge for edge in edges if edge.source_handle.name == ITEM]


def _behind(edges: Sequence[Edge], outgoing: Mapping[str, Sequence[Edge]]) -> set[str]:
    """Every vertex that some edges lead to, and those behind it."""
    pending = [edge.target for edge in edges]
    reached = set(pending)
    while pending:
        new = {edge.target for edge in outgoing[pending.pop()]} - reached
        reached |= new
        pending.extend(new)
    return reached
