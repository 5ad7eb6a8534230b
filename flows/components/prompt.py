"""Prompt: a template whose `{name}` variables are fields of their own."""

import re
from typing import Any, ClassVar

from pydantic import ConfigDict

from flows.component import Component, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.text import fill, to_text
from flows.values import Message

_SINGLE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_DOUBLE = re.compile(r"\{\{([^{}]+)\}\}")


class PromptFields(Inputs):
    model_config = ConfigDict(extra="allow")

    template: str = ""
    use_double_brackets: bool = False

    @property
    def variables(self) -> dict[str, Any]:
        return self.model_extra or {}


class Prompt(Component[PromptFields]):
    """Fills its template. A variable without a value is empty; outside double-bracket mode `{{` is a brace."""

    types = ("Prompt", "Prompt Template")
    inputs = PromptFields
    outputs: ClassVar = {"prompt": Port(("Message",))}

    async def build(self, inputs: PromptFields, context: VertexContext) -> Outputs:
        pattern = _DOUBLE if inputs.use_double_brackets else _SINGLE
        return {"prompt": Message(fill(inputs.template, pattern, lambda found: _replacement(found, inputs)))}


def _replacement(found: re.Match[str], inputs: PromptFields) -> str:
    if found[1] is None:
        return found[0][0]
    return to_text(inputs.variables.get(found[1].strip()))
