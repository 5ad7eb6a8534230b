"""Whether a decision fits what was asked, and what it says about the calls of tools (contract 4.3)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flows.errors import DecisionRefused
from flows.forms import faults_in_form
from flows.human import ActionRequest, Decision, HumanRequest, RequestKind
from flows.values import Json


def check_decision(asked: Mapping[str, Any], decision: Decision) -> None:
    """Raises `DecisionRefused` unless a decision fits the payload of what was asked."""
    faults = list(_faults(asked, decision))
    if faults:
        raise DecisionRefused(faults)


def _faults(asked: Mapping[str, Any], decision: Decision) -> Iterator[tuple[str, str]]:
    calls = asked.get("action_requests") or []
    if decision.decisions:
        yield from _faults_of_each(asked, decision, calls)
        return
    allowed = _allowed_for_all(asked, calls)
    if calls and not allowed:
        yield "decisions", "no one decision may be taken on all of the calls: decide on each"
    # Where nothing is offered, anything goes (contract 1.6).
    elif allowed and decision.action_id not in allowed:
        yield "action_id", f"{decision.action_id!r} is not one of {', '.join(allowed)}"
    if decision.text and not (asked.get("takes_text") or calls):
        yield "text", "no text is asked for"
    if calls:
        yield from _faults_in_edit(decision, "values")
    is_fallback = decision.action_id is not None and decision.action_id == asked.get("fallback_action")
    if (form := asked.get("json_schema")) is not None and not is_fallback:
        yield from faults_in_form(form, decision.values)


def _allowed_for_all(asked: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> list[str]:
    """The decisions that may be taken on all calls at once."""
    offered: list[str] = asked["allowed_decisions"]
    return [one for one in offered if all(one in call.get("allowed_decisions", offered) for call in calls)]


def _faults_of_each(
    asked: Mapping[str, Any], decision: Decision, calls: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    if len(decision.decisions) != len(calls):
        yield "decisions", f"{len(calls)} calls are to be decided, {len(decision.decisions)} are"
    for number, one in enumerate(decision.decisions):
        call = calls[number] if number < len(calls) else {}
        allowed = call.get("allowed_decisions") or asked["allowed_decisions"]
        if one.action_id not in allowed:
            yield f"decisions.{number}.action_id", f"{one.action_id!r} is not one of {', '.join(allowed)}"
        yield from _faults_in_edit(one, f"decisions.{number}.values")


def _faults_in_edit(decision: Decision, where: str) -> Iterator[tuple[str, str]]:
    """An edited call needs the arguments that it is to be made with."""
    if decision.action_id != Ruling.EDIT:
        return
    if not decision.values:
        yield where, "the arguments to be used are missing"
    elif not isinstance(decision.values.get("args", {}), dict):
        yield f"{where}.args", "is not an object"


class Ruling(StrEnum):
    """What is to become of one call of a tool."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    RESPOND = "respond"


@dataclass(frozen=True)
class RuledCall:
    """One call of a tool with what was decided on it. `args` are those it is made with, `message` is what the model is
    told in its place."""

    name: str
    ruling: Ruling
    args: Mapping[str, Json]
    message: str = ""


def rule(request: HumanRequest, decision: Decision) -> list[RuledCall]:
    """What becomes of each call of an approval: one decision for all of them, or one for each."""
    assert request.kind is RequestKind.TOOL_APPROVAL, "only an approval has calls"
    ones = decision.decisions or (decision,) * len(request.action_requests)
    return [_ruled(call, one) for call, one in zip(request.action_requests, ones, strict=True)]


def _ruled(call: ActionRequest, decision: Decision) -> RuledCall:
    ruling = Ruling(str(decision.action_id))
    values = decision.values
    if ruling is Ruling.EDIT:
        edited = values.get("args", values)
        assert isinstance(edited, dict), "a decision was checked before it is stored"
        return RuledCall(call.name, ruling, edited)
    said = values.get("message") or (values.get("response") if ruling is Ruling.RESPOND else None) or decision.text
    return RuledCall(call.name, ruling, call.args, str(said or ""))
