"""The calls of tools that an agent has made: each is made once, whatever happens to its worker (I6)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flows.agents.display import Display
from flows.agents.trail import ToolCall, ToolResult
from flows.budget import BudgetUsedUp
from flows.context import PreparedCall, Toolbox, VertexContext
from flows.effects import Effect
from flows.errors import EffectUncertain, FlowError, reason_of
from flows.execution.recovery import DONE, FAIL, RETRY, VALUE
from flows.human import HumanRequest, NeedsDecision, Option, RequestKind
from flows.text import storable, to_text
from flows.tools import Action
from flows.values import Json

MAX_RESULT = 200_000
"""Characters of an answer that the model is told."""


class NotApproved(FlowError):
    """A call needs approval and is not one that somebody has approved."""


class CallUncertain(FlowError):
    """A call was cut off, nobody knows whether it took effect, and somebody decided that the run fails."""

    def __init__(self, action: Action) -> None:
        super().__init__(
            f"its worker was lost while its call of {action.name} ({action.vertex_id}) did what must not happen twice, "
            "and somebody decided that the run fails."
        )


@dataclass(frozen=True)
class Ledger:
    """Makes the calls of one agent and keeps their results. Price: a transaction for each call, and another one before
    a call that must not happen twice."""

    context: VertexContext
    toolbox: Toolbox
    display: Display
    approved: dict[str, Mapping[str, Json]]
    """By the ids of the calls that somebody has approved: the arguments that they are made with."""

    async def call(self, action: Action, call: ToolCall) -> str:
        """What the model is told: the kept result, else that of the call, or why it failed.

        Raises `NeedsDecision` when a person is to be asked first.
        """
        kept = self.context.kept(call.id)
        if kept is not None:
            result = ToolResult.load(kept)
            self.display.trail.answered(call, result)
            return result.text
        clock = self.context.tools.clock.monotonic
        began = clock()
        self.display.told(call)
        result = replace(await self._made(action, call), seconds=clock() - began)
        self.display.told(call, result)
        self.display.trail.answered(call, result)
        self.context.keep(call.id, result.dump(), self.display.events())
        return result.text

    async def _made(self, action: Action, call: ToolCall) -> ToolResult:
        args = call.args
        if action.rulings:
            if call.id not in self.approved:
                raise NotApproved(f"{call.name} was called without approval.")
            args = self.approved[call.id]
        try:
            prepared = self.toolbox.prepare(action, args)
            if prepared.effect is Effect.ONCE:
                return await self._made_once(prepared, action, call)
            return _result(to_text(await prepared.make(self.context, call.id)))
        except (Exception, SystemExit) as error:
            if _ends_the_run(error):
                raise
            why = self.context.tools.struck(reason_of(error))
            return _result(f"{action.name} failed: {why}", failed=True)

    async def _made_once(self, prepared: PreparedCall, action: Action, call: ToolCall) -> ToolResult:
        tries = self._tries(call)
        if tries and not self._has_asked(call, tries):
            told = self.context.ask(_uncertain(action, call, self.context.scope, tries))
            if told.action_id == FAIL:
                raise CallUncertain(action)
            if told.action_id == DONE:
                return _result(to_text(told.values.get(VALUE)))
        self.context.keep(_begun(call, tries + 1), True, durable=True)
        try:
            return _result(to_text(await prepared.make(self.context, call.id)))
        except NeedsDecision:
            # A component that must not run twice asks before it acts.
            self.context.keep(f"{_begun(call, tries + 1)}_asked", True)
            raise

    def _tries(self, call: ToolCall) -> int:
        """How often the call was begun."""
        tries = 0
        while self.context.kept(_begun(call, tries + 1)) is not None:
            tries += 1
        return tries

    def _has_asked(self, call: ToolCall, number: int) -> bool:
        """Whether a try ended with a question, before it did anything."""
        return self.context.kept(f"{_begun(call, number)}_asked") is not None


def _begun(call: ToolCall, number: int) -> str:
    return f"begun_{call.id}_{number}"


def _result(text: str, *, failed: bool = False) -> ToolResult:
    whole = text if len(text) <= MAX_RESULT else f"{text[:MAX_RESULT]}\n(The rest is left out.)"
    return ToolResult(storable(whole), failed)


def _ends_the_run(error: BaseException | None) -> bool:
    """Whether somebody decided, in an agent or a flow that is called as a tool, that the whole run ends."""
    while error is not None:
        if isinstance(error, BudgetUsedUp | CallUncertain | EffectUncertain):
            return True
        error = error.__cause__
    return False


def _uncertain(action: Action, call: ToolCall, scope: str, tries: int) -> HumanRequest:
    """Asks what became of a call that was cut off. Which one it is stands in it, for each is asked about by itself."""
    return HumanRequest(
        kind=RequestKind.UNCERTAIN_EFFECT,
        prompt=f"The agent's call of {action.name} ({scope}{call.id}, try {tries}) was interrupted while it did what "
        "must not happen twice, and may have taken effect. Look at what it did. Then let it run again, or say that it "
        "was done, and what it answered.",
        options=(Option(RETRY, "Run it again"), Option(DONE, "It was done"), Option(FAIL, "Fail the run")),
        form={"type": "object", "properties": {VALUE: {}}},
    )
