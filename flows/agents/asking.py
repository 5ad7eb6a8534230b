"""How an agent is asked: the one way in."""

from functools import partial

from flows.agents.brief import Answer, Brief
from flows.agents.conversation import Conversation
from flows.agents.display import Display
from flows.agents.ledger import Ledger
from flows.agents.opening import opening_of
from flows.agents.own_tools import OwnTools
from flows.agents.recorded_model import RecordedModel
from flows.agents.toolset import LedgerToolset
from flows.agents.trail import Trail
from flows.context import VertexContext
from flows.models.choice import key_for
from flows.values import Source


async def ask_agent(brief: Brief, context: VertexContext) -> Answer:
    """What an agent answers. Ends the build when a person is to be asked.

    Every turn of the model and every result of a tool is kept in the context: a build that begins again goes on from
    there. Raises `ModelFailed`, `NoAnswer`, `BudgetUsedUp` and `CallUncertain`.
    """
    return await (await _conversation(brief, context)).answer()


async def _conversation(brief: Brief, context: VertexContext) -> Conversation:
    models, key = context.tools.models, key_for(brief.model, context)
    opening = await opening_of(brief, context)
    source = Source(context.vertex_id, context.surroundings.display_name, brief.model.name)
    display = Display(Trail(brief.asked.text), context, source, brief.shown_by)
    toolbox = OwnTools(context.toolbox, brief.own_tools, context.tools.clock)
    tools = {action.name: action for action in toolbox.actions(brief.tools)}
    explain = partial(models.explain, handle=brief.model, key=key)
    model = RecordedModel(models.model(brief.model, key), explain, context, display, opening.dump())
    return Conversation(
        brief, opening, model, LedgerToolset(tools, Ledger(context, toolbox, display, {})), display, context
    )
