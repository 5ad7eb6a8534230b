"""flows/partial.py: which part of a flow runs between a start and a stop."""

from collections.abc import Set

import pytest

from flows.partial import select
from tests.flows.steps import links, step_graph, steps

# a → b → c → d, with `beside` also feeding c, `aside` also fed by b, and `alone` connected to nothing.
GRAPH = step_graph(
    steps(links("a > b", "b > c", "c > d", "beside.left > c.y", "b.right > aside"), alone=["alone"]),
)


@pytest.mark.parametrize(
    ("start", "stop", "kept"),
    [
        (None, None, {"a", "b", "c", "d", "beside", "aside", "alone"}),
        (None, "c", {"a", "b", "c", "beside"}),
        (None, "a", {"a"}),
        ("b", None, {"b", "c", "d", "beside", "aside"}),
        ("c", None, {"c", "d"}),
        ("beside", None, {"beside", "c", "d", "a", "b"}),
        ("b", "c", {"b", "c", "beside"}),
        ("alone", None, {"alone"}),
        ("c", "c", {"c"}),
    ],
)
def test_what_lies_between_start_and_stop_runs(start: str | None, stop: str | None, kept: Set[str]) -> None:
    """A start keeps what follows it with what that needs beside it; a stop keeps what leads to it."""
    graph, warnings = select(GRAPH, start, stop)
    assert (set(graph.vertices), warnings) == (kept, [])


def test_a_start_that_something_fed_waits_for_nothing() -> None:
    graph, _ = select(GRAPH, "c", None)
    assert graph.first_layer == ["c"]


@pytest.mark.parametrize(("start", "stop"), [("ghost", None), (None, "ghost"), ("ghost", "c")])
def test_an_unknown_component_leaves_the_whole_flow_to_run(start: str | None, stop: str | None) -> None:
    graph, warnings = select(GRAPH, start, stop)
    assert graph is GRAPH
    assert warnings == ["The flow has no component 'ghost', so all of it runs."]


def test_each_unknown_component_has_its_warning() -> None:
    _, warnings = select(GRAPH, "ghost", "spirit")
    assert [warning.split("'")[1] for warning in warnings] == ["ghost", "spirit"]
