"""flows/human.py: what is asked, what an answer is bound to, and how both travel."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.human import ActionRequest, Decision, HumanRequest, NeedsDecision, Option, RequestKind
from tests.flows.asking import QUESTION
from tests.flows.running import NOW

APPROVAL = HumanRequest(
    RequestKind.TOOL_APPROVAL,
    "May I?",
    (Option("approve", "Approve"),),
    action_requests=(ActionRequest("pay", {"to": "ann", "amount": 3}, "Pays."),),
)


def approval_of(name: str = "pay", args: Mapping[str, Any] | None = None, description: str = "Pays.") -> HumanRequest:
    args = {"to": "ann", "amount": 3} if args is None else args
    return replace(APPROVAL, action_requests=(ActionRequest(name, args, description),))


@pytest.mark.parametrize(
    "other",
    [
        approval_of(name="pay_twice"),
        approval_of(args={"to": "bob", "amount": 3}),
        approval_of(args={"to": "ann", "amount": 3.5}),
        approval_of(args={"to": "ann", "amount": "3"}),
        approval_of(args={"to": "ann"}),
        approval_of(description="Pays at once."),
        replace(APPROVAL, action_requests=APPROVAL.action_requests * 2),
        replace(APPROVAL, prompt="May I?!"),
        replace(APPROVAL, options=(Option("approve", "Reject"),)),
        replace(APPROVAL, answerers=("ann",)),
        replace(APPROVAL, form={"type": "object"}),
    ],
)
def test_a_decision_is_bound_to_everything_that_was_shown(other: HumanRequest) -> None:
    """B5: tools, arguments, and what the person read."""
    assert other.digest != APPROVAL.digest


def test_the_order_in_which_arguments_are_written_changes_nothing() -> None:
    assert approval_of(args={"amount": 3, "to": "ann"}).digest == APPROVAL.digest


def test_the_time_to_answer_is_not_what_is_decided_on() -> None:
    """A vertex that is built again may have another time to wait."""
    assert replace(QUESTION, timeout_seconds=60.0).digest == QUESTION.digest


def test_an_approval_is_told_with_its_calls_and_without_times() -> None:
    """Contract 4.2."""
    payload = APPROVAL.payload("r", NOW)
    assert payload["action_requests"] == [
        {"name": "pay", "args": {"to": "ann", "amount": 3}, "description": "Pays."},
    ]
    assert {"timeout_seconds", "fallback_action", "paused_at", "deadline_at"} & set(payload) == set()


def test_the_deadline_lies_the_time_limit_behind_the_question() -> None:
    payload = replace(QUESTION, timeout_seconds=90.0).payload("r", NOW)
    assert payload["deadline_at"] == (NOW + timedelta(seconds=90)).isoformat()
    assert payload["paused_at"] == NOW.isoformat()


@pytest.mark.parametrize("labelled", [(), (Option("fallback", "Otherwise"),)])
def test_the_fallback_is_allowed_once(labelled: tuple[Option, ...]) -> None:
    """Also where a choice is called so."""
    request = replace(QUESTION, options=(*QUESTION.options, *labelled), has_fallback=True)
    assert request.allowed_decisions == ["approve", "reject", "fallback"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)
single = st.builds(
    Decision,
    st.none() | st.text("abc", max_size=3),
    st.dictionaries(st.text("abc", max_size=3), json_values, max_size=3),
    st.text("abc", max_size=3),
)
decisions = st.builds(lambda one, each: replace(one, decisions=tuple(each)), single, st.lists(single, max_size=3))


@settings(max_examples=40)
@given(decisions)
def test_a_decision_is_read_as_it_was_written(decision: Decision) -> None:
    """So that whoever repeats an answer is known by it (I12)."""
    assert Decision.load(orjson.loads(orjson.dumps(decision.dump()))) == decision


@pytest.mark.parametrize("stored", [{}, {"action_id": None, "values": None, "text": None, "decisions": None}])
def test_what_is_left_out_of_a_decision_is_nothing(stored: Mapping[str, Any]) -> None:
    assert Decision.load(stored) == Decision(None)


def test_no_component_can_catch_a_question_as_an_error() -> None:
    assert not issubclass(NeedsDecision, Exception)
