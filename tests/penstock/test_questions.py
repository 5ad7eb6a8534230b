"""penstock/questions.py: how a request is put to a person at a terminal."""

import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.budget import over_budget
from flows.human import ActionRequest, Decision, HumanRequest, Option, RequestKind
from flows.values import Json
from penstock.questions import ask_person
from storage.human_requests import RequestView
from storage.states import RequestState
from tests.penstock.conftest import Terminal

NOW = datetime(2026, 11, 26, tzinfo=UTC)
OPTIONS = tuple(Option(label.lower(), label) for label in ("Approve", "Edit", "Reject", "Respond"))
PAY = ActionRequest("pay", {"euros": 40}, "Pays money.")
MAIL = ActionRequest("mail", {"to": "ada"})


def decided(terminal: Terminal, request: HumanRequest, *typed: str) -> tuple[Decision, str]:
    """What a person decides who types some lines, and what they are shown."""
    terminal.type(*typed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdin", terminal.keyboard)
        patched.setattr(sys, "stderr", terminal.screen)
        decision = ask_person(view(request))
        terminal.screen.write("<end>\n")
    return decision, terminal.until("<end>")


def view(request: HumanRequest) -> RequestView:
    given: dict[str, Any] = dict.fromkeys(("deadline_at", "decided", "decided_by", "decided_at"))
    return RequestView(
        id="Agent-1:job",
        job_id="job",
        user_id="ada",
        flow_id="flow",
        vertex_id="Agent-1",
        visit=1,
        kind=request.kind,
        state=RequestState.OPEN,
        digest=request.digest,
        payload=request.payload("Agent-1:job", NOW),
        asked_at=NOW,
        is_late=False,
        is_applied=False,
        **given,
    )


def approval(*calls: ActionRequest) -> HumanRequest:
    return HumanRequest(RequestKind.TOOL_APPROVAL, "May it?", OPTIONS, action_requests=calls)


@pytest.mark.parametrize(
    ("typed", "decision"),
    [
        (("1",), Decision("approve")),
        (("edit", '{"euros": 4}'), Decision("edit", {"args": {"euros": 4}})),
        (("edit", "four", '{"euros": 4}'), Decision("edit", {"args": {"euros": 4}})),
        (("edit", ""), Decision("edit", {"args": {"euros": 40}})),
        (("Reject", "Too much."), Decision("reject", {"message": "Too much."})),
        (("4", "It was paid."), Decision("respond", {"message": "It was paid."})),
    ],
)
def test_a_call_of_a_tool_is_shown_and_decided(terminal: Terminal, typed: tuple[str, ...], decision: Decision) -> None:
    """With what belongs to the action: arguments, or what the model is told."""
    given, shown = decided(terminal, approval(PAY), *typed)
    assert given == decision
    assert 'pay({"euros":40}) Pays money.' in shown


def test_several_calls_are_decided_one_by_one(terminal: Terminal) -> None:
    given, _ = decided(terminal, approval(PAY, MAIL), "approve", "reject", "Not her.")
    assert given.decisions == (Decision("approve"), Decision("reject", {"message": "Not her."}))


def test_a_fallback_is_not_offered_and_may_be_taken(terminal: Terminal) -> None:
    """It asks for no values."""
    form: dict[str, Json] = {"type": "object", "properties": {"why": {"type": "string"}}, "required": ["why"]}
    request = HumanRequest(RequestKind.NODE_INPUT, "Go on?", OPTIONS[:1], has_fallback=True, form=form)
    given, shown = decided(terminal, request, "fallback")
    assert given == Decision("fallback")
    assert "fallback" not in shown


def test_a_text_is_asked_where_one_is_taken(terminal: Terminal) -> None:
    request = HumanRequest(RequestKind.NODE_INPUT, "Go on?", OPTIONS[:1], takes_text=True)
    given, _ = decided(terminal, request, "approve", "gladly")
    assert given == Decision("approve", text="gladly")


def test_only_what_was_done_has_a_value(terminal: Terminal) -> None:
    """Whoever lets a vertex run again knows nothing that it put out."""
    options = (Option("retry", "Run it again"), Option("done", "It was done"))
    request = HumanRequest(RequestKind.UNCERTAIN_EFFECT, "?", options, form={"properties": {"value": {}}})
    assert decided(terminal, request, "retry")[0] == Decision("retry")
    assert decided(terminal, request, "done", "paid")[0] == Decision("done", {"value": "paid"})


def test_a_prompt_cannot_steer_the_terminal(terminal: Terminal) -> None:
    request = HumanRequest(RequestKind.NODE_INPUT, "Go\x1b[2J on?", OPTIONS[:1])
    _, shown = decided(terminal, request, "approve")
    assert "Go[2J on?" in shown
    assert "\x1b[2J" not in shown


def test_where_nothing_is_offered_anything_goes(terminal: Terminal) -> None:
    form: dict[str, Json] = {"properties": {"why": {"type": "string"}}}
    request = HumanRequest(RequestKind.NODE_INPUT, "Go on?", (), form=form)
    assert decided(terminal, request, "onwards", "because")[0] == Decision("onwards", {"why": "because"})


@pytest.mark.parametrize(
    ("typed", "decision"),
    [(("raise", "500"), Decision("raise", {"max_tokens": 500})), (("finish",), Decision("finish", {}))],
)
def test_a_number_of_tokens_is_asked_for_only_when_there_are_to_be_more(
    terminal: Terminal, typed: tuple[str, ...], decision: Decision
) -> None:
    given, _ = decided(terminal, over_budget(100), *typed)
    assert given == decision
