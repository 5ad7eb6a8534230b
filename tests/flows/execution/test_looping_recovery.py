"""Loops of any shape, cut off anywhere: a search."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from flows.component import Outputs
from flows.context import VertexContext
from flows.graph import Graph
from flows.journal import VertexResult
from flows.values import Data
from tests.flows.looping import loop_graph, read, visits
from tests.flows.running import RecordingJournal, build
from tests.flows.searching import search
from tests.flows.steps import PATIENCE, StepFields


class Killed(BaseException):
    """The process is gone."""


class Mortal(RecordingJournal):
    """A journal whose process dies when it is about to store a result, after so many."""

    def __init__(self, stored: Sequence[VertexResult], life: int) -> None:
        super().__init__()
        self.results = list(stored)
        self._life = life

    def finish(self, result: VertexResult, *rest: object, **more: object) -> None:
        if self._life == 0:
            raise Killed
        self._life -= 1
        super().finish(result, *rest, **more)  # type: ignore[arg-type]


async def choose(inputs: StepFields, context: VertexContext) -> Outputs:
    """Work whose outputs depend on nothing but the vertex and what it is given: a record, a list of up to three, or
    one of them only."""
    digest = sha256(f"{context.vertex_id}({read(inputs)})".encode()).digest()
    outputs: Outputs = {"left": Data({"n": digest[0]}), "right": [{"n": one} for one in digest[1 : 1 + digest[5] % 4]]}
    if context.vertex_id in ("src", "const") or digest[6] % 3:
        return outputs
    return {name: outputs[name] for name in (["left"] if digest[7] % 2 else ["right"])}


@st.composite
def bodies(draw: st.DrawFn) -> Graph:
    """A loop in whose body up to three steps and another loop with up to two steps are connected in any way, a loop
    behind it, and a step that feeds any of them from outside."""
    outer = [f"o{number}" for number in range(draw(st.integers(1, 3)))]
    inner = [f"i{number}" for number in range(draw(st.integers(0, 2)))]
    texts = [f"src.{draw(OUTPUT)} > outer.data", "outer.done > next.data", "next.item > n", "n > next.item", "r > end"]
    texts += draw(connections([*outer], "outer"))
    if inner:
        texts.append(f"{draw(st.sampled_from(['outer.item', f'{outer[0]}.right', f'{outer[0]}.left']))} > inner.data")
        texts += draw(connections(inner, "inner", [*outer[:1], "const"]))
        texts += draw(st.sampled_from([["inner.done > after", "after > outer.item"], ["inner.done > after"], []]))
    texts += [f"const.left > {id}.many" for id in draw(st.lists(st.sampled_from([*outer, *inner, "end"]), unique=True))]
    texts += draw(st.sampled_from([["outer.done > end.y"], ["outer.done > r.x"]]))
    return loop_graph(*dict.fromkeys(texts), work=choose, loops=["outer", "inner", "next"])


OUTPUT = st.sampled_from(["left", "right"])


@st.composite
def connections(draw: st.DrawFn, ids: Sequence[str], loop: str, beside: Sequence[str] = ()) -> list[str]:
    """Edges by which steps are in the body of a loop: each behind its items, or behind an earlier one."""
    texts = []
    for index, id in enumerate(ids):
        sources = [f"{loop}.item", *(f"{earlier}.{draw(OUTPUT)}" for earlier in ids[:index])]
        texts.append(f"{draw(st.sampled_from(sources))} > {id}.x")
        more = st.sampled_from([*sources, *(f"{source}.{draw(OUTPUT)}" for source in beside)])
        texts += [f"{source} > {id}.{field}" for source in draw(st.lists(more, max_size=2, unique=True))
                  for field in [draw(st.sampled_from(["y", "many"]))]]  # fmt: skip
        if draw(st.booleans()):
            texts.append(f"{id}.{draw(OUTPUT)} > {loop}.item")
    return texts


def one_pass(graph: Graph, stored: Sequence[VertexResult] = (), life: int = -1) -> list[VertexResult]:
    """What is stored when a pass has gone on from what was, and was killed or came to its end."""
    journal = Mortal(stored, life)
    with suppress(Killed):
        asyncio.run(asyncio.wait_for(build(graph, journal, finished=stored), PATIENCE))
    return journal.results


def by_visit(results: Sequence[VertexResult]) -> list[tuple[str, int, str]]:
    return sorted((result.vertex_id, result.visit, repr(result.outputs)) for result in results)


@search
@given(bodies(), st.lists(st.integers(0, 12), max_size=6))
def test_a_run_that_is_cut_off_anywhere_comes_to_the_same_end(graph: Graph, lives: list[int]) -> None:
    """And no visit of a vertex is stored twice."""
    whole = one_pass(graph)
    stored: list[VertexResult] = []
    for life in lives:
        stored = one_pass(graph, stored, life)
    assert by_visit(one_pass(graph, stored)) == by_visit(whole)
    assert len({(result.vertex_id, result.visit) for result in whole}) == len(whole)


@search
@given(bodies())
def test_a_loop_is_visited_once_more_than_it_has_items(graph: Graph) -> None:
    """And nothing in its own body more often than it has items."""
    journal = RecordingJournal()
    journal.results = one_pass(graph)
    for loop, own in graph.loops.own.items():
        given = sum("item" in result.outputs for result in journal.results if result.vertex_id == loop)
        done = sum("done" in result.outputs for result in journal.results if result.vertex_id == loop)
        assert len(visits(journal, loop)) == given + done
        assert all(len(visits(journal, id)) <= given for id in own if id not in graph.loops)
        if loop not in graph.loops.home:
            assert done <= 1
