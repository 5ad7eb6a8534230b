"""How a human request is put to a person at a terminal, until their decision fits what was asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson

from flows.budget import RAISE
from flows.deciding import Ruling, check_decision
from flows.errors import DecisionRefused
from flows.execution.recovery import DONE
from flows.human import Decision, RequestKind
from flows.values import Json
from penstock.console import ask, complain, remark
from penstock.forms import ask_values, read_value

_NEEDS_VALUES = {RequestKind.UNCERTAIN_EFFECT: DONE, RequestKind.BUDGET: RAISE}
"""The one action that takes values, of the kinds of which not all do."""


class Question(Protocol):
    """A human request, wherever it was read."""

    @property
    def vertex_id(self) -> str:
        """Who asks."""

    @property
    def deadline_at(self) -> datetime | None:
        """Until when."""

    @property
    def payload(self) -> Mapping[str, Any]:
        """What is asked (contract 4.2)."""


def ask_person(request: Question) -> Decision:
    """Shows a request and asks until the decision fits it; each fault is told. Raises `EOFError` when the person types
    no more."""
    show_request(request)
    asked, standing = request.payload, Decision(None)
    while True:
        decision = _decision(asked, standing)
        try:
            check_decision(asked, decision)
        except DecisionRefused as refused:
            standing = _without_faults(decision, refused.faults)
            for field, fault in refused.faults:
                complain(f"{field}: {fault}")
        else:
            return decision


def show_request(request: Question) -> None:
    """What is asked, until when, and what may be chosen."""
    asked = request.payload
    remark(f"\n{request.vertex_id} asks:\n{asked['prompt']}")
    for call in _calls(asked):
        remark(f"  {call['name']}({orjson.dumps(call['args']).decode()}) {call['description']}".rstrip())
    if request.deadline_at is not None:
        instead = f"the action {asked['fallback_action']!r}" if asked.get("fallback_action") else "no branch"
        remark(f"Until {request.deadline_at.astimezone():%Y-%m-%d %H:%M}; after that {instead} is taken.")
    for number, option in enumerate(asked["options"], 1):
        remark(f"  {number}  {option['label']}")


def lost_to(message: str, winner: Mapping[str, Any] | None) -> str:
    """Why a decision came too late, and what was decided instead."""
    decision = (winner or {}).get("decision") or {}
    return f"{message} Decided at {winner['at']}: {decision['action_id']}." if winner and decision else message


def choose(count: int) -> int:
    """The index of one of several things, numbered from 1. Raises `EOFError`."""
    while True:
        typed = ask(f"Which one (1-{count})? ")
        if typed.isdecimal() and 1 <= int(typed) <= count:
            return int(typed) - 1
        complain(f"{typed!r} is not a number from 1 to {count}")


def _decision(asked: Mapping[str, Any], standing: Decision) -> Decision:
    """What a person types; an empty reply keeps what is `standing`."""
    calls = _calls(asked)
    if calls:
        each = tuple(_decision_on_call(asked, call) for call in calls)
        return each[0] if len(each) == 1 else Decision(None, decisions=each)
    action_id = _action(asked, "Your choice", standing.action_id)
    values = ask_values(asked["json_schema"], standing.values) if _takes_values(asked, action_id) else {}
    text = ask("Text (may be empty): ") if asked.get("takes_text") else ""
    return Decision(action_id, values, text)


def _decision_on_call(asked: Mapping[str, Any], call: Mapping[str, Any]) -> Decision:
    action_id = _action(asked, f"Your choice for {call['name']}")
    if action_id == Ruling.EDIT:
        return Decision(action_id, {"args": _arguments(call["args"])})
    if action_id in (Ruling.REJECT, Ruling.RESPOND):
        return Decision(action_id, {"message": ask("What the model is told: ")})
    return Decision(action_id)


def _action(asked: Mapping[str, Any], question: str, standing: str | None = None) -> str:
    """The id of the chosen action, by its number, label or id. What is none of them is left to the check."""
    options: Sequence[Mapping[str, str]] = asked["options"]
    which = f" (1-{len(options)})" if len(options) > 1 else ""
    default = "" if standing is None else f" [{standing}]"
    typed = ask(f"{question}{which}{default}: ") or standing or ""
    names = {str(number): option["action_id"] for number, option in enumerate(options, 1)}
    names |= {option["label"].lower(): option["action_id"] for option in options}
    names |= {option["action_id"]: option["action_id"] for option in options}
    return names.get(typed.lower(), typed)


def _arguments(args: dict[str, Json]) -> dict[str, Json]:
    while True:
        typed = ask(f"Arguments as JSON [{orjson.dumps(args).decode()}]: ")
        if not typed:
            return args
        edited = read_value({}, typed)
        if isinstance(edited, dict):
            return edited
        complain("The arguments are a JSON object.")


def _takes_values(asked: Mapping[str, Any], action_id: str) -> bool:
    allowed = asked["allowed_decisions"]
    if asked.get("json_schema") is None or (allowed and action_id not in allowed):
        return False
    needing = _NEEDS_VALUES.get(asked["kind"])
    if needing is not None:
        return action_id == needing
    return bool(action_id != asked.get("fallback_action"))


def _calls(asked: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    calls: Sequence[Mapping[str, Any]] = asked.get("action_requests") or ()
    return calls


def _without_faults(decision: Decision, faults: Sequence[tuple[str, str]]) -> Decision:
    """The parts of a decision in which nothing is wrong."""
    wrong = {field for field, _ in faults}
    named = {field.split(".")[1] for field in wrong if field.startswith("values.")}
    values = {name: value for name, value in decision.values.items() if name not in named}
    return Decision(None if "action_id" in wrong else decision.action_id, values)
