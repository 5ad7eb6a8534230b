"""Real exports: Langflow's starter projects and the templates of its components."""

import json
from collections.abc import Callable

import pytest

import flows.components
from flows.definition import flow_data
from flows.errors import UnknownComponents
from flows.graph import Graph, load_graph
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.values import Message
from tests.flows.components.producing import produce
from tests.flows.shared import MISSING, component, from_palette, names, shared
from tests.making import flow
from tests.shapes import Exported

MUST_LOAD = ["basic_prompting.json", "image_sentiment_analysis.json"]

_ANY_MODEL = dict.fromkeys(
    ("provider", "model_name", "base_url", "ollama_base_url"), "any model, named without the editor's list of providers"
)
ADDED_FIELDS = {
    "Agent": _ANY_MODEL,
    "BatchRunComponent": _ANY_MODEL,
    "StructuredOutput": _ANY_MODEL,
    "LanguageModelComponent": {"base_url": "any OpenAI-compatible endpoint, where Langflow lists providers"},
    "HumanInput": {
        "form": "a JSON Schema of values to be filled in, where Langflow has choices only",
        "takes_text": "an answer in the person's own words",
        "answerers": "who may answer, where Langflow asks the owner",
    },
}
"""Fields that our components read and Langflow's templates do not have, each with its reason."""

ADDED_OUTPUTS = {
    "File": dict.fromkeys(("dataframe", "json", "path"), "what Langflow's editor adds when files are chosen"),
    "HumanInput": {"values": "what was given beside the decision, which Langflow drops"},
    "RunFlow": {"flow_output": "what answers an agent; the editor adds the outputs of the flow that is selected"},
}


def is_built_in(name: str) -> bool:
    """Whether a component's file is of a type that is built here; its name is the type's."""
    return name == MISSING or name.removesuffix(".json") in Registry(discover(flows.components)).types()


def starter(name: str) -> Exported:
    return flow_data(json.loads(shared("starter_flows", name).read_text()))


def test_all_starter_projects_are_here() -> None:
    shared("starter_flows")
    assert len(names("starter_flows")) == 27


@pytest.mark.parametrize("name", names("starter_flows"))
def test_a_starter_project_loads_or_names_exactly_what_is_missing(name: str, registry: Registry) -> None:
    exported = starter(name)
    types = {node["data"]["type"] for node in exported["nodes"] if node["type"] != "noteNode"}
    missing = sorted(types - set(registry.types()))
    if missing:
        with pytest.raises(UnknownComponents) as caught:
            load_graph(exported, registry, Limits())
        assert list(caught.value.types) == missing
    else:
        graph = load_graph(exported, registry, Limits())
        assert {vertex.node.type for vertex in graph.vertices.values()} == types


@pytest.mark.parametrize("name", MUST_LOAD)
def test_a_starter_project_of_built_in_components_loads(name: str, load: Callable[[Exported], Graph]) -> None:
    assert load(starter(name)).terminals


@pytest.mark.parametrize("name", [name for name in names("components") if is_built_in(name)])
def test_a_component_has_the_ports_and_fields_of_langflows(name: str, registry: Registry) -> None:
    exported = component(name)
    kind, node = exported["type"], exported["node"]
    ours = registry.component(kind)
    theirs = {port["name"]: tuple(port["types"]) for port in node["outputs"]}
    ports = ours.ports({name: field.get("value") for name, field in node["template"].items() if name != "_type"})
    assert {name: port.types for name, port in ports.items() if name not in ADDED_OUTPUTS.get(kind, {})} == theirs
    assert ours.inputs.model_fields.keys() - ADDED_FIELDS.get(kind, {}).keys() <= node["template"].keys()


def test_a_field_is_added_only_where_langflow_has_none() -> None:
    for kind, fields in ADDED_FIELDS.items():
        assert not fields.keys() & component(f"{kind}.json")["node"]["template"].keys()


@pytest.mark.parametrize(
    ("name", "values", "outputs"),
    [
        ("ConditionalRouter.json", {"input_text": "yes", "match_text": "yes"}, {"true_result": Message("yes")}),
        ("Pass.json", {}, {"output_message": Message("")}),
        ("TextInput.json", {"input_value": "Hi"}, {"text": Message("Hi")}),
        ("Prompt Template.json", {"template": "Hi"}, {"prompt": Message("Hi")}),
    ],
)
def test_a_component_from_the_palette_runs_on_its_defaults(
    name: str, values: dict[str, str], outputs: dict[str, Message]
) -> None:
    assert produce(from_palette(name, **values)).outputs("only") == outputs


def test_a_chat_input_from_the_palette_says_the_request() -> None:
    [record] = produce(from_palette("ChatInput.json")).messages
    assert record.message == Message("hello", "User", "User", "s2")


def test_a_component_from_the_palette_stands_in_a_flow(load: Callable[[Exported], Graph]) -> None:
    assert load(flow([from_palette("LanguageModelComponent.json")])).terminals == ["only"]
