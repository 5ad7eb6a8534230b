"""flows/writing: what is written comes back as the same graph."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.graph import load_graph
from flows.limits import Limits
from flows.registry import Registry
from flows.values import Json
from flows.writing.flow import Flow
from tests.flows.steps import OUTPUTS, pass_on, step_type

REGISTRY = Registry([step_type(pass_on)])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
IDS = st.lists(st.text("abcœ-\"' 1", min_size=1, max_size=8), min_size=1, max_size=6, unique=True)


@st.composite
def written(draw: st.DrawFn) -> tuple[Flow, Mapping[str, Json], list[tuple[str, str, str, str]]]:
    """A flow of steps, what each holds in its field `x`, and its edges: from a step to any later one."""
    ids = draw(IDS)
    values = {id: draw(PLAIN) for id in ids}
    flow = Flow("Made", REGISTRY)
    nodes = [flow.add("Step", id, x=values[id]) for id in ids]
    number = st.integers(0, len(ids) - 1)
    link = st.tuples(number, st.sampled_from(OUTPUTS), number, st.sampled_from(["y", "many"]))
    links = [link for link in draw(st.lists(link, max_size=8, unique=True)) if link[0] < link[2]]
    for source, output, target, name in links:
        flow.connect(nodes[source][output], nodes[target][name])
    return flow, values, [(ids[source], output, ids[target], name) for source, output, target, name in links]


@settings(max_examples=60)
@given(written())
def test_a_written_flow_comes_back_as_the_same_graph(
    made: tuple[Flow, Mapping[str, Json], list[tuple[str, str, str, str]]],
) -> None:
    """Nodes in their order with their values, edges in theirs with their ends, whatever stands in them."""
    flow, values, links = made
    exported = flow.export()["data"]
    graph = load_graph(exported, REGISTRY, Limits())
    assert {id: vertex.node.template["x"].value for id, vertex in graph.vertices.items()} == values
    assert list(graph.vertices) == list(values)
    ends = [(edge.source, edge.source_handle.name, edge.target, edge.target_handle.name) for edge in graph.edges]
    assert ends == links
    stringed = [{name: part for name, part in edge.items() if name != "data"} for edge in exported["edges"]]
    assert load_graph({**exported, "edges": stringed}, REGISTRY, Limits()).edges == graph.edges
