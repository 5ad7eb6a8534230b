"""What a vertex may ask a person, and what the person decides (contract section 4)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from flows.values import Json

FALLBACK = "fallback"
"""The action that is taken when nobody decides in time; it may be decided, and is not offered."""
REMINDER_SHARE = 0.8
"""After how much of its time a request that nobody has answered is brought to mind."""


class RequestKind(StrEnum):
    """What is asked."""

    NODE_INPUT = "node_input"
    """Which way the flow goes on."""
    TOOL_APPROVAL = "tool_approval"
    """Whether certain calls of tools may be made."""
    UNCERTAIN_EFFECT = "uncertain_effect"
    """What became of something that must not happen twice (rule 6)."""
    BUDGET = "budget"
    """Whether a run that has used up its tokens may use more."""


@dataclass(frozen=True)
class Option:
    """One way to decide."""

    action_id: str
    label: str

    def dump(self) -> dict[str, Json]:
        return {"action_id": self.action_id, "label": self.label}


@dataclass(frozen=True)
class ActionRequest:
    """One call of a tool that waits for approval, as it would be made."""

    name: str
    args: Mapping[str, Json]
    description: str = ""
    id: str = ""
    """Which call it is, among all that its vertex makes."""
    allowed: tuple[str, ...] = ()
    """The decisions that may be taken on this call; none given means all that are offered."""

    def dump(self) -> dict[str, Json]:
        told: dict[str, Json] = {"name": self.name, "args": dict(self.args), "description": self.description}
        if self.id:
            told["id"] = self.id
        if self.allowed:
            told["allowed_decisions"] = list(self.allowed)
        return told


@dataclass(frozen=True)
class HumanRequest:
    """One question to a person.

    `timeout_seconds` None waits for ever. `form` is a JSON Schema of the values that are to be given with the decision.
    `answerers` are the names of users who may answer; nobody named means the owner of the job.
    """

    kind: RequestKind
    prompt: str
    options: tuple[Option, ...]
    has_fallback: bool = False
    timeout_seconds: float | None = None
    form: Mapping[str, Json] | None = None
    takes_text: bool = False
    answerers: tuple[str, ...] = ()
    action_requests: tuple[ActionRequest, ...] = ()
    call: str = ""
    """In which call of a tool it is asked, among all that its vertex makes; two that ask the same are two questions."""

    @property
    def allowed_decisions(self) -> list[str]:
        offered = [option.action_id for option in self.options]
        return [*offered, FALLBACK] if self.has_fallback and FALLBACK not in offered else offered

    @property
    def fallback_action(self) -> str | None:
        return FALLBACK if self.has_fallback else None

    @property
    def digest(self) -> str:
        """What binds a decision to exactly what was shown: for an approval, to the tools and their arguments."""
        content = orjson.dumps(self._content(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(content).hexdigest()

    def payload(self, request_id: str, asked_at: datetime) -> dict[str, Any]:
        """The payload of `human_input_required` (contract 4.2), and what is added to it: the form, the deadline, who
        may answer. Tool approvals have no time limit."""
        times: dict[str, Any] = {}
        if self.kind is not RequestKind.TOOL_APPROVAL:
            times = {
                "timeout_seconds": _whole(self.timeout_seconds or 0),
                "fallback_action": self.fallback_action,
                "paused_at": asked_at.isoformat(),
                "deadline_at": self._deadline(asked_at),
            }
        return {"request_id": request_id, **self._content(), **times}

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = {
            "kind": self.kind,
            "prompt": self.prompt,
            "options": [option.dump() for option in self.options],
            "allowed_decisions": self.allowed_decisions,
            "takes_text": self.takes_text,
            "answerers": list(self.answerers),
        }
        if self.call:
            content["call"] = self.call
        if self.form is not None:
            content |= {"schema": form_fields(self.form), "json_schema": dict(self.form)}
        if self.action_requests:
            content["action_requests"] = [call.dump() for call in self.action_requests]
        return content

    def _deadline(self, asked_at: datetime) -> str | None:
        if not self.timeout_seconds:
            return None
        return (asked_at + timedelta(seconds=self.timeout_seconds)).isoformat()


def _whole(seconds: float) -> float:
    """Seconds without a fraction where there is none, as Langflow tells them."""
    return int(seconds) if seconds == int(seconds) else seconds


def form_fields(form: Mapping[str, Any]) -> list[dict[str, Json]]:
    """The fields of a form as Langflow's pages draw them: `{name, required}`."""
    required = form.get("required") or []
    return [{"name": name, "required": name in required} for name in form.get("properties") or {}]


@dataclass(frozen=True)
class Decision:
    """What a person decided. `action_id` is None when nobody did in time and nothing stands in for them."""

    action_id: str | None
    values: Mapping[str, Json] = field(default_factory=dict)
    text: str = ""
    decisions: tuple["Decision", ...] = ()
    """One for each of the calls that were to be approved, instead of one for all."""

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Decision":
        """A decision from the JSON that it is sent and stored as."""
        return cls(
            action_id=stored.get("action_id"),
            values=stored.get("values") or {},
            text=stored.get("text") or "",
            decisions=tuple(cls.load(one) for one in stored.get("decisions") or ()),
        )

    def dump(self) -> dict[str, Json]:
        dumped: dict[str, Json] = {"action_id": self.action_id, "values": dict(self.values)}
        if self.text:
            dumped["text"] = self.text
        if self.decisions:
            dumped["decisions"] = [one.dump() for one in self.decisions]
        return dumped


class NeedsDecision(BaseException):
    """A vertex cannot go on until somebody has decided: control flow, not an error.

    A `BaseException`, so that no component can catch it by mistake. If you caught it, let it rise: the vertex is built
    again when the decision is there.
    """

    def __init__(self, request: HumanRequest) -> None:
        self.request = request
        super().__init__(request.prompt)
