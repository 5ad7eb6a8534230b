"""Whatever is thrown at `load_graph` becomes a graph or is refused, and nothing else."""

import copy
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

import flows.components
from flows.errors import FlowRefused
from flows.graph import Graph, load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from tests.flows.searching import search
from tests.making import chain, echo_flow, edge, fan, model_flow, node, note, router_flow
from tests.shapes import Exported

REGISTRY = Registry(discover(flows.components))
LIMITS = Limits(max_vertices=20, max_edges=40, max_depth=24)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)

WORDS = (
    *("nodes", "edges", "id", "data", "type", "node", "template", "outputs", "types", "name", "value", "source"),
    *("target", "sourceHandle", "targetHandle", "fieldName", "inputTypes", "output_types", "loops", "show", "list"),
    *("genericNode", "noteNode", "ChatInput", "ChatOutput", "message", "input_value", "Message", "code", "a", "œ"),
)
"""What means something in a flow, so that chance finds the way into it."""

flow_like = st.recursive(
    st.sampled_from(WORDS) | st.none() | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=40,
)


def load(exported: object) -> Graph | None:
    """The graph, or None when it was refused; anything else fails the test."""
    try:
        return load_graph(exported, REGISTRY, LIMITS)
    except FlowRefused:
        return None


@search
@given(json_values)
@example([[]] * 3)
@example({"nodes": {"0": {}}})
@example({"nodes": "nodes", "edges": 5})
def test_any_json_is_refused(document: object) -> None:
    assert load(document) is None


@search
@given(flow_like)
def test_any_json_of_the_words_of_a_flow_is_loaded_or_refused(document: object) -> None:
    load({"nodes": [document], "edges": [document]})
    load(document)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container inside a document with every key or index of it."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in children for place in ((value, key), *places(inner))]


VALID = (echo_flow(), chain(3), fan(3), router_flow(), model_flow())


@st.composite
def mutated(draw: st.DrawFn) -> Exported:
    """A flow that was good, with some places of it removed, doubled, exchanged or overwritten."""
    document = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        if not (where := places(document)):
            break
        container, key = draw(st.sampled_from(where))
        match draw(st.sampled_from(["remove", "double", "exchange", "overwrite", "rename"])):
            case "remove":
                del container[key]
            case "double" if isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
            case "exchange":
                other, at = draw(st.sampled_from(where))
                container[key] = copy.deepcopy(other[at]) if _still_there(other, at) else None
            case "rename" if isinstance(container, dict):
                container[draw(st.sampled_from(WORDS))] = container.pop(key)
            case _:
                container[key] = draw(json_values | st.sampled_from(WORDS))
    return document


def _still_there(container: Any, key: Any) -> bool:
    return key in container if isinstance(container, dict) else key < len(container)


@search
@given(mutated())
def test_a_good_flow_gone_wrong_is_loaded_or_refused(document: Exported) -> None:
    graph = load(document)
    if graph is not None:
        assert graph.first_layer
        assert all(edge.source in graph.vertices and edge.target in graph.vertices for edge in graph.edges)


@search
@given(st.data())
def test_any_wiring_of_good_parts_is_loaded_or_refused(data: st.DataObject) -> None:
    """Edges between any outputs and fields: what is loaded has no cycle, so that every vertex has its turn."""
    kinds = data.draw(
        st.lists(st.sampled_from(["Pass", "Prompt", "ConditionalRouter", "ChatOutput"]), min_size=1, max_size=6)
    )
    nodes = [node(kind, f"v{number}") for number, kind in enumerate(kinds)]
    ends = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes))
    wires = []
    for source, target in data.draw(st.lists(ends, max_size=10)):
        output = data.draw(st.sampled_from([port["name"] for port in source["data"]["node"]["outputs"]]))
        field = data.draw(st.sampled_from(sorted(target["data"]["node"]["template"])))
        wires.append(edge(source, output, target, field) if field != "_type" else {})
    graph = load({"nodes": [*nodes, note()], "edges": wires})
    assert graph is None or len(graph.vertices) == len(nodes)
