"""The password fields of a flow: found, emptied, and kept from whoever may not change it."""

import json

from flows.graph import Graph, load_graph
from flows.limits import Limits
from flows.registry import Registry
from flows.secrets import hidden_secrets, redacted, without_secrets
from flows.tweaks import apply_tweaks
from tests.making import flow, node
from tests.shapes import Exported

SECRET = "sk-a-secret-in-the-flow"
GIVEN = "sk-another-in-a-tweak"


def model_flow(**api_key: object) -> Exported:
    """A flow with one model, whose key is as given."""
    model = node("LanguageModelComponent", "model")
    model["data"]["node"]["template"]["api_key"] = {"type": "str", "password": True, **api_key}
    return flow([model], [])


def graph(registry: Registry, **api_key: object) -> Graph:
    return load_graph(model_flow(**api_key), registry, Limits())


def test_a_literal_value_of_a_password_field_is_a_secret(registry: Registry) -> None:
    assert hidden_secrets(graph(registry, value=SECRET)) == {SECRET}


def test_the_name_of_a_variable_is_no_secret(registry: Registry) -> None:
    assert hidden_secrets(graph(registry, value="OPENAI_API_KEY", load_from_db=True)) == set()


def test_an_empty_password_field_is_no_secret(registry: Registry) -> None:
    assert hidden_secrets(graph(registry, value="")) == set()


def test_a_tweak_of_a_password_field_is_a_secret_in_place_of_the_stored_one(registry: Registry) -> None:
    tweaked = apply_tweaks(graph(registry, value=SECRET), {"model": {"api_key": GIVEN}})
    assert hidden_secrets(tweaked) == {GIVEN}


def test_a_graph_without_secrets_has_none_and_keeps_its_other_tweaks(registry: Registry) -> None:
    before = apply_tweaks(graph(registry, value=SECRET), {"model": {"model_name": "m"}})
    after = without_secrets(before)
    assert hidden_secrets(after) == set()
    assert after.vertices["model"].overrides == {"model_name": "m", "api_key": ""}
    assert hidden_secrets(before) == {SECRET}


def test_a_redacted_definition_differs_in_nothing_but_its_secrets() -> None:
    definition = {**model_flow(value=SECRET), "viewport": {"zoom": 1}}
    definition["nodes"].append({"id": "note", "type": "noteNode", "data": {"node": {"description": "a note"}}})
    shown = redacted(definition)
    assert SECRET not in json.dumps(shown)
    assert json.dumps(shown) == json.dumps(definition).replace(SECRET, "")


def test_a_secret_in_the_form_of_a_message_is_one(registry: Registry) -> None:
    """The editor exports the values of message fields so."""
    wrapped = {"text_key": "text", "text": SECRET}
    assert SECRET in hidden_secrets(graph(registry, value=wrapped))
    assert hidden_secrets(without_secrets(graph(registry, value=wrapped))) == set()
    assert SECRET not in json.dumps(redacted(model_flow(value=wrapped)))


def test_a_secret_in_a_node_within_a_node_is_not_shown() -> None:
    group = node("Pass", "group")
    group["data"]["node"]["flow"] = {"data": model_flow(value=SECRET)}
    assert SECRET not in json.dumps(redacted(flow([group])))
