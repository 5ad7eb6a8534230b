"""flows/execution/frontier.py: branches, merges, and a search over graphs of any shape."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.execution.frontier import Frontier
from flows.graph import Graph
from tests.flows.searching import search
from tests.flows.steps import OUTPUTS, Link, links, step_graph, steps

Produced = Mapping[str, Collection[str]]
"""For each vertex the outputs that it produces when it runs; all of them when it is not named."""


@dataclass(frozen=True)
class Run:
    """How a run over a graph went."""

    order: Sequence[str]
    skipped: frozenset[str]
    fed: Mapping[str, Sequence[tuple[str, str]]]
    """For each vertex that ran: the source and the field of each edge that brought it a value."""


def walk(graph: Graph, produced: Produced, random: Random | None = None) -> Run:
    """Settles every vertex that becomes ready, in a random order if asked to; no vertex may be told of twice."""
    frontier, waiting = Frontier(graph), list(graph.first_layer)
    order: list[str] = []
    told, skipped = list(waiting), list[str]()
    fed: dict[str, Sequence[tuple[str, str]]] = {}
    while waiting:
        vertex_id = waiting.pop(random.randrange(len(waiting)) if random else 0)
        fed[vertex_id] = [(edge.source, edge.target_handle.name) for edge in frontier.live_edges(vertex_id)]
        settled = frontier.settle(vertex_id, produced.get(vertex_id, OUTPUTS))
        order.append(vertex_id)
        told += settled.ready + settled.skipped
        skipped += settled.skipped
        waiting += settled.ready
    assert len(told) == len(set(told)), "a vertex was told of twice"
    return Run(order, frozenset(skipped), fed)


def ran(edges: Sequence[Link], produced: Produced) -> list[str]:
    """The vertices that run, sorted."""
    return sorted(walk(step_graph(steps(edges)), produced).order)


def test_a_chain_runs_in_its_order() -> None:
    assert walk(step_graph(steps(links("a > b", "b > c"))), {}).order == ["a", "b", "c"]


def test_a_vertex_waits_for_all_its_edges() -> None:
    frontier = Frontier(step_graph(steps(links("a > c.x", "b > c.y"))))
    assert frontier.settle("a", OUTPUTS).ready == ()
    assert frontier.settle("b", OUTPUTS).ready == ("c",)


def test_a_branch_not_taken_is_skipped_with_all_that_follows() -> None:
    graph = step_graph(steps(links("r.left > a", "a > b", "b > c", "r.right > d")))
    settled = Frontier(graph).settle("r", ["right"])
    assert (settled.ready, settled.skipped) == (("d",), ("a", "b", "c"))


@pytest.mark.parametrize("fields", [("x", "x"), ("x", "y")])
@pytest.mark.parametrize("taken", ["left", "right"])
def test_a_merge_runs_on_whichever_branch_was_taken(taken: str, fields: tuple[str, str]) -> None:
    """Both when its branches share a field and when each has its own."""
    edges = links("r.left > a", "r.right > b", f"a > m.{fields[0]}", f"b > m.{fields[1]}", "m > after")
    alive = {"left": "a", "right": "b"}[taken]
    walked = walk(step_graph(steps(edges)), {"r": [taken]})
    assert sorted(walked.order) == sorted(["r", alive, "m", "after"])
    assert [source for source, _ in walked.fed["m"]] == [alive]


@pytest.mark.parametrize("fields", [("x", "x"), ("x", "y")])
def test_a_merge_right_behind_its_router_runs(fields: tuple[str, str]) -> None:
    assert ran(links(f"r.left > m.{fields[0]}", f"r.right > m.{fields[1]}"), {"r": ["right"]}) == ["m", "r"]


def test_a_merge_runs_when_its_branches_have_different_lengths() -> None:
    edges = links("r.left > a", "a > b", "b > c", "c > m.x", "r.right > m.y")
    assert ran(edges, {"r": ["right"]}) == ["m", "r"]
    assert ran(edges, {"r": ["left"]}) == ["a", "b", "c", "m", "r"]


def test_a_prompt_on_a_dead_branch_is_skipped_though_something_outside_also_feeds_it() -> None:
    """As a prompt with `{question}` from the chat input, and `{verdict}` from the branch that was not taken."""
    edges = links("in.left > r.x", "r.left > prompt.x", "in.right > prompt.y", "prompt > out", "r.right > other")
    assert ran(edges, {"r": ["right"]}) == ["in", "other", "r"]
    assert ran(edges, {"r": ["left"]}) == ["in", "out", "prompt", "r"]


def test_a_field_that_something_outside_also_feeds_is_not_lost() -> None:
    edges = links("in.left > r.x", "r.left > joint.x", "in.right > joint.x", "r.right > other")
    assert ran(edges, {"r": ["right"]}) == ["in", "joint", "other", "r"]


def test_two_dead_branches_of_different_routers_skip_what_needs_both() -> None:
    edges = links("r.left > m.x", "s.left > m.y", "r.right > a", "s.right > b")
    assert ran(edges, {"r": ["left"], "s": ["right"]}) == ["b", "r", "s"]
    assert ran(edges, {"r": ["left"], "s": ["left"]}) == ["m", "r", "s"]


NESTED = links("r.left > s.x", "s.left > a", "s.right > b", "r.right > c", "a > m.x", "b > m.y", "c > m.many")


@pytest.mark.parametrize(
    ("produced", "expected"),
    [
        ({"r": ["left"], "s": ["left"]}, ["a", "m", "r", "s"]),
        ({"r": ["left"], "s": ["right"]}, ["b", "m", "r", "s"]),
        ({"r": ["right"], "s": ["left"]}, ["c", "m", "r"]),
    ],
)
def test_routers_nest_and_one_merge_takes_any_of_their_branches(produced: Produced, expected: list[str]) -> None:
    assert ran(NESTED, produced) == expected


@pytest.mark.parametrize("order", [("r", "other", "beside"), ("beside", "r", "other"), ("r", "beside", "other")])
def test_a_merge_behind_a_skipped_vertex_runs_whichever_vertex_was_last_to_reach_that(order: Sequence[str]) -> None:
    """`lost` also waits for `beside`, which has no part in its being skipped."""
    edges = links("r.left > lost.x", "beside > lost.y", "lost > m.x", "r.right > other", "other > m.y")
    frontier = Frontier(step_graph(steps(edges)))
    settled = [frontier.settle(vertex_id, ["right"] if vertex_id == "r" else OUTPUTS) for vertex_id in order]
    assert sorted(id for one in settled for id in one.skipped) == ["lost"]
    assert sorted(id for one in settled for id in one.ready) == ["m", "other"]


@pytest.mark.parametrize("order", ["rs", "sr"])
def test_a_field_that_two_routers_killed_is_no_loss_to_the_other_branch_of_either(order: str) -> None:
    frontier = Frontier(step_graph(steps(links("r.left > m.x", "s.left > m.x", "r.right > m.y"))))
    settled = [frontier.settle(router, ["right"]) for router in order]
    assert (settled[0].ready, settled[1].ready) == ((), ("m",))


def test_a_router_on_a_dead_branch_takes_no_branch() -> None:
    assert ran(links("r.left > s.x", "s.left > a", "s.right > b", "r.right > c"), {"r": ["right"]}) == ["c", "r"]


def test_a_vertex_that_produces_nothing_ends_all_that_follows() -> None:
    assert ran(links("a > b", "a.right > c", "b > d"), {"a": []}) == ["a"]


def test_live_edges_come_in_the_order_of_the_definition() -> None:
    graph = step_graph(steps(links("b > m.many", "a > m.many", "c > m.many"), alone=["a", "b", "c"]))
    frontier = Frontier(graph)
    for vertex_id in ("a", "c", "b"):
        frontier.settle(vertex_id, OUTPUTS)
    assert [edge.source for edge in frontier.live_edges("m")] == ["b", "a", "c"]


@st.composite
def searches(draw: st.DrawFn) -> tuple[Graph, Produced]:
    """A graph without cycles of up to nine vertices, and what each of them produces."""
    ids = [f"v{number}" for number in range(draw(st.integers(1, 9)))]
    forward = [(source, target) for index, source in enumerate(ids) for target in ids[index + 1 :]]
    ends = st.tuples(st.sampled_from(OUTPUTS), st.sampled_from(["x", "y", "many"]))
    picked = st.lists(st.tuples(st.sampled_from(forward), ends), max_size=20, unique=True) if forward else st.just([])
    edges = [(source, output, target, field) for (source, target), (output, field) in draw(picked)]
    produced = {id: draw(st.sets(st.sampled_from(OUTPUTS))) for id in ids}
    return step_graph(steps(edges, alone=ids)), produced


@search
@given(searches(), st.randoms(use_true_random=False))
def test_every_vertex_is_ready_or_skipped_exactly_once(search: tuple[Graph, Produced], random: Random) -> None:
    graph, produced = search
    walked = walk(graph, produced, random)
    assert set(walked.order) | walked.skipped == set(graph.vertices)
    assert not set(walked.order) & walked.skipped


@search
@given(searches(), st.randoms(use_true_random=False))
def test_the_order_of_independent_vertices_changes_nothing(search: tuple[Graph, Produced], random: Random) -> None:
    graph, produced = search
    one, other = walk(graph, produced), walk(graph, produced, random)
    assert (one.skipped, one.fed) == (other.skipped, other.fed)


@search
@given(searches(), st.randoms(use_true_random=False))
def test_replaying_a_run_tells_the_same(search: tuple[Graph, Produced], random: Random) -> None:
    """A pass that restores results in the order they were stored comes to the same frontier."""
    graph, produced = search
    order = walk(graph, produced, random).order
    first, again = Frontier(graph), Frontier(graph)
    for vertex_id in order:
        assert first.settle(vertex_id, produced[vertex_id]) == again.settle(vertex_id, produced[vertex_id])


@search
@given(searches())
def test_nothing_is_skipped_when_every_output_is_produced(search: tuple[Graph, Produced]) -> None:
    graph, _ = search
    assert walk(graph, {}).skipped == frozenset()


@search
@given(searches(), st.randoms(use_true_random=False))
def test_what_runs_behind_an_edge_was_brought_a_value(search: tuple[Graph, Produced], random: Random) -> None:
    graph, produced = search
    walked = walk(graph, produced, random)
    assert all(walked.fed[id] for id in walked.order if graph.incoming[id])
