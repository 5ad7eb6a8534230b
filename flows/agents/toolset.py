"""The tools of an agent as pydantic-ai sees them."""

from asyncio import Semaphore
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.exceptions import CallDeferred
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets.abstract import AbstractToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from flows.agents.ledger import Ledger
from flows.agents.recorded_model import storable_args
from flows.agents.trail import ToolCall
from flows.execution.nesting import HeldBackInside
from flows.human import NeedsDecision
from flows.tools import Action

MAX_RETRIES = 5
"""How often the model may call one tool with arguments that are no JSON object before the agent fails."""
MAX_PARALLEL = 8
"""Calls that are made at the same time (I10); each may be an agent that makes as many."""
_OBJECT = SchemaValidator(
    core_schema.no_info_after_validator_function(storable_args, core_schema.dict_schema(core_schema.str_schema()))
)


@dataclass
class LedgerToolset(AbstractToolset[None]):
    """Offers the actions to the model and makes its calls through the ledger. The arguments are checked where they
    meet the component."""

    tools: Mapping[str, Action]
    ledger: Ledger
    waiting: dict[str, NeedsDecision | HeldBackInside] = field(default_factory=dict)
    """By the ids of the calls that cannot go on in this pass, what ends the build for them."""
    slots: Semaphore = field(default_factory=lambda: Semaphore(MAX_PARALLEL))

    @property
    def id(self) -> str:
        return "vertices"

    async def get_tools(self, ctx: RunContext[None]) -> dict[str, ToolsetTool[None]]:
        return {
            name: ToolsetTool(
                toolset=self, tool_def=_definition(action), max_retries=MAX_RETRIES, args_validator=_OBJECT
            )
            for name, action in self.tools.items()
        }

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> str:
        """What the model is told. A question to a person waits until the other calls of the turn are made."""
        assert ctx.tool_call_id is not None, "a model's call has an id"
        call = ToolCall(ctx.tool_call_id, name, tool_args)
        try:
            async with self.slots:
                return await self.ledger.call(self.tools[name], call)
        except (NeedsDecision, HeldBackInside) as end:
            self.waiting[call.id] = end
            raise CallDeferred from None


def _definition(action: Action) -> ToolDefinition:
    return ToolDefinition(
        name=action.name,
        description=action.description,
        parameters_json_schema=dict(action.schema),
        kind="unapproved" if action.rulings else "function",
    )
