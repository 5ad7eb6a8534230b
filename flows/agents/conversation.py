"""An agent at work: it asks its model and makes its calls by turns, until there is an answer.

A build that begins again goes through the same conversation. What the model has said and the tools have answered is
kept, so that it comes, asking and calling nobody, to where it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Self

import orjson
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, StructuredDict, ToolOutput, UsageLimits
from pydantic_ai.exceptions import UnexpectedModelBehavior, UsageLimitExceeded
from pydantic_ai.run import AgentRunResult
from pydantic_ai.settings import ModelSettings

from flows.agents.approvals import ask_for_approval, is_made, results_of, told_instead
from flows.agents.brief import Answer, Brief
from flows.agents.display import Display
from flows.agents.opening import Opening, prompt_of
from flows.agents.recorded_model import OutOfTokens, RecordedModel, tool_call
from flows.agents.toolset import LedgerToolset
from flows.budget import OUT_OF_TOKENS
from flows.context import VertexContext
from flows.errors import FlowError

RETRIES = 3
"""How often the model may call a tool that does not exist, or answer in another form, before the agent fails."""


class NoAnswer(FlowError):
    """The agent came to no answer."""

    @classmethod
    def after(cls, turns: int) -> Self:
        return cls(f"there is no answer after {turns} turns of the model. Raise `max_iterations` or ask for less.")


class NoProgress(NoAnswer):
    """The model goes on doing what it was told that it cannot do."""

    def __init__(self, model: str, said: str) -> None:
        super().__init__(
            f"the model {model!r} comes to no answer: it repeats what does not work, or says nothing. Describe the "
            f"tools and the task more clearly, or choose a more capable model. ({said.split('. ')[0]})"
        )


@dataclass
class Conversation:
    """One agent's conversation with its model and its tools."""

    brief: Brief
    opening: Opening
    model: RecordedModel
    toolset: LedgerToolset
    display: Display
    context: VertexContext

    async def answer(self) -> Answer:
        """The agent's answer. Ends the build when a person is to be asked.

        Raises `NoAnswer`, `BudgetUsedUp`, `CallUncertain` and `ModelFailed`.
        """
        agent: Agent[None, Any] = Agent(
            self.model,
            output_type=[self._form, DeferredToolRequests],
            instructions=self.opening.instructions or None,
            toolsets=[self.toolset],
            model_settings=ModelSettings(max_tokens=self.brief.max_tokens) if self.brief.max_tokens else None,
            retries=RETRIES,
        )
        try:
            return self._told((await self._run(agent)).output)
        except OutOfTokens:
            return self._told(None)
        except UsageLimitExceeded:
            raise NoAnswer.after(self.brief.max_turns) from None
        except UnexpectedModelBehavior as error:
            raise NoProgress(self.brief.model.name, error.message) from error

    @property
    def _form(self) -> Any:
        if self.brief.schema is None:
            return str
        name = next(name for name in _answer_names() if name not in self.toolset.tools)
        return ToolOutput(StructuredDict(dict(self.brief.schema), name=name), name=name)

    async def _run(self, agent: Agent[None, Any]) -> AgentRunResult[Any]:
        limits = UsageLimits(request_limit=self.brief.max_turns)
        prompt = await prompt_of(self.brief.asked, self.context)
        result = await agent.run(prompt, message_history=self.opening.messages, usage_limits=limits)
        while isinstance(result.output, DeferredToolRequests):
            decided = self._decided(result.output)
            result = await agent.run(
                message_history=result.all_messages(),
                deferred_tool_results=decided,
                usage=result.usage,
                usage_limits=limits,
            )
        return result

    def _decided(self, waiting: DeferredToolRequests) -> DeferredToolResults:
        """What people have decided on the calls that wait for them. Ends the build until they have."""
        for part in waiting.calls:
            raise self.toolset.waiting[part.tool_call_id]
        calls = [tool_call(part) for part in waiting.approvals]
        ruled = ask_for_approval(calls, self.toolset.tools, self.context)
        for call, one in zip(calls, ruled, strict=True):
            if is_made(one):
                self.toolset.ledger.approved[call.id] = one.args
            else:
                self.display.trail.answered(call, told_instead(one))
        return results_of(waiting, calls, ruled)

    def _told(self, output: Any) -> Answer:
        """The answer, from the text or record that the agent came to; None when it had to end before."""
        record = output if isinstance(output, dict) else None
        if output is None:
            text = self.model.last_text or OUT_OF_TOKENS
        else:
            text = output if record is None else orjson.dumps(record).decode()
        self.display.trail.ended(text)
        return Answer(text, record, self.display.trail.blocks, self.model.usage)


def _answer_names() -> Iterator[str]:
    """Names for the tool by which a structured answer is given, of which one is no other tool's."""
    yield "answer"
    yield from (f"answer_{number}" for number in count(2))
