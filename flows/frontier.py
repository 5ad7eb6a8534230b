"""Which vertices may run now, which never will, and why: the branches and merges of one run."""

from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field

from flows.definition import Edge
from flows.graph import Graph


@dataclass(frozen=True)
class Settled:
    """What follows from one finished vertex: the vertices that became ready, and those that will never run."""

    ready: tuple[str, ...]
    skipped: tuple[str, ...]


@dataclass
class _Arrivals:
    """What has reached one vertex so far."""

    live: list[Edge] = field(default_factory=list)
    closed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """For each field with a dead edge: the routers whose untaken branches killed it."""
    count: int = 0


class Frontier:
    """The state of one run over a graph, a pure function of which outputs each finished vertex produced.

    A branch that was not taken is skipped with everything that cannot do without it. A vertex loses a field when
    all edges into that field are dead. It then runs all the same when it is a merge: when one of its live edges
    comes down another branch of the router that killed the field. Otherwise it is skipped.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._arrivals: dict[str, _Arrivals] = defaultdict(_Arrivals)
        self._routers: dict[str, set[str]] = {}
        """For each vertex that ran: the routers whose taken branches lead to it, itself included if it is one."""

    def settle(self, vertex_id: str, produced: Collection[str]) -> Settled:
        """Records that a vertex finished with the `produced` outputs and tells what follows."""
        edges = self._graph.outgoing[vertex_id]
        closes = any(edge.source_handle.name not in produced for edge in edges)
        self._routers[vertex_id] = self._branches(vertex_id) | ({vertex_id} if closes else set())
        ready: list[str] = []
        skipped: list[str] = []
        pending = deque((edge, set() if edge.source_handle.name in produced else {vertex_id}) for edge in edges)
        while pending:
            edge, killers = pending.popleft()
            if not self._arrive(edge, killers):
                continue
            if self._is_skipped(edge.target):
                skipped.append(edge.target)
                causes = set().union(*self._arrivals[edge.target].closed.values())
                pending.extend((following, causes) for following in self._graph.outgoing[edge.target])
            else:
                ready.append(edge.target)
        return Settled(tuple(ready), tuple(skipped))

    def live_edges(self, vertex_id: str) -> list[Edge]:
        """The edges that brought a value to a vertex, in the order of the definition."""
        live = {id(edge) for edge in self._arrivals[vertex_id].live}
        return [edge for edge in self._graph.incoming[vertex_id] if id(edge) in live]

    def _arrive(self, edge: Edge, killers: set[str]) -> bool:
        """Takes note of an edge, dead when it has killers; true when it was the last that its target waited for."""
        arrivals = self._arrivals[edge.target]
        arrivals.count += 1
        if killers:
            arrivals.closed[edge.target_handle.name] |= killers
        else:
            arrivals.live.append(edge)
        return arrivals.count == len(self._graph.incoming[edge.target])

    def _is_skipped(self, vertex_id: str) -> bool:
        arrivals = self._arrivals[vertex_id]
        fed = {edge.target_handle.name for edge in arrivals.live}
        branches = self._branches(vertex_id)
        return any(not branches & killers for name, killers in arrivals.closed.items() if name not in fed)

    def _branches(self, vertex_id: str) -> set[str]:
        return {router for edge in self._arrivals[vertex_id].live for router in self._routers[edge.source]}
