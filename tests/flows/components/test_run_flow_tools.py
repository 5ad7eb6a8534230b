"""RunFlow as a tool of an agent."""

from dataclasses import replace

import pytest

from flows.budget import Budget
from flows.errors import VertexFailed
from flows.execution.engine import Progress
from flows.human import Decision
from flows.models.defaults import ModelDefaults
from tests.flows.agents.hiring import AS_TOOL, agent_flow
from tests.flows.asking import Interview
from tests.flows.looping import WIDE
from tests.flows.running import tools
from tests.flows.shelf import ask, go_through, graph_of, shelf
from tests.flows.steps import step_type
from tests.making import edge, flow, node
from tests.model_wires import OPENAI, ToolUse
from tests.scripted_models import ScriptedModels
from tests.shapes import PLAIN, TEXT, Exported, Shape

ECHO_IN, ECHO_OUT = "ChatInput-a1~input_value", "ChatOutput-b1~message"


def flow_tool() -> Exported:
    """A node that lets an agent run the flow `steps`."""
    row = {
        "name": "run_steps",
        "args": {name: {"default": None} for name in ("ChatInput-i~input_value", "flow_tweak_data")},
        "tags": ["_resolve_flow_output__b__left"],
    }
    fields = {"flow_name_selected": PLAIN | {"value": "steps"}, "tools_metadata": {"type": "tools", "value": [row]}}
    return node("RunFlow", "run", shape=Shape("Run Flow", {**fields, "ChatInput-i~input_value": TEXT}, AS_TOOL))


def test_an_agent_runs_a_flow_and_waits_for_a_person_inside() -> None:
    """Each call is a run of its own, whose finished vertices do not run again. What it gives may stand together."""
    kinds = [step_type(ask)]
    inner, asks, shown = node("ChatInput", "ChatInput-i"), node("Step", "asks", shape=WIDE), node("ChatOutput", "o")
    end = node("Prompt", "end", template="{said}, {decided}", said="", decided="")
    edges = [edge(inner, "message", end, "said"), edge(asks, "left", end, "decided")]
    edges.append(edge(end, "prompt", shown, "input_value"))
    stored = shelf({"steps": flow([inner, asks, end, shown], edges)}, kinds)
    given = ({"ChatInput-i~input_value": "a"}, {"flow_tweak_data": {"ChatInput-i~input_value": "b"}})
    uses = [ToolUse("run_steps", one) for one in given]
    journal = Interview()
    with ScriptedModels([OPENAI.calls(*uses), OPENAI.says("done")]) as models:
        borrowed = tools(defaults=ModelDefaults("stub-model", models.url))

        def go_on() -> Progress:
            return go_through(graph_of(agent_flow(flow_tool()), kinds), stored, journal, borrowed=borrowed)

        assert go_on() is Progress.WAITING
        first, second = journal.askers
        for asker, action in ((second, "reject"), (first, "approve")):
            journal.answer(asker, Decision(action))
            progress = go_on()
        assert progress is Progress.DONE
        told = [one["content"] for one in models.requests[-1].body["messages"] if one["role"] == "tool"]
    assert told == ["a, asks approve", "b, asks reject"]
    assert len([id for id in journal.finished if id.endswith("/ChatInput-i")]) == len(models.requests) == 2


def test_somebody_who_stops_a_flow_that_an_agent_runs_stops_the_run() -> None:
    """It is no failed call, that the agent is told of and goes on from."""
    asked, asks, shown = node("ChatInput", "ChatInput-i"), node("LanguageModelComponent", "m"), node("ChatOutput", "o")
    edges = [edge(asked, "message", asks, "input_value"), edge(asks, "text_output", shown, "input_value")]
    stored, journal = shelf({"steps": flow([asked, asks, shown], edges)}), Interview()
    with ScriptedModels([OPENAI.calls(ToolUse("run_steps", {"ChatInput-i~input_value": "a"}))]) as models:

        def go_on() -> Progress:
            budget = Budget(journal.spent, 1)
            borrowed = replace(tools(defaults=ModelDefaults("stub-model", models.url)), budget=budget)
            return go_through(graph_of(agent_flow(flow_tool())), stored, journal, borrowed=borrowed)

        assert go_on() is Progress.WAITING
        [asker] = journal.askers
        assert asker.endswith("/m")
        journal.answer(asker, Decision("stop"))
        with pytest.raises(VertexFailed, match="somebody stopped it"):
            go_on()
    assert (len(models.requests), len(journal.askers)) == (1, 1)
