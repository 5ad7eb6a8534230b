"""ConditionalRouter (If-Else): one of two branches is taken."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import regex

from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.text import to_text
from flows.values import Message

REGEX_SECONDS = 1.0


class ConditionalRouterFields(Inputs):
    input_text: Any
    match_text: Text = ""
    operator: str = "equals"
    case_sensitive: bool = True
    true_case_message: Any = None
    false_case_message: Any = None


class ConditionalRouter(Component[ConditionalRouterFields]):
    """Compares two texts and passes its input, or the branch's own message, down one branch only."""

    types = ("ConditionalRouter",)
    inputs = ConditionalRouterFields
    outputs: ClassVar = {"true_result": Port(("Message",)), "false_result": Port(("Message",))}

    async def build(self, inputs: ConditionalRouterFields, context: VertexContext) -> Outputs:
        if _holds(to_text(inputs.input_text), inputs):
            return {"true_result": _message(inputs.true_case_message, inputs)}
        return {"false_result": _message(inputs.false_case_message, inputs)}


def _message(own: Any, inputs: ConditionalRouterFields) -> Message:
    chosen = own if own not in (None, "") else inputs.input_text
    return chosen if isinstance(chosen, Message) else Message(to_text(chosen))


def _holds(text: str, inputs: ConditionalRouterFields) -> bool:
    operator, match = inputs.operator, inputs.match_text
    if operator in _NUMERIC:
        return _NUMERIC[operator](_number(text), _number(match))
    if operator == "regex":
        return _matches(match, text)
    if operator not in _TEXTUAL:
        raise ValueError(f"unknown operator {operator!r}; use one of {', '.join((*_TEXTUAL, *_NUMERIC, 'regex'))}")
    if not inputs.case_sensitive:
        text, match = text.lower(), match.lower()
    return _TEXTUAL[operator](text, match)


_TEXTUAL: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda text, match: text == match,
    "not equals": lambda text, match: text != match,
    "contains": lambda text, match: match in text,
    "starts with": lambda text, match: text.startswith(match),
    "ends with": lambda text, match: text.endswith(match),
}

_NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    "less than": lambda text, match: text < match,
    "less than or equal": lambda text, match: text <= match,
    "greater than": lambda text, match: text > match,
    "greater than or equal": lambda text, match: text >= match,
}


def _number(text: str) -> float:
    """The text as a number; what is none compares as not a number, so that no numeric condition holds."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _matches(pattern: str, text: str) -> bool:
    """Whether the text begins with the pattern. The pattern may be anybody's: it gets a second, and no lock that other
    threads need, so that one made to take for ever fails its own vertex only."""
    try:
        return regex.match(pattern, text, timeout=REGEX_SECONDS, concurrent=True) is not None
    except regex.error as error:
        raise ValueError(f"the pattern {pattern!r} is not a regular expression: {error}") from None
    except TimeoutError:
        raise ValueError(f"the pattern {pattern!r} takes too long on this text; make it simpler") from None
