"""flows/execution/inputs.py: what a vertex is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from flows.execution.inputs import InputsRefused, gather
from flows.graph import Vertex
from flows.values import Message, Value
from tests.flows.steps import StepFields, links, step, step_graph, steps
from tests.making import edge, flow, template
from tests.shapes import Exported

SAID = Message("from the edge")
NO_VARIABLES = dict[str, str]().get


def given(
    values: Mapping[str, Any],
    *,
    options: Mapping[str, Any] | None = None,
    tweaks: Mapping[str, Any] | None = None,
    brings: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> StepFields:
    """The inputs of a step whose fields hold `values`, with `options` on all of these, fed into the fields `brings`."""
    source, target = step("source"), step("target", **values)
    for name in values:
        template(target)[name] |= options or {}
    graph = step_graph(flow([source, target], [edge(source, "left", target, field) for field in brings]))
    tweaked = graph.with_overrides({"target": dict(tweaks or {})})
    outputs: Mapping[str, Mapping[str, Value]] = {"source": {"left": SAID}}
    inputs = gather(tweaked.vertices["target"], graph.incoming["target"], outputs, dict(variables or {}).get)
    assert isinstance(inputs, StepFields)
    return inputs


def vertex_of(exported: Exported) -> Vertex:
    return next(iter(step_graph(flow([exported])).vertices.values()))


def test_a_stored_value_is_given() -> None:
    assert given({"x": "stored"}).x == "stored"


def test_a_tweak_stands_before_the_stored_value() -> None:
    assert given({"x": "stored"}, tweaks={"x": "tweaked"}).x == "tweaked"


def test_an_edge_stands_before_a_tweak() -> None:
    assert given({"x": "stored"}, tweaks={"x": "tweaked"}, brings=["x"]).x == SAID


def test_an_edge_feeds_its_own_field_only() -> None:
    inputs = given({"x": "stored"}, brings=["y"])
    assert (inputs.x, inputs.y) == ("stored", SAID)


@pytest.mark.parametrize("options", [{"show": False}, {"type": "other"}, {"value": None}])
def test_a_hidden_edge_only_or_empty_field_leaves_the_default(options: Mapping[str, Any]) -> None:
    assert given({"x": "stored"}, options=options).x is None


@pytest.mark.parametrize("options", [{"show": False}, {"type": "other"}])
def test_an_edge_and_a_tweak_reach_a_field_whose_stored_value_does_not(options: Mapping[str, Any]) -> None:
    assert given({"x": "stored"}, options=options, brings=["x"]).x == SAID
    assert given({"x": "stored"}, options=options, tweaks={"x": "tweaked"}).x == "tweaked"


def test_a_variables_name_stands_for_its_value() -> None:
    assert given({"x": "CITY"}, options={"load_from_db": True}, variables={"CITY": "Bern"}).x == "Bern"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(InputsRefused) as caught:
        given({"x": "CITY"}, options={"load_from_db": True})
    assert str(caught.value) == "field 'x': the variable 'CITY' is not set. Send it in `globals`."


def test_a_secret_that_is_not_set_is_left_to_its_other_sources() -> None:
    assert given({"x": "OPENAI_API_KEY"}, options={"load_from_db": True, "password": True}).x is None


def test_a_field_that_may_hold_a_variable_may_hold_none() -> None:
    assert given({"x": ""}, options={"load_from_db": True}).x == ""


def test_a_tweak_takes_the_place_of_a_variable_that_is_not_set() -> None:
    assert given({"x": "CITY"}, options={"load_from_db": True}, tweaks={"x": "Bern"}).x == "Bern"


def test_a_value_is_looked_up_only_where_the_field_says_so() -> None:
    assert given({"x": "CITY"}, variables={"CITY": "Bern"}).x == "CITY"


def test_a_stored_message_is_its_text() -> None:
    """The editor exports the default of a message field as a whole message."""
    stored: Mapping[str, Any] = {"text_key": "text", "text": "Hi", "sender": None, "files": [], "data": {"text": "Hi"}}
    assert given({"x": stored}).x == "Hi"


def test_an_object_that_is_no_message_stays_an_object() -> None:
    assert given({"x": {"text": "Hi"}}).x == {"text": "Hi"}


@pytest.mark.parametrize(("sources", "collected"), [(["b", "a"], ("b", "a")), (["a"], ("a",))])
def test_a_list_field_collects_what_its_edges_bring_in_the_order_of_the_definition(
    sources: Sequence[str], collected: Sequence[str]
) -> None:
    graph = step_graph(steps(links(*(f"{id} > target.many" for id in sources)), alone=["a", "b"]))
    outputs: Mapping[str, Mapping[str, Value]] = {id: {"left": id} for id in ("a", "b")}
    inputs = gather(graph.vertices["target"], graph.incoming["target"], outputs, NO_VARIABLES)
    assert isinstance(inputs, StepFields)
    assert inputs.many == collected


def test_of_two_edges_into_one_plain_field_the_later_counts() -> None:
    graph = step_graph(steps(links("a > target.x", "b > target.x")))
    outputs: Mapping[str, Mapping[str, Value]] = {id: {"left": id} for id in ("a", "b")}
    inputs = gather(graph.vertices["target"], graph.incoming["target"], outputs, NO_VARIABLES)
    assert isinstance(inputs, StepFields)
    assert inputs.x == "b"


def test_a_value_that_does_not_fit_is_refused_with_its_field() -> None:
    with pytest.raises(InputsRefused) as caught:
        gather(vertex_of(step("s", many=5)), (), {}, NO_VARIABLES)
    assert str(caught.value) == "field 'many': Input should be a valid tuple"
