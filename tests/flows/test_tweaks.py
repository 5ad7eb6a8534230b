"""flows/tweaks.py: overrides of field values for one run (contract 7.4)."""

from collections.abc import Callable, Mapping

import pytest

from flows.errors import TweaksRefused
from flows.graph import Graph
from flows.tweaks import apply_tweaks
from flows.values import Json
from tests.making import edge, flow, node
from tests.shapes import Exported

Load = Callable[[Exported], Graph]


@pytest.fixture
def graph(load: Load) -> Graph:
    """Two texts with the same display name and a chat output with another."""
    first, second = node("TextInput", "text-1"), node("TextInput", "text-2")
    answered = node("ChatOutput", "out", display_name="Answer")
    return load(flow([first, second, answered], [edge(first, "text", answered, "input_value")]))


def overrides(graph: Graph) -> dict[str, Mapping[str, Json]]:
    return {id: vertex.overrides for id, vertex in graph.vertices.items() if vertex.overrides}


CASES: dict[str, tuple[dict[str, Json], dict[str, dict[str, Json]]]] = {
    "by id": ({"text-1": {"input_value": "x"}}, {"text-1": {"input_value": "x"}}),
    "by display name, all that have it": (
        {"Text Input": {"input_value": "x"}},
        {"text-1": {"input_value": "x"}, "text-2": {"input_value": "x"}},
    ),
    "a flat field, wherever it exists": ({"sender": "Robot"}, {"out": {"sender": "Robot"}}),
    "the form that the editor copies out": (
        {"text-1": {"input_value": {"value": "x"}}},
        {"text-1": {"input_value": "x"}},
    ),
    "the editor's form of an empty value": (
        {"text-1": {"input_value": {"value": None}}},
        {"text-1": {"input_value": None}},
    ),
    "an object is a value like any other": (
        {"text-1": {"input_value": {"a": 1}}},
        {"text-1": {"input_value": {"a": 1}}},
    ),
    "an id before a display name": (
        {"text-1": {"input_value": "id"}, "Text Input": {"input_value": "name"}},
        {"text-1": {"input_value": "id"}, "text-2": {"input_value": "name"}},
    ),
    "a display name before a flat field": (
        {"Answer": {"input_value": "name"}, "input_value": "flat"},
        {"text-1": {"input_value": "flat"}, "text-2": {"input_value": "flat"}, "out": {"input_value": "name"}},
    ),
    "several fields of one vertex": (
        {"out": {"sender": "Robot", "sender_name": "R"}},
        {"out": {"sender": "Robot", "sender_name": "R"}},
    ),
    "an unknown vertex": ({"ghost": {"input_value": "x"}}, {}),
    "an unknown field of a vertex": ({"text-1": {"volume": 11}}, {}),
    "an unknown flat field": ({"volume": 11}, {}),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_tweak_reaches_the_fields_it_names(case: str, graph: Graph) -> None:
    tweaks, reached = CASES[case]
    assert overrides(apply_tweaks(graph, tweaks)) == reached


def test_the_given_graph_stays_as_it_is(graph: Graph) -> None:
    apply_tweaks(graph, {"input_value": "x"})
    assert overrides(graph) == {}


@pytest.mark.parametrize(
    ("tweaks", "fields"),
    [
        ({"code": "import os"}, ("text-1.code", "text-2.code", "out.code")),
        ({"text-2": {"code": "import os", "input_value": "x"}}, ("text-2.code",)),
        ({"Answer": {"code": {"value": "import os"}}, "text-1": {"code": ""}}, ("text-1.code", "out.code")),
    ],
)
def test_code_is_refused_and_every_such_field_is_named(
    tweaks: dict[str, Json], fields: tuple[str, ...], graph: Graph
) -> None:
    with pytest.raises(TweaksRefused) as caught:
        apply_tweaks(graph, tweaks)
    assert caught.value.fields == fields
    assert str(caught.value) == f"These fields may not be overridden: {', '.join(fields)}."
