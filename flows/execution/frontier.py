"""Which vertices may run now, which never will, and why: the branches, merges and loops of one run."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from flows.definition import Edge
from flows.execution.iterations import Iterations
from flows.graph import Graph
from flows.loops import ITEM


@dataclass(frozen=True)
class Settled:
    """What follows from one finished vertex: the vertices that became ready, those that will not run, and those that
    begin another visit, so that what they have put out is over."""

    ready: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    again: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Arrival:
    """An edge that has reached its target: dead when it has `killers`, the routers whose untaken branches killed it."""

    edge: Edge
    killers: frozenset[str]


NOBODY: frozenset[str] = frozenset()


class Frontier:
    """The state of one run over a graph, a pure function of which outputs each finished vertex produced.

    A branch that was not taken is skipped with everything that cannot do without it. A vertex loses a field when
    all edges into that field are dead. It then runs all the same when it is a merge: when one of its live edges
    comes down another branch of the router that killed the field. Otherwise it is skipped.

    A loop that gives an item makes the vertices of its body wait anew for what comes from the body, while what came
    from outside stays. It is ready again when all of them have run or were skipped.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.iterations = Iterations(graph.loops)
        self._arrivals: dict[str, list[_Arrival]] = defaultdict(list)
        self._returning: dict[str, list[Edge]] = defaultdict(list)
        """For each loop: the edges that have brought something back to it in the iteration under way."""
        self._routers: dict[str, frozenset[str]] = {}
        """For each vertex that ran: the routers whose taken branches lead to it, itself included if it is one."""

    def settle(self, vertex_id: str, produced: Collection[str]) -> Settled:
        """Records that a vertex finished with the `produced` outputs and tells what follows."""
        if vertex_id in self._graph.loops and ITEM in produced:
            return self._begin(vertex_id)
        edges = self._onward(vertex_id)
        closes = any(edge.source_handle.name not in produced for edge in edges)
        self._routers[vertex_id] = self._branches(vertex_id) | (frozenset([vertex_id]) if closes else NOBODY)
        self._bring_back(vertex_id, produced)
        ready, skipped = list[str](), self._unvisited(vertex_id)
        self._go_through(vertex_id, ready)
        dead = frozenset([vertex_id])
        self._spread(
            [_Arrival(edge, dead if edge.source_handle.name not in produced else NOBODY) for edge in edges],
            ready,
            skipped,
        )
        return Settled(tuple(ready), tuple(skipped))

    def live_edges(self, vertex_id: str) -> list[Edge]:
        """The edges that brought a value to a vertex, in the order of the definition."""
        live = {id(edge) for edge in self._live(vertex_id)}
        return [edge for edge in self._graph.awaited[vertex_id] if id(edge) in live]

    def returning_edges(self, loop: str) -> list[Edge]:
        """The edges that brought something back to a loop in its last iteration, in the order of the definition."""
        live = {id(edge) for edge in self._returning[loop]}
        return [edge for edge in self._graph.returning[loop] if id(edge) in live]

    def _begin(self, loop: str) -> Settled:
        """Begins the next iteration of a loop."""
        again = self.iterations.begin(loop)
        inside = again | {loop}
        for vertex_id in again:
            self._arrivals[vertex_id] = [one for one in self._arrivals[vertex_id] if one.edge.source not in inside]
        self._routers[loop] = self._branches(loop)
        self._returning[loop] = []
        given = [edge for edge in self._graph.onward[loop] if edge.source_handle.name == ITEM]
        ready, skipped = list[str](), list[str]()
        if self.iterations.go_on(loop):
            ready.append(loop)
        self._spread([_Arrival(edge, NOBODY) for edge in given], ready, skipped)
        return Settled(tuple(ready), tuple(skipped), again)

    def _spread(self, arrivals: Iterable[_Arrival], ready: list[str], skipped: list[str]) -> None:
        """Lets edges reach their targets, and tells which are `ready` and `skipped` then, and behind those."""
        pending = deque(arrivals)
        while pending:
            arrival = pending.popleft()
            target = arrival.edge.target
            if not self._arrive(arrival):
                continue
            if not self._is_skipped(target):
                ready.append(target)
                continue
            skipped += [target, *self._unvisited(target)]
            self._go_through(target, ready)
            causes = NOBODY.union(*(one.killers for one in self._arrivals[target]))
            pending.extend(_Arrival(edge, causes) for edge in self._onward(target))

    def _arrive(self, arrival: _Arrival) -> bool:
        """Takes note of an edge; true when it was the last that its target waited for."""
        arrivals = self._arrivals[arrival.edge.target]
        arrivals.append(arrival)
        return len(arrivals) == len(self._graph.awaited[arrival.edge.target])

    def _go_through(self, vertex_id: str, ready: list[str]) -> None:
        """Takes note that a vertex has finished or is skipped; its loop is ready when that was the last of its body."""
        loop = self.iterations.settle(vertex_id)
        if loop is not None:
            ready.append(loop)

    def _bring_back(self, vertex_id: str, produced: Collection[str]) -> None:
        for edge in self._graph.outgoing[vertex_id]:
            if edge.target_handle.loops and edge.source_handle.name in produced:
                self._returning[edge.target].append(edge)

    def _onward(self, vertex_id: str) -> list[Edge]:
        """The edges that lead on from a vertex when it is through; from a loop, those that give no items."""
        is_loop = vertex_id in self._graph.loops
        return [edge for edge in self._graph.onward[vertex_id] if not (is_loop and edge.source_handle.name == ITEM)]

    def _unvisited(self, vertex_id: str) -> list[str]:
        """The body of a loop that is through without an item: nothing in it will run."""
        if vertex_id not in self._graph.loops or self.iterations.given(vertex_id):
            return []
        return [id for id in self._graph.vertices if id in self._graph.loops.bodies[vertex_id]]

    def _is_skipped(self, vertex_id: str) -> bool:
        closed: dict[str, frozenset[str]] = defaultdict(frozenset)
        for one in self._arrivals[vertex_id]:
            if one.killers:
                closed[one.edge.target_handle.name] |= one.killers
        fed = {edge.target_handle.name for edge in self._live(vertex_id)}
        branches = self._branches(vertex_id)
        return any(not branches & killers for name, killers in closed.items() if name not in fed)

    def _live(self, vertex_id: str) -> list[Edge]:
        return [one.edge for one in self._arrivals[vertex_id] if not one.killers]

    def _branches(self, vertex_id: str) -> frozenset[str]:
        return NOBODY.union(*(self._routers[edge.source] for edge in self._live(vertex_id)))
