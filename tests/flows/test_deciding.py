"""flows/deciding.py and flows/forms.py: whether a decision fits what was asked, and what it says about calls."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.deciding import RuledCall, Ruling, check_decision, rule
from flows.errors import DecisionRefused, FlowError
from flows.forms import check_form
from flows.human import FALLBACK, ActionRequest, Decision, HumanRequest, Option, RequestKind
from tests.flows.asking import APPROVE, QUESTION
from tests.flows.running import NOW

FORM: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "minimum": 1},
        "lines": {"type": "array", "items": {"type": "string"}},
        "way": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["iban"]}]},
    },
    "required": ["amount"],
}
ASKED = replace(QUESTION, has_fallback=True, form=FORM)
TOOLS = tuple(Option(ruling, ruling.title()) for ruling in Ruling)
CALLS = (ActionRequest("pay", {"amount": 3}), ActionRequest("mail", {"to": "ann"}))
APPROVAL = HumanRequest(RequestKind.TOOL_APPROVAL, "May I?", TOOLS, action_requests=CALLS)


def faults(request: HumanRequest, decision: Decision) -> list[str]:
    """The fields in which a decision does not fit a request."""
    try:
        check_decision(request.payload("r", NOW), decision)
    except DecisionRefused as refused:
        return [field for field, _ in refused.faults]
    return []


@pytest.mark.parametrize(
    ("decision", "fields"),
    [
        (Decision("approve", {"amount": 3}), []),
        (Decision("reject", {"amount": 1.5, "lines": ["a"], "way": {"iban": "x"}}), []),
        (Decision("approve"), ["values"]),
        (Decision("approve", {"amount": 0}), ["values.amount"]),
        (Decision("approve", {"amount": "3", "lines": ["a", 2]}), ["values.amount", "values.lines.1"]),
        (Decision("approve", {"amount": 3, "way": {}}), ["values.way"]),
        (Decision("later", {"amount": 3}), ["action_id"]),
        (Decision(None, {"amount": 3}), ["action_id"]),
        (Decision(None), ["action_id", "values"]),
        (Decision("Approve", {"amount": 3}), ["action_id"]),
        (Decision("approve", {"amount": 3}, text="because"), ["text"]),
        (Decision(FALLBACK), []),
    ],
)
def test_each_field_in_which_a_decision_does_not_fit_is_named(decision: Decision, fields: list[str]) -> None:
    """The fallback stands for nobody's answer, and so needs no form."""
    assert faults(ASKED, decision) == fields


def test_the_fallback_may_be_decided_only_where_it_is_enabled() -> None:
    assert faults(QUESTION, Decision(FALLBACK)) == ["action_id"]


def test_where_nothing_is_offered_anything_goes() -> None:
    """Contract 1.6."""
    nothing = replace(QUESTION, options=())
    assert faults(nothing, Decision("whatever")) == faults(nothing, Decision(None)) == []
    assert faults(replace(nothing, form=FORM), Decision(None)) == ["values"]


def test_a_text_is_taken_where_it_is_asked_for_and_on_every_approval() -> None:
    said = Decision("approve", text="because")
    assert faults(replace(QUESTION, takes_text=True), said) == faults(APPROVAL, said) == []


@given(st.text(max_size=8))
def test_only_what_was_offered_is_taken(action: str) -> None:
    assert (faults(QUESTION, Decision(action)) == []) == (action in ("approve", "reject"))


@pytest.mark.parametrize(
    ("decision", "fields"),
    [
        (APPROVE, []),
        (Decision(None, decisions=(APPROVE, Decision("reject"))), []),
        (Decision(None, decisions=(APPROVE,)), ["decisions"]),
        (Decision(None, decisions=(APPROVE, Decision("burn"))), ["decisions.1.action_id"]),
        (Decision(None, decisions=(Decision(None), APPROVE, APPROVE)), ["decisions", "decisions.0.action_id"]),
        (Decision(None), ["action_id"]),
        (Decision("edit", {"args": {"amount": 2}}), []),
        (Decision("edit", {"amount": 2}), []),
        (Decision("edit"), ["values"]),
        (Decision("edit", {"args": "2"}), ["values.args"]),
        (Decision(None, decisions=(APPROVE, Decision("edit", {"args": [2]}))), ["decisions.1.values.args"]),
    ],
)
def test_an_approval_takes_one_decision_for_all_calls_or_one_for_each(decision: Decision, fields: list[str]) -> None:
    assert faults(APPROVAL, decision) == fields


def test_a_question_without_calls_takes_one_decision_only() -> None:
    assert faults(QUESTION, Decision("approve", decisions=(APPROVE,))) == ["decisions"]


@pytest.mark.parametrize(
    ("decision", "ruled"),
    [
        (APPROVE, (Ruling.APPROVE, {"amount": 3}, "")),
        (Decision("edit", {"args": {"amount": 2}}), (Ruling.EDIT, {"amount": 2}, "")),
        (Decision("edit", {"amount": 2}), (Ruling.EDIT, {"amount": 2}, "")),
        (Decision("reject", {"message": "too much"}), (Ruling.REJECT, {"amount": 3}, "too much")),
        (Decision("reject", {"response": "too much"}), (Ruling.REJECT, {"amount": 3}, "")),
        (Decision("respond", {"message": "paid"}), (Ruling.RESPOND, {"amount": 3}, "paid")),
        (Decision("respond", {"response": "paid"}), (Ruling.RESPOND, {"amount": 3}, "paid")),
        (Decision("respond", text="paid"), (Ruling.RESPOND, {"amount": 3}, "paid")),
    ],
)
def test_what_becomes_of_a_call_is_read_as_the_contract_has_it(
    decision: Decision, ruled: tuple[Ruling, Mapping[str, Any], str]
) -> None:
    """Contract 4.3."""
    ruling, args, message = ruled
    alone = replace(APPROVAL, action_requests=CALLS[:1])
    assert rule(alone, decision) == [RuledCall("pay", ruling, args, message)]


def test_one_decision_rules_all_calls() -> None:
    assert [call.ruling for call in rule(APPROVAL, Decision("reject"))] == [Ruling.REJECT, Ruling.REJECT]


def test_each_call_may_have_a_decision_of_its_own() -> None:
    decision = Decision(None, decisions=(Decision("edit", {"amount": 2}), Decision("reject", text="no")))
    assert rule(APPROVAL, decision) == [
        RuledCall("pay", Ruling.EDIT, {"amount": 2}),
        RuledCall("mail", Ruling.REJECT, {"to": "ann"}, "no"),
    ]


@pytest.mark.parametrize(
    "form",
    [
        {},
        FORM,
        {"$ref": "#/$defs/one", "$defs": {"one": {"type": "object"}}},
        {"$defs": {"tree": {"properties": {"below": {"items": {"$ref": "#/$defs/tree"}}}}}, "$ref": "#/$defs/tree"},
    ],
)
def test_a_form_is_a_json_schema_that_may_refer_to_itself(form: Mapping[str, Any]) -> None:
    check_form(form)
    assert faults(replace(QUESTION, form=form), Decision("approve", {"amount": 3, "below": [{}]})) == []


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"type": "objekt"}, "no JSON Schema"),
        ({"properties": {"a": {"pattern": "("}}}, "no JSON Schema"),
        ({"$ref": "http://127.0.0.1:9/form"}, "which is not in it"),
        ({"properties": {"a": {"$ref": "file:///etc/hostname"}}}, "which is not in it"),
        ({"allOf": [{"$ref": "#/$defs/none"}]}, "which is not in it"),
        ({"$dynamicRef": "#none"}, "which is not in it"),
        ({"patternProperties": {"^a": {}}}, "patternProperties"),
    ],
)
def test_a_form_that_cannot_be_checked_from_itself_alone_is_refused(form: Mapping[str, Any], said: str) -> None:
    """A server that fetched what a form names would do so for whoever wrote the flow."""
    with pytest.raises(FlowError, match=said):
        check_form(form)


def test_a_form_fetches_nothing(tmp_path: Path) -> None:
    """Also one that was never checked: what it names would take every answer."""
    elsewhere = tmp_path / "form.json"
    elsewhere.write_text("{}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert faults(replace(QUESTION, form={"$ref": elsewhere.as_uri()}), APPROVE) == ["values"]


@pytest.mark.parametrize("reference", ["#/nowhere", "#"])
def test_a_form_that_leads_nowhere_refuses_every_answer(reference: str) -> None:
    assert faults(replace(QUESTION, form={"$ref": reference}), APPROVE) == ["values"]


def test_a_pattern_that_takes_for_ever_refuses_the_answer_in_time() -> None:
    """I10: the pattern is of whoever wrote the flow, the text of whoever answers, and the server serves others."""
    form: Mapping[str, Any] = {"properties": {"a": {"pattern": "^(a|aa)+$"}, "b": {"pattern": "^x"}}}
    request = replace(QUESTION, form=form)
    assert faults(request, Decision("approve", {"a": "a" * 80 + "!"})) == ["values"]
    assert faults(request, Decision("approve", {"a": "aaa", "b": "yx"})) == ["values.b"]


@pytest.mark.parametrize("action", [*Ruling, "", "anything"])
def test_where_no_decision_may_be_taken_on_all_calls_each_is_decided(action: str) -> None:
    """One that only some of them allow must not stand for the others."""
    one, other = replace(CALLS[0], allowed=("approve",)), replace(CALLS[1], allowed=("reject",))
    request = replace(APPROVAL, action_requests=(one, other))
    values: Any = {"args": {"amount": 4}} if action == "edit" else {}
    assert faults(request, Decision(action, values)) == ["decisions"]
    assert faults(request, Decision("", decisions=(Decision("approve"), Decision("reject")))) == []
