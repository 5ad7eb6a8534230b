"""The course of one run so far: what its vertices have put out, what follows, and how often each was visited."""

from collections.abc import Mapping, Sequence

from flows.definition import Edge
from flows.execution.frontier import Frontier, Settled
from flows.graph import Graph
from flows.journal import VertexResult
from flows.values import Value


class Course:
    """A pure function of the results that it is given, in the order in which they were stored."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._frontier = Frontier(graph)
        self._iterations = self._frontier.iterations
        self._outputs: dict[str, Mapping[str, Value]] = {}
        self._returned: dict[str, list[Value]] = {}

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Value]]:
        """What each vertex put out in the visit that it is at; it is there when that is finished."""
        return self._outputs

    @property
    def unfinished(self) -> list[str]:
        """The vertices without a result in the visit that they are at, in the order of the definition."""
        return [id for id in self._graph.vertices if id not in self._outputs]

    def settle(self, result: VertexResult) -> Settled:
        """Takes a finished vertex, and tells what follows."""
        self._outputs[result.vertex_id] = result.outputs
        settled = self._frontier.settle(result.vertex_id, result.outputs)
        for vertex_id in settled.again:
            self._outputs.pop(vertex_id, None)
            self._returned.pop(vertex_id, None)
        for loop in self._graph.loops.bodies.keys() & settled.ready:
            if self._iterations.given(loop):
                self._bring_back(loop)
        return settled

    def restore(self, finished: Sequence[VertexResult]) -> list[str]:
        """Takes all that is finished, and tells which vertices are ready then."""
        ready = dict.fromkeys(self._graph.first_layer)
        for result in finished:
            ready.pop(result.vertex_id, None)
            ready.update(dict.fromkeys(self.settle(result).ready))
        return list(ready)

    def live_edges(self, vertex_id: str) -> list[Edge]:
        """The edges that brought a value to a vertex, in the order of the definition."""
        return self._frontier.live_edges(vertex_id)

    def visit(self, vertex_id: str) -> int:
        """Which visit a vertex is at: the first, or that of an item of a loop around it."""
        return self._iterations.visit(vertex_id)

    def given(self, loop: str) -> int:
        """How many items a loop has given."""
        return self._iterations.given(loop)

    def returned(self, loop: str) -> Sequence[Value]:
        """What the items of a loop have brought back, in their order."""
        return self._returned.get(loop, ())

    def place(self, vertex_id: str) -> str:
        """For which items of the loops around it a vertex is visited; empty outside of any."""
        items = self._iterations.items(vertex_id)
        return ", ".join(f"item {number} of {self._name(loop)}" for loop, number in items)

    def _bring_back(self, loop: str) -> None:
        """Takes what an item has brought back to its loop, which is to be visited again."""
        edges = self._frontier.returning_edges(loop)
        returned = [self._outputs[edge.source][edge.source_handle.name] for edge in edges]
        self._returned.setdefault(loop, []).extend(returned)
        self._outputs.pop(loop, None)

    def _name(self, loop: str) -> str:
        return f"{self._graph.vertices[loop].display_name} ({loop})"
