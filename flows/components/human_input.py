"""HumanInput: a person decides which way the flow goes on."""

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel, Field, field_validator, model_validator

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.forms import check_form
from flows.human import FALLBACK, Decision, HumanRequest, Option, RequestKind
from flows.text import to_text
from flows.values import Data, Json, Message

_SECONDS = {"minutes": 60.0, "hours": 3600.0, "days": 86400.0}
_LONGEST = 36_500 * 86_400.0
"""Seconds: a hundred years, which every calendar can add to any moment."""
VALUES = "values"
"""The output with what was given beside the decision. Added to the contract."""


class Duration(BaseModel):
    """A time as the editor has it; 0 is no limit."""

    value: float = Field(3, ge=0, allow_inf_nan=False)
    unit: str = "Days"

    @field_validator("unit")
    @classmethod
    def _is_known(cls, unit: str) -> str:
        if unit.lower() not in _SECONDS:
            raise ValueError("use Minutes, Hours or Days")
        return unit

    @model_validator(mode="after")
    def _ends_some_time(self) -> "Duration":
        if (self.seconds or 0.0) > _LONGEST:
            raise ValueError("use at most 36500 days; 0 is no limit")
        return self

    @property
    def seconds(self) -> float | None:
        return self.value * _SECONDS[self.unit.lower()] or None


class HumanInputFields(Inputs):
    prompt: Any = ""
    decisions: tuple[Text, ...] = ("Approve", "Reject")
    enable_fallback: bool = False
    timeout: Duration = Duration()
    form: Mapping[str, Any] | None = None
    takes_text: bool = False
    answerers: tuple[Text, ...] = ()

    @field_validator("form", mode="before")
    @classmethod
    def _from_text(cls, form: Any) -> Any:
        """A form may be written as a text of JSON; an empty one is none."""
        return (orjson.loads(form) if form.strip() else None) if isinstance(form, str) else form or None


class HumanInput(Component[HumanInputFields]):
    """Asks, and sends its prompt down the branch that was chosen. With nothing behind any branch it asks nobody."""

    types = ("HumanInput",)
    inputs = HumanInputFields
    asks_people = True
    outputs: ClassVar = {VALUES: Port(("Data", "JSON"))}

    def ports(self, fields: Mapping[str, Json]) -> Mapping[str, Port]:
        """A branch for each choice, one for the fallback when there is one, and the values."""
        labels = fields.get("decisions")
        choices = actions(labels if isinstance(labels, list) else HumanInputFields().decisions)
        names = [*choices, *([FALLBACK] if fields.get("enable_fallback") else [])]
        return {**{branch(name): Port(("Message",)) for name in names}, **self.outputs}

    async def build(self, inputs: HumanInputFields, context: VertexContext) -> Outputs:
        prompt = inputs.prompt if isinstance(inputs.prompt, Message) else Message(to_text(inputs.prompt))
        choices = actions(inputs.decisions)
        if not context.surroundings.leads_to:
            return {branch(next(iter(choices), FALLBACK)): prompt}
        if inputs.form is not None:
            check_form(inputs.form)
        decision = context.ask(_request(inputs, prompt.text, choices))
        if decision.action_id is None:
            return {}
        chosen = {branch(decision.action_id): prompt}
        return chosen if decision.action_id == FALLBACK else {**chosen, VALUES: Data(_given(decision))}


def branch(action_id: str) -> str:
    """The output that a choice sends the prompt down."""
    return f"branch_{action_id}"


def actions(labels: Any) -> dict[str, str]:
    """The label of each choice by its id: trimmed, in small letters, with `_` for spaces; the first of two alike."""
    choices: dict[str, str] = {}
    for label in labels:
        text = str(label).strip()
        if text:
            choices.setdefault(text.lower().replace(" ", "_"), text)
    return choices


def _request(inputs: HumanInputFields, prompt: str, choices: Mapping[str, str]) -> HumanRequest:
    return HumanRequest(
        kind=RequestKind.NODE_INPUT,
        prompt=prompt,
        options=tuple(Option(id, label) for id, label in choices.items()),
        has_fallback=inputs.enable_fallback,
        timeout_seconds=inputs.timeout.seconds,
        form=inputs.form,
        takes_text=inputs.takes_text,
        answerers=inputs.answerers,
    )


def _given(decision: Decision) -> dict[str, Json]:
    return {**decision.values, **({"text": decision.text} if decision.text else {})}
