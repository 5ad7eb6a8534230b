"""RunFlow: another flow, as a vertex of this one."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from flows.components.run_flow import put_out
from flows.errors import FlowRefused, VertexFailed
from flows.events import EventType
from flows.execution.engine import Engine, Progress
from flows.human import Decision
from flows.models.defaults import ModelDefaults
from flows.values import LanguageModel
from tests.flows.agents.hiring import AS_TOOL, agent_flow
from tests.flows.asking import Interview
from tests.flows.looping import WIDE, said
from tests.flows.running import STEADY, RecordingJournal, request, tools
from tests.flows.shared import from_palette
from tests.flows.shelf import Shelf, around, ask, go_through, graph_of, run_flow, shelf, tell
from tests.flows.steps import PATIENCE, Work, step_type
from tests.making import echo_flow, edge, flow, loop_edge, model_flow, node, router_flow
from tests.model_stub import INPUT_TOKENS, ModelStub
from tests.model_wires import OPENAI, ToolUse
from tests.scripted_models import ScriptedModels
from tests.shapes import PLAIN, TEXT, Exported, Shape

ECHO_IN, ECHO_OUT = "ChatInput-a1~input_value", "ChatOutput-b1~message"


def ran(
    exported: Exported, stored: Shelf, work: Work = tell, journal: RecordingJournal | None = None
) -> RecordingJournal:
    """One pass over a flow to its end."""
    journal = journal or RecordingJournal()
    assert go_through(graph_of(exported, [step_type(work)]), stored, journal) is Progress.DONE
    return journal


def test_what_is_brought_goes_into_the_other_flow_and_what_that_shows_comes_out() -> None:
    runs = run_flow("run", "echo", [ECHO_IN], [ECHO_OUT])
    journal = ran(around(runs, ECHO_IN, ECHO_OUT), shelf({"echo": echo_flow()}))
    assert said(journal.outputs("out")["left"]) == "out(in())"
    assert journal.finished == ["in", "run/1/ChatInput-a1", "run/1/ChatOutput-b1", "run", "out"]


def test_its_messages_and_outputs_are_not_those_of_the_flow_around_it() -> None:
    """Its vertices are told of under their own ids."""
    journal = ran(around(run_flow("run", "echo", [ECHO_IN], **{ECHO_IN: "hi"})), shelf({"echo": echo_flow()}))
    assert (journal.messages, journal.of_type(EventType.ADD_MESSAGE)) == ([], [])
    assert [event.data["component_id"] for event in journal.of_type(EventType.OUTPUT)] == ["run"]
    ends = [event.data["build_data"]["id"] for event in journal.of_type(EventType.END_VERTEX)]
    assert ends == ["run/1/ChatInput-a1", "run/1/ChatOutput-b1", "run"]


@pytest.mark.parametrize(("text", "out"), [("yes", "ChatOutput-yes"), ("other", "ChatOutput-no")])
def test_an_output_that_the_other_flow_did_not_come_to_is_a_branch_not_taken(text: str, out: str) -> None:
    outputs = ["ChatOutput-yes~message", "ChatOutput-no~message"]
    runs = run_flow("run", "router", [ECHO_IN], outputs, **{ECHO_IN: text})
    ends = [node("Step", name, shape=WIDE) for name in ("ChatOutput-yes", "ChatOutput-no")]
    edges = [edge(runs, output, end, "x") for output, end in zip(outputs, ends, strict=True)]
    journal = ran(flow([runs, *ends], edges), shelf({"router": router_flow()}))
    assert journal.finished[-1] == out


def test_the_hidden_id_stands_before_the_name() -> None:
    exported = from_palette("RunFlow.json", "run", flow_id_selected="echo", flow_name_selected="other")
    stored = shelf({"echo": echo_flow(), "other": router_flow()})
    assert "run/1/ChatOutput-b1" in ran(flow([exported]), stored).finished


def test_a_flow_runs_for_each_item_of_a_loop() -> None:
    """Each time anew."""
    first, loop = node("Step", "in", shape=WIDE), node("LoopComponent", "loop")
    runs = run_flow("run", "echo", outputs=[ECHO_OUT])
    runs["data"]["node"]["template"][ECHO_IN] = {"type": "other", "input_types": ["Data"], "value": "", "show": True}
    edges = [
        edge(first, "right", loop, "data"), edge(loop, "item", runs, ECHO_IN), loop_edge(runs, ECHO_OUT, loop, "item")
    ]  # fmt: skip
    journal = ran(flow([first, loop, runs], edges), shelf({"echo": echo_flow()}))
    table = journal.results[-1].outputs["done"]
    assert said(table).count('"n"') == 2
    assert [id for id in journal.finished if id.endswith("b1")] == ["run/1/ChatOutput-b1", "run/2/ChatOutput-b1"]


def test_flows_nest() -> None:
    middle = around(run_flow("inner", "echo", [ECHO_IN], [ECHO_OUT]), ECHO_IN, ECHO_OUT)
    stored = shelf({"echo": echo_flow(), "middle": middle}, [step_type(tell)])
    journal = ran(around(run_flow("run", "middle", [], ["out~left"]), "", "out~left"), stored)
    assert said(journal.outputs("out")["left"]) == "out(out(in()))"
    assert "run/1/inner/1/ChatInput-a1" in journal.finished


def test_what_a_model_inside_says_is_streamed_to_nobody_and_counts() -> None:
    """Into the chat of a flow comes what that flow shows."""
    with ModelStub() as stub:
        stored = shelf({"asks": model_flow(stub.url)})
        exported = flow([run_flow("run", "asks", ["ChatInput-a1~input_value"], **{"ChatInput-a1~input_value": "hi"})])
        journal = RecordingJournal()
        assert go_through(graph_of(exported), stored, journal) is Progress.DONE
    shown = [journal.of_type(kind) for kind in (EventType.TOKEN, EventType.ADD_MESSAGE)]
    assert (shown, journal.messages, journal.spent) == ([[], []], [], INPUT_TOKENS + 3)


def test_a_model_does_not_leave_its_flow() -> None:
    """Its key is read from the fields of its vertex, which nothing outside has."""
    graph, model = graph_of(echo_flow()), LanguageModel("m", "a-model", "https://host")
    assert put_out(graph, {"ChatOutput-b1": {"message": model}}) == {}
    assert put_out(graph, {"ChatOutput-b1": {"message": "a"}}) == {"ChatOutput-b1~message": "a", "flow_output": "a"}


def test_the_flow_inside_looks_up_its_own_variables() -> None:
    """Not those of the flow around it."""
    inner, answered = node("ChatInput", "i", input_value="NAMED"), node("ChatOutput", "o")
    inner["data"]["node"]["template"]["input_value"]["load_from_db"] = True
    stored = shelf(
        {"named": flow([inner, answered], [edge(inner, "message", answered, "input_value")])}, NAMED="theirs"
    )
    journal = RecordingJournal()
    graph = graph_of(around(run_flow("run", "named", [], ["o~message"]), "", "o~message"), [step_type(tell)])
    assert go_through(graph, stored, journal, {"NAMED": "ours"}) is Progress.DONE
    assert said(journal.outputs("out")["left"]) == "out(theirs)"


WRONG: Mapping[str, tuple[Exported, str]] = {
    "none selected": (run_flow("run", ""), "no flow is selected. Select one in the field Flow Name."),
    "an unknown one": (run_flow("run", "gone"), "There is no flow 'gone' that may be run here."),
    "an unknown input": (
        run_flow("run", "echo", ["x~input_value"], **{"x~input_value": "a"}),
        "the flow that is run has no input 'x~input_value'. Select the flow again.",
    ),
    "a field of what is no input": (
        run_flow("run", "echo", ["ChatOutput-b1~input_value"], **{"ChatOutput-b1~input_value": "a"}),
        "the flow that is run has no input 'ChatOutput-b1~input_value'.",
    ),
    "itself": (run_flow("run", "itself"), "'itself' would run inside itself."),
    "ids with a slash": (run_flow("run", "slashed"), "the node id 'a/b' has a '/' in it."),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_cannot_run_is_refused_with_its_reason(fault: str) -> None:
    exported, reason = WRONG[fault]
    stored = shelf({
        "echo": echo_flow(),
        "itself": flow([run_flow("again", "itself")]),
        "slashed": flow([node("ChatInput", "a/b")]),
    })  # fmt: skip
    with pytest.raises(VertexFailed) as caught:
        go_through(graph_of(flow([exported])), stored, RecordingJournal())
    assert reason in caught.value.reason


def test_flows_are_so_deep_inside_each_other_at_most() -> None:
    """I10."""
    chain = {f"f{depth}": flow([run_flow("r", f"f{depth + 1}")]) for depth in range(9)} | {"f9": echo_flow()}
    go_through(graph_of(flow([run_flow("r", "f2")])), shelf(chain), RecordingJournal())
    with pytest.raises(VertexFailed, match="'f9' would be more than 8 flows deep inside others"):
        go_through(graph_of(flow([run_flow("r", "f1")])), shelf(chain), RecordingJournal())


def test_a_flow_that_runs_another_has_no_id_that_one_inside_might_have() -> None:
    with pytest.raises(FlowRefused, match="the node id 'run/1/a' must have no '/' in it"):
        graph_of(flow([run_flow("run", "echo"), node("ChatInput", "run/1/a")]))


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
        graph = graph_of(agent_flow(flow_tool()), kinds)

        def go_on() -> Progress:
            borrowed = replace(tools(defaults=ModelDefaults("stub-model", models.url)), flows=stored)
            past = (journal.dialogues, journal.stored_checkpoints)
            engine = Engine(graph, request(), borrowed, journal, STEADY, *past)

            async def passed() -> Progress:
                try:
                    return await engine.run(engine.restore(journal.results))
                finally:
                    await borrowed.outbound.close()

            return asyncio.run(asyncio.wait_for(passed(), PATIENCE))

        assert go_on() is Progress.WAITING
        first, second = journal.askers
        for asker, action in ((second, "reject"), (first, "approve")):
            journal.answer(asker, Decision(action))
            progress = go_on()
        assert progress is Progress.DONE
        told = [one["content"] for one in models.requests[-1].body["messages"] if one["role"] == "tool"]
    assert told == ["a, asks approve", "b, asks reject"]
    assert len([id for id in journal.finished if id.endswith("/ChatInput-i")]) == len(models.requests) == 2
