"""HumanInput: a person decides which way the flow goes on (contract 4.1, 4.2)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flows.components
from flows.components.human_input import HumanInput, actions
from flows.errors import VertexFailed
from flows.events import EventType
from flows.execution.engine import Progress
from flows.graph import Graph, load_graph
from flows.human import FALLBACK, Decision
from flows.limits import Limits
from flows.registry import Registry, discover
from flows.values import Data, Message, Value
from tests.flows.asking import APPROVE, Interview
from tests.flows.components.producing import produce
from tests.flows.running import NOW
from tests.making import edge, flow, node, template
from tests.shapes import SHAPES, Exported, Shape

EXPORTED = SHAPES["HumanInput"]
SHAPE = Shape(
    EXPORTED.display_name,
    {
        **EXPORTED.fields,
        "timeout": EXPORTED.fields["timeout"] | {"show": True},
        "form": {"type": "dict", "value": None},
        "takes_text": {"type": "bool", "value": False},
        "answerers": {"type": "str", "list": True, "value": []},
    },
    {**EXPORTED.outputs, "branch_fallback": ["Message"], "values": ["Data", "JSON"]},
)
FORM = {"type": "object", "properties": {"amount": {"type": "number"}, "note": {}}, "required": ["amount"]}


def human(**values: Any) -> Exported:
    return node("HumanInput", "h", shape=SHAPE, **{"prompt": "Pay?", **values})


def wired(exported: Exported) -> Graph:
    """A flow in which a branch leads from a HumanInput to an output."""
    shown = node("ChatOutput", "shown")
    edges = [edge(exported, "branch_approve", shown, "input_value")]
    return load_graph(flow([exported, shown], edges), Registry(discover(flows.components)), Limits())


def asked(**values: Any) -> dict[str, Any]:
    """The payload of what a HumanInput with these fields asks."""
    interview = Interview()
    assert interview.go_through(wired(human(**values))) is Progress.WAITING
    [event] = interview.of_type(EventType.HUMAN_INPUT_REQUIRED)
    return dict(event.data)


def decided(decision: Decision, **values: Any) -> Mapping[str, Value]:
    """What a HumanInput with these fields puts out behind a decision."""
    interview, graph = Interview(), wired(human(**values))
    interview.go_through(graph)
    interview.answer("h", decision)
    assert interview.go_through(graph) is Progress.DONE
    return interview.outputs("h")


@pytest.mark.parametrize(
    ("labels", "ids"),
    [
        (["Approve", "Reject"], {"approve": "Approve", "reject": "Reject"}),
        (["  Ask the Boss "], {"ask_the_boss": "Ask the Boss"}),
        (["Yes", "yes", " YES "], {"yes": "Yes"}),
        (["", "  ", "No"], {"no": "No"}),
        (["Über-prüfen"], {"über-prüfen": "Über-prüfen"}),
    ],
)
def test_the_id_of_a_choice_is_made_from_its_label(labels: list[str], ids: Mapping[str, str]) -> None:
    """Trimmed, in small letters, with `_` for spaces; duplicates are dropped."""
    assert actions(labels) == ids


@given(st.lists(st.text(max_size=5)))
def test_every_choice_is_one_branch_whatever_the_labels(labels: list[str]) -> None:
    choices = actions(labels)
    assert list(choices) == list(actions(list(choices.values())))
    assert [label for label in choices.values() if not label.strip()] == []
    ports = HumanInput().ports({"decisions": list(labels)})
    assert set(ports) == {*(f"branch_{id}" for id in choices), "values"}


@pytest.mark.parametrize("fallback", [False, True])
def test_there_is_a_fallback_branch_when_it_is_enabled(fallback: bool) -> None:
    ports = HumanInput().ports({"decisions": ["Go"], "enable_fallback": fallback})
    assert list(ports) == ["branch_go", *(["branch_fallback"] if fallback else []), "values"]


def test_without_choices_of_its_own_it_has_those_of_the_contract() -> None:
    assert list(HumanInput().ports({})) == ["branch_approve", "branch_reject", "values"]


def test_what_is_asked_is_told_as_the_contract_has_it() -> None:
    """Contract 4.2, and behind it what is added: the deadline, whether a text is taken, who may answer."""
    added = {"takes_text": False, "answerers": [], "deadline_at": "2026-11-25T17:49:11.274457+00:00"}
    assert asked() == {
        "request_id": "h:1",
        "kind": "node_input",
        "prompt": "Pay?",
        "options": [{"action_id": "approve", "label": "Approve"}, {"action_id": "reject", "label": "Reject"}],
        "allowed_decisions": ["approve", "reject"],
        "timeout_seconds": 259200,
        "fallback_action": None,
        "paused_at": NOW.isoformat(),
        **added,
    }


def test_the_fallback_is_allowed_and_not_offered() -> None:
    payload = asked(enable_fallback=True)
    assert payload["allowed_decisions"] == ["approve", "reject", "fallback"]
    assert [option["action_id"] for option in payload["options"]] == ["approve", "reject"]
    assert payload["fallback_action"] == "fallback"


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [(5, "Minutes", 300), (2, "Hours", 7200), (3, "Days", 259200), (0.5, "hours", 1800), (0, "Days", 0)],
)
def test_the_time_limit_is_told_in_seconds_and_0_is_none(value: float, unit: str, seconds: float) -> None:
    payload = asked(timeout={"value": value, "unit": unit})
    assert payload["timeout_seconds"] == seconds
    assert (payload["deadline_at"] is None) == (seconds == 0)


def test_a_time_limit_that_the_editor_hides_is_that_of_the_contract() -> None:
    """Contract 4.1: it shows the field where there is a fallback."""
    hidden = human(timeout={"value": 5, "unit": "Minutes"})
    template(hidden)["timeout"]["show"] = False
    interview = Interview()
    interview.go_through(wired(hidden))
    assert interview.asked[0].timeout_seconds == 259200


@pytest.mark.parametrize(
    "timeout",
    [{"value": 3, "unit": "Weeks"}, {"value": -1, "unit": "Days"}, {"value": 1e12, "unit": "Days"}],
    ids=["unknown unit", "negative", "beyond the calendar"],
)
def test_a_time_limit_that_is_none_fails_the_vertex(timeout: Mapping[str, Any]) -> None:
    with pytest.raises(VertexFailed, match=r"Human Input \(h\)"):
        asked(timeout=timeout)


@pytest.mark.parametrize("action", ["approve", "reject"])
def test_the_chosen_branch_carries_the_prompt(action: str) -> None:
    outputs = decided(Decision(action))
    assert outputs == {f"branch_{action}": Message("Pay?"), "values": Data({})}


def test_the_fallback_may_be_chosen_and_carries_no_values() -> None:
    """It stands for nobody's answer, and needs no form."""
    assert decided(Decision(FALLBACK), enable_fallback=True, form=FORM) == {"branch_fallback": Message("Pay?")}


def test_when_nobody_decides_in_time_and_there_is_no_fallback_no_branch_is_taken() -> None:
    assert decided(Decision(None)) == {}


def test_what_is_given_with_a_decision_comes_out_as_values() -> None:
    given = Decision("approve", {"amount": 3, "note": ["x"]}, text="because")
    values = decided(given, form=FORM, takes_text=True)["values"]
    assert values == Data({"amount": 3, "note": ["x"], "text": "because"})


def test_a_branch_that_was_not_taken_is_dead() -> None:
    interview, graph = Interview(), wired(human())
    interview.go_through(graph)
    interview.answer("h", Decision("reject"))
    assert interview.go_through(graph) is Progress.DONE
    assert interview.finished == ["h"]


def test_with_nothing_behind_it_it_passes_its_prompt_through_and_asks_nobody() -> None:
    journal = produce(human(), prompt=Message("Is it right?"))
    assert journal.outputs("h") == {"branch_approve": Message("Is it right?")}
    assert journal.asked == []


def test_a_prompt_that_is_fed_goes_down_the_branch_as_it_came() -> None:
    said = Message("Is it right?", sender="User", session_id="other")
    source = node("ChatInput", "said", input_value="Is it right?", session_id="other")
    exported, shown = human(), node("ChatOutput", "shown")
    edges = [edge(source, "message", exported, "prompt"), edge(exported, "branch_approve", shown, "input_value")]
    graph = load_graph(flow([source, exported, shown], edges), Registry(discover(flows.components)), Limits())
    interview = Interview()
    interview.go_through(graph)
    interview.answer("h", APPROVE)
    interview.go_through(graph)
    taken = interview.outputs("h")["branch_approve"]
    assert isinstance(taken, Message)
    assert (taken.text, taken.sender, taken.session_id) == (interview.asked[0].prompt, said.sender, said.session_id)


@pytest.mark.parametrize("form", [FORM, json.dumps(FORM)], ids=["object", "text"])
def test_a_form_is_an_object_or_its_text(form: object) -> None:
    payload = asked(form=form)
    assert payload["json_schema"] == FORM
    assert payload["schema"] == [{"name": "amount", "required": True}, {"name": "note", "required": False}]


@pytest.mark.parametrize("form", [None, "", "  ", {}])
def test_an_empty_form_is_none(form: object) -> None:
    assert {"schema", "json_schema"} & set(asked(form=form)) == set()


@pytest.mark.parametrize(
    "form",
    [{"type": "objekt"}, '{"properties": 3}', "{", "[1]", {"$ref": "http://127.0.0.1:9/form"}],
    ids=["unknown type", "bad properties", "no JSON", "no object", "elsewhere"],
)
def test_a_form_that_is_none_fails_the_vertex_and_asks_nobody(form: object) -> None:
    interview = Interview()
    with pytest.raises(VertexFailed, match=r"Human Input \(h\)"):
        interview.go_through(wired(human(form=form)))
    assert interview.asked == []


def test_who_may_answer_and_whether_with_a_text_is_told() -> None:
    payload = asked(answerers=["ann", "bob"], takes_text=True)
    assert (payload["answerers"], payload["takes_text"]) == (["ann", "bob"], True)
