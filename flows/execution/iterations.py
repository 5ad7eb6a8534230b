"""How far the loops of one run have come, and with that which visit of each vertex it is at."""

from collections import Counter

from flows.loops import Loops

NONE: frozenset[str] = frozenset()


class Iterations:
    """Counts visits and items, a pure function of the order in which vertices finished and were skipped.

    A loop is visited once for every item, and once more when all are through. When it gives an item, the vertices of
    its body begin another visit; when all of them are finished or skipped, the loop does.
    """

    def __init__(self, loops: Loops) -> None:
        self._loops = loops
        self._visits: Counter[str] = Counter()
        """How often another visit of a vertex has begun."""
        self._given: Counter[str] = Counter()
        """For each loop: how many items it has given since its own visits in the loop around it began."""
        self._missing: Counter[str] = Counter()
        """For each loop: how many vertices of its body have not settled in the iteration under way."""

    def visit(self, vertex_id: str) -> int:
        """Which visit of a vertex is under way, or was its last, or will be its first."""
        return 1 + self._visits[vertex_id]

    def given(self, loop: str) -> int:
        """Which item of a loop is under way, or was its last; 0 before the first one."""
        return self._given[loop]

    def items(self, vertex_id: str) -> list[tuple[str, int]]:
        """The loops around a vertex, the innermost first, each with the number of its item."""
        return [(loop, self._given[loop]) for loop in self._loops.around(vertex_id)]

    def begin(self, loop: str) -> frozenset[str]:
        """Takes note that a loop gives an item; the vertices that now begin another visit, all of its body from the
        second item on."""
        again = self._loops.bodies[loop] if self._given[loop] else NONE
        for vertex_id in again:
            self._visits[vertex_id] += 1
            self._given.pop(vertex_id, None)
        self._given[loop] += 1
        self._missing[loop] = len(self._loops.own[loop])
        return again

    def settle(self, vertex_id: str) -> str | None:
        """Takes note that a vertex is through with its iteration, finished or skipped; the loop whose next visit that
        begins, because it was the last one."""
        loop = self._loops.home.get(vertex_id)
        if loop is None:
            return None
        self._missing[loop] -= 1
        return loop if self.go_on(loop) else None

    def go_on(self, loop: str) -> bool:
        """Begins the next visit of a loop when nothing of its body is missing any more."""
        if self._missing[loop]:
            return False
        self._visits[loop] += 1
        return True
