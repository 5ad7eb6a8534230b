"""Calls of tools that a person decides on before they are made (contract 4.1 and 4.2)."""

from collections.abc import Mapping, Sequence

from pydantic_ai import DeferredToolRequests, DeferredToolResults, ToolApproved, ToolDenied

from flows.agents.trail import ToolCall, ToolResult
from flows.context import VertexContext
from flows.deciding import RuledCall, Ruling, rule
from flows.human import ActionRequest, HumanRequest, Option, RequestKind
from flows.tools import Action

REJECTED = "A person has rejected this call"


def ask_for_approval(
    calls: Sequence[ToolCall], actions: Mapping[str, Action], context: VertexContext
) -> list[RuledCall]:
    """What a person has decided on some calls, in their order. Ends the build until they have."""
    request = _request(calls, actions, context.scope)
    return rule(request, context.ask(request))


def results_of(
    requests: DeferredToolRequests, calls: Sequence[ToolCall], ruled: Sequence[RuledCall]
) -> DeferredToolResults:
    """The decisions as the agent takes them."""
    decided = {call.id: _decided(one) for call, one in zip(calls, ruled, strict=True)}
    return requests.build_results(approvals=decided)


def is_made(ruled: RuledCall) -> bool:
    """Whether the call is to be made."""
    return ruled.ruling in (Ruling.APPROVE, Ruling.EDIT)


def told_instead(ruled: RuledCall) -> ToolResult:
    """What the model is told in the place of a call that is not made."""
    if ruled.ruling is Ruling.RESPOND:
        return ToolResult(ruled.message)
    return ToolResult(f"{REJECTED}: {ruled.message}" if ruled.message else f"{REJECTED}.", failed=True)


def _request(calls: Sequence[ToolCall], actions: Mapping[str, Action], scope: str) -> HumanRequest:
    offered = [ruling for ruling in Ruling if any(ruling in actions[call.name].rulings for call in calls)]
    names = ", ".join(dict.fromkeys(call.name for call in calls))
    return HumanRequest(
        kind=RequestKind.TOOL_APPROVAL,
        prompt=f"The agent wants to call {names}.",
        options=tuple(Option(ruling, ruling.capitalize()) for ruling in offered),
        action_requests=tuple(
            ActionRequest(
                call.name, call.args, actions[call.name].description, f"{scope}{call.id}", actions[call.name].rulings
            )
            for call in calls
        ),
    )


def _decided(ruled: RuledCall) -> ToolApproved | ToolDenied:
    if not is_made(ruled):
        return ToolDenied(told_instead(ruled).text)
    return ToolApproved(override_args=dict(ruled.args) if ruled.ruling is Ruling.EDIT else None)
