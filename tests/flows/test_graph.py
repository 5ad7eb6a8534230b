"""flows/graph.py and flows/limits.py: what may run, and the precise word for what may not."""

from collections.abc import Callable

import pytest

from flows.errors import FlowRefused, UnknownComponents
from flows.graph import MAX_ID, Graph, load_graph
from flows.limits import Limits
from flows.registry import Registry
from tests.making import chain, echo_flow, edge, fan, flow, loop_edge, node, note, router_flow, template
from tests.shapes import Exported, Shape

Load = Callable[[Exported], Graph]


def refusal(exported: object, registry: Registry, limits: Limits | None = None) -> str:
    with pytest.raises(FlowRefused) as caught:
        load_graph(exported, registry, limits or Limits())
    return str(caught.value)


def _pair(output: str = "message", field: str = "input_value") -> Exported:
    asked, answered = node("ChatInput", "in"), node("ChatOutput", "out")
    return flow([asked, answered], [edge(asked, output, answered, field)])


def _between(offered: list[str], wanted: list[str]) -> Exported:
    exported = _pair()
    handles = exported["edges"][0]["data"]
    handles["sourceHandle"]["output_types"], handles["targetHandle"]["inputTypes"] = offered, wanted
    return exported


def _cycle() -> Exported:
    first, second, after = node("Pass", "p1"), node("Pass", "p2"), node("ChatOutput", "after")
    around = [
        edge(first, "output_message", second, "input_message"),
        edge(second, "output_message", first, "input_message"),
        edge(second, "output_message", after, "input_value"),
    ]
    return flow([node("ChatInput", "in"), first, second, after], around)


def _edge_to_nowhere() -> Exported:
    exported = _pair()
    exported["edges"][0]["target"] = "gone"
    return exported


def _back_to_no_loop() -> Exported:
    asked, passing = node("ChatInput", "in"), node("Pass", "p")
    return flow([asked, passing], [loop_edge(asked, "message", passing, "output_message")])


_STRANGE = Shape("Strange", {}, {})

REFUSALS: dict[str, tuple[object, str]] = {
    "not an object": ([], "The flow must be a JSON object with `nodes` and `edges`."),
    "no nodes": ({"nodes": [], "edges": []}, "The flow has no nodes."),
    "only notes": (flow([note()]), "The flow has no nodes besides notes."),
    "one id twice": (flow([node("ChatInput", "a"), node("ChatOutput", "a")]), "Two nodes have the id 'a'."),
    "an empty id": (flow([node("ChatInput", "")]), "The node id '' must have 1 to 256 printable characters."),
    "a control character": (
        flow([node("ChatInput", "a\n")]),
        r"The node id 'a\n' must have 1 to 256 printable characters.",
    ),
    "a missing node": (_edge_to_nowhere(), "The edge from 'in' to 'gone' has no node 'gone'."),
    "a missing output": (_pair(output="answer"), "'in' has no output 'answer'."),
    "a missing field": (_pair(field="shout"), "'out' has no field 'shout'."),
    "types that do not meet": (
        _between(["LanguageModel"], ["Message"]),
        "Edge between Chat Input and Chat Output has no matched type.",
    ),
    "an edge back to no loop": (
        _back_to_no_loop(),
        "'p' is not a loop, so no edge can lead back to its 'output_message'.",
    ),
    "a cycle": (_cycle(), "The flow has a cycle without a loop component: after, p1, p2."),
    "unknown types": (
        flow([node(kind, kind, shape=_STRANGE) for kind in ("Zebra", "Agent0", "Zebra2")] + [node("ChatInput", "in")]),
        "Unknown component types: Agent0, Zebra, Zebra2.",
    ),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_flow_that_cannot_run_is_refused_with_its_fault(fault: str, registry: Registry) -> None:
    exported, message = REFUSALS[fault]
    assert refusal(exported, registry) == message


def test_all_unknown_types_are_named_once_and_sorted(registry: Registry) -> None:
    strangers = [node(kind, f"{kind}-{number}", shape=_STRANGE) for kind in ("Zoo", "Ark") for number in range(2)]
    with pytest.raises(UnknownComponents) as caught:
        load_graph(flow([*strangers, node("ChatInput", "in")]), registry, Limits())
    assert caught.value.types == ("Ark", "Zoo")


def test_a_cycle_names_only_what_can_never_start(registry: Registry) -> None:
    exported = _cycle()
    exported["edges"] = exported["edges"][:2]
    assert refusal(exported, registry) == "The flow has a cycle without a loop component: p1, p2."


def test_a_cycle_may_lead_back_to_a_loop(registry: Registry) -> None:
    loop, body = node("LoopComponent", "loop"), node("ParserComponent", "body")
    around = [edge(loop, "item", body, "input_data"), loop_edge(body, "parsed_text", loop, "item")]
    assert list(load_graph(flow([loop, body], around), registry, Limits()).vertices) == ["loop", "body"]
    around[-1]["data"]["targetHandle"]["output_types"] = ["Tool"]
    assert refusal(flow([loop, body], around), registry) == "Edge between Parser and Loop has no matched type."


def test_a_vertex_that_feeds_itself_is_a_cycle(registry: Registry) -> None:
    own = node("Pass", "p")
    exported = flow([own], [edge(own, "output_message", own, "input_message")])
    assert refusal(exported, registry) == "The flow has a cycle without a loop component: p."


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        (["Data"], ["JSON"]),
        (["JSON"], ["Data"]),
        (["DataFrame"], ["Table"]),
        (["Table"], ["DataFrame"]),
        (["Text"], ["Message"]),
        (["Message", "Data"], ["Table", "JSON"]),
    ],
)
def test_two_names_of_one_port_type_meet(offered: list[str], wanted: list[str], load: Load) -> None:
    assert load(_between(offered, wanted)).successors("in") == ["out"]


@pytest.mark.parametrize(("offered", "wanted"), [(["Data"], ["Table"]), (["Message"], ["JSON", "DataFrame"])])
def test_port_types_of_different_kinds_do_not_meet(offered: list[str], wanted: list[str], registry: Registry) -> None:
    assert "has no matched type" in refusal(_between(offered, wanted), registry)


def test_an_edge_that_names_no_types_has_those_of_the_component(load: Load, registry: Registry) -> None:
    assert load(_between([], ["Message"])).successors("in") == ["out"]
    assert "has no matched type" in refusal(_between([], ["JSON"]), registry)


def test_a_vertex_has_the_longest_id_that_fits(load: Load, registry: Registry) -> None:
    assert load(flow([node("ChatInput", "a" * MAX_ID)])).terminals == ["a" * MAX_ID]
    assert "must have 1 to 256 printable characters" in refusal(flow([node("ChatInput", "a" * (MAX_ID + 1))]), registry)


def test_vertices_and_edges_are_counted(registry: Registry) -> None:
    limits = Limits(max_vertices=4, max_edges=3)
    assert len(load_graph(chain(2), registry, limits).vertices) == 4
    assert refusal(chain(3), registry, limits) == "The flow has 5 nodes; at most 4 are allowed."
    crowded = chain(2)
    crowded["edges"] *= 2
    assert refusal(crowded, registry, limits) == "The flow has 6 edges; at most 3 are allowed."


def test_notes_do_not_count_as_vertices(registry: Registry) -> None:
    exported = chain(2)
    exported["nodes"] += [note("n1"), note("n2")]
    assert len(load_graph(exported, registry, Limits(max_vertices=4)).vertices) == 4


def _nested(levels: int) -> Exported:
    """A flow that is exactly `levels` containers deep: the field's value is the seventh."""
    exported = flow([node("TextInput", "t")])
    value: object = []
    for _ in range(levels - 8):
        value = [value]
    template(exported["nodes"][0])["input_value"]["value"] = value
    return exported


def test_nesting_is_bounded(registry: Registry) -> None:
    assert load_graph(_nested(20), registry, Limits(max_depth=20)).terminals == ["t"]
    assert refusal(_nested(21), registry, Limits(max_depth=20)) == "The flow is nested deeper than 20 levels."


def test_no_depth_exhausts_the_stack(registry: Registry) -> None:
    assert refusal(_nested(100_000), registry) == "The flow is nested deeper than 64 levels."


def test_layers_successors_and_terminals_follow_the_definition(load: Load) -> None:
    graph = load(router_flow())
    assert graph.first_layer == ["ChatInput-a1"]
    assert graph.successors("ConditionalRouter-r1") == ["ChatOutput-yes", "ChatOutput-no"]
    assert graph.terminals == ["ChatOutput-yes", "ChatOutput-no"]
    assert [edge.source for edge in graph.incoming["ConditionalRouter-r1"]] == ["ChatInput-a1"]


def test_a_successor_behind_two_edges_is_one_successor(load: Load) -> None:
    router, answered = node("ConditionalRouter", "r"), node("ChatOutput", "b")
    both = [edge(router, branch, answered, "input_value") for branch in ("true_result", "false_result")]
    assert load(flow([router, answered], both)).successors("r") == ["b"]


def test_a_restricted_graph_has_only_edges_between_what_it_kept(load: Load) -> None:
    kept = load(fan(3)).restricted_to(["Pass-1", "Pass-3", "Prompt-join"])
    assert list(kept.vertices) == ["Pass-1", "Pass-3", "Prompt-join"]
    assert [(edge.source, edge.target) for edge in kept.edges] == [
        ("Pass-1", "Prompt-join"),
        ("Pass-3", "Prompt-join"),
    ]


def test_overrides_leave_the_given_graph_alone(load: Load) -> None:
    graph = load(echo_flow())
    changed = graph.with_overrides({"ChatOutput-b1": {"sender": "Robot"}})
    assert changed.vertices["ChatOutput-b1"].overrides == {"sender": "Robot"}
    assert graph.vertices["ChatOutput-b1"].overrides == {}
