"""flows/loops.py: what the body of a loop is, and which loops are refused."""

from itertools import pairwise

import pytest

from flows.errors import FlowRefused
from flows.loops import MAX_LOOPS
from tests.flows.looping import loop_graph

NESTED = ("src > outer.data", "outer.item > a", "a > inner.data", "inner.item > b", "b > inner.item",
          "inner.done > c", "c > outer.item", "outer.done > end", "const > b.y")  # fmt: skip


def test_the_body_of_a_loop_is_everything_behind_its_items() -> None:
    """Also what does not lead back; nothing that only feeds it, and nothing behind `done`."""
    graph = loop_graph(
        "src > loop.data", "loop.item > a", "a > loop.item", "a > aside", "const > a.y", "loop.done > end"
    )
    assert graph.loops.bodies == {"loop": {"a", "aside"}}
    assert graph.first_layer == ["src", "const"]
    assert graph.terminals == ["aside", "end"]


def test_a_body_within_a_body_is_of_both_loops() -> None:
    loops = loop_graph(*NESTED, loops=["outer", "inner"]).loops
    assert loops.bodies == {"outer": {"a", "inner", "b", "c"}, "inner": {"b"}}
    assert {loop: sorted(own) for loop, own in loops.own.items()} == {"outer": ["a", "c", "inner"], "inner": ["b"]}
    assert (loops.around("b"), loops.around("c"), loops.around("end")) == (["inner", "outer"], ["outer"], [])


def test_what_a_loop_puts_out_at_its_end_is_an_output_of_the_flow() -> None:
    """When nothing is behind `done`."""
    assert loop_graph("src > loop.data", "loop.item > a", "a > loop.item").terminals == ["loop"]


REFUSED = {
    "both outputs": (
        ("loop.item > a", "a > loop.item", "loop.done > end", "a > end.y"),
        "'end' is behind 'item' of the loop 'loop' and behind another output of it. "
        "Connect it to one of them: it runs for each item, or once when all are through.",
    ),
    "two loops": (
        ("loop.item > a", "other.item > a.y", "a > loop.item"),
        "'a' is in the bodies of two loops, 'loop' and 'other'. "
        "Put one of the loops into the body of the other, or connect it to one of them.",
    ),
    "from before it": (
        ("src > loop.data", "src > loop.item", "loop.item > a"),
        "The edge from 'src' leads back to the loop 'loop', but 'src' is in no body of a loop. "
        "Lead back from what 'item' of 'loop' leads to.",
    ),
    "from the body within": (
        ("loop.item > other.data", "other.item > a", "a > loop.item"),
        "The edge from 'a' leads back to the loop 'loop', but 'a' is in the body of the loop 'other'. "
        "Lead back from what 'item' of 'loop' leads to.",
    ),
    "another output": (
        ("loop.item > a", "a > loop.item", "a > other.item", "other.done > b"),
        "The edge from 'a' leads back to the loop 'other', but 'a' is in the body of the loop 'loop'. "
        "Lead back from what 'item' of 'other' leads to.",
    ),
    "the end of a loop into its items": (
        ("loop.item > a", "loop.done > b", "b > a.y", "a > loop.item"),
        "'a' is behind 'item' of the loop 'loop' and behind another output of it. "
        "Connect it to one of them: it runs for each item, or once when all are through.",
    ),
    "a cycle without leading back": (
        ("loop.item > a", "a > loop.data"),
        "The flow has a cycle without a loop component: a, loop.",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_loop_of_which_it_is_not_clear_how_often_what_runs_is_refused(fault: str) -> None:
    texts, message = REFUSED[fault]
    with pytest.raises(FlowRefused) as caught:
        loop_graph(*texts, loops=["loop", "other"])
    assert str(caught.value) == message


def test_a_flow_has_so_many_loops_at_most() -> None:
    """I10: each is compared with each."""
    names = [f"l{number}" for number in range(MAX_LOOPS + 1)]
    chain = [f"{one}.done > {other}.data" for one, other in pairwise(names)]
    assert len(loop_graph(*chain[:-1], loops=names).loops.bodies) == MAX_LOOPS
    with pytest.raises(FlowRefused, match=r"The flow has 101 loops; at most 100 are allowed\."):
        loop_graph(*chain, loops=names)
