"""Tools that an agent has by itself, without a vertex: it calculates, and it knows what day it is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.arithmetic import calculate, written
from flows.context import PreparedCall, Toolbox, VertexContext
from flows.effects import Effect
from flows.execution.inputs import InputsRefused
from flows.run import Clock
from flows.tools import Action
from flows.values import Json, Tool, Value

CALCULATE = Action(
    vertex_id="",
    name="evaluate_expression",
    description="Evaluates an arithmetic expression with + - * / // % ** and parentheses.",
    schema={"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]},
    output="",
)
CURRENT_DATE = Action(
    vertex_id="",
    name="get_current_date",
    description="Tells the current date and time in a timezone, UTC unless another is named.",
    schema={
        "type": "object",
        "properties": {"timezone": {"type": "string", "default": "UTC", "description": "As Europe/Berlin."}},
        "required": [],
    },
    output="",
)


@dataclass(frozen=True)
class OwnCall:
    """The `PreparedCall` of a tool without a vertex."""

    answer: Callable[[], str]
    effect: Effect = Effect.PURE

    async def make(self, context: VertexContext, call_id: str) -> Value:
        return self.answer()


@dataclass(frozen=True)
class OwnTools:
    """A `Toolbox` with the agent's own tools beside those of its graph, which stand before them."""

    graph: Toolbox
    own: Sequence[Action]
    clock: Clock

    def actions(self, tools: Iterable[Tool]) -> Sequence[Action]:
        found = self.graph.actions(tools)
        taken = {action.name for action in found}
        return [*found, *(action for action in self.own if action.name not in taken)]

    def prepare(self, action: Action, args: Mapping[str, Json]) -> PreparedCall:
        if action is CALCULATE:
            return OwnCall(lambda: written(calculate(_text(args, "expression"))))
        if action is CURRENT_DATE:
            return OwnCall(lambda: told_date(self.clock.now(), str(args.get("timezone") or "UTC")))
        return self.graph.prepare(action, args)


def told_date(now: datetime, timezone: str) -> str:
    """A moment in a timezone, as a person says it. Raises `InputsRefused`."""
    try:
        there = now.astimezone(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputsRefused(f"there is no timezone {timezone!r}") from None
    return f"{there:%A, %Y-%m-%d %H:%M:%S} {timezone}"


def _text(args: Mapping[str, Any], name: str) -> str:
    given = args.get(name)
    if not isinstance(given, str):
        raise InputsRefused(f"{name} must be a text")
    return given
