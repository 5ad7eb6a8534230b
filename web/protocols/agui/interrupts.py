"""Where a run waits for people, in the words of AG-UI 1.0 (contract 4.6)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ag_ui.core import Interrupt

from web.protocols.agui.tool_calls import ToolCalls

PAUSED = "paused"
"""The reason of the interrupt that somebody ordered; its id is this and the job's."""


WireInterrupt: TypeAlias = Mapping[str, Any]


class OpenRequests:
    """The human requests of a run that nobody has answered."""

    def __init__(self) -> None:
        self._open: dict[str, Mapping[str, Any]] = {}

    def asked(self, payload: Mapping[str, Any]) -> None:
        """A `human_input_required`."""
        self._open[payload["request_id"]] = payload

    def closed(self, request_id: str) -> None:
        """Somebody has answered, or the time was over."""
        self._open.pop(request_id, None)

    def interrupts(self, calls: ToolCalls) -> Sequence[WireInterrupt]:
        """What the next run has to answer."""
        return [_interrupt(payload, calls) for payload in self._open.values()]


def paused(job_id: str) -> WireInterrupt:
    """A run that somebody lets go on."""
    return {
        "id": f"{PAUSED}:{job_id}",
        "reason": PAUSED,
        "message": "The run is paused until somebody lets it go on.",
    }


def _interrupt(payload: Mapping[str, Any], calls: ToolCalls) -> WireInterrupt:
    requests = payload.get("action_requests") or [{}]
    call_id = requests[0].get("id") if len(requests) == 1 else None
    found = Interrupt(
        id=payload["request_id"],
        reason=payload["kind"],
        message=payload["prompt"],
        tool_call_id=None if call_id is None else calls.id_of(call_id),
        response_schema=_schema(payload),
        expires_at=payload.get("deadline_at"),
        metadata={"penstock": payload},
    )
    return found.model_dump(by_alias=True)


def _schema(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The decision that `/resume` takes as well."""
    properties: dict[str, Any] = {
        "action_id": {"type": "string", "enum": payload["allowed_decisions"]},
        "values": payload.get("json_schema") or {"type": "object"},
    }
    if payload.get("takes_text"):
        properties["text"] = {"type": "string"}
    if len(payload.get("action_requests") or ()) < 2:
        return {"type": "object", "properties": properties, "required": ["action_id"]}
    each = {"type": "object", "properties": dict(properties), "required": ["action_id"]}
    properties["decisions"] = {
        "type": "array",
        "items": each,
        "description": "One for each call, instead of one for all.",
    }
    return {
        "type": "object",
        "properties": properties,
        "anyOf": [{"required": ["action_id"]}, {"required": ["decisions"]}],
    }
