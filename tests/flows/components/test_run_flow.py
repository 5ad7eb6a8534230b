"""RunFlow: another flow, as a vertex of this one."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from flows.component import Outputs
from flows.components.run_flow import put_out
from flows.context import VertexContext
from flows.errors import FlowRefused, VertexFailed
from flows.events import EventType
from flows.execution import nesting
from flows.execution.engine import Progress
from flows.knowledge import Chunk
from flows.values import LanguageModel, Message
from tests.flows.knowing import Shelf as Knowing
from tests.flows.looping import WIDE, loop_flow, said
from tests.flows.remembering import SESSION, Session, says
from tests.flows.running import RecordingJournal, tools
from tests.flows.shared import from_palette
from tests.flows.shelf import Shelf, around, go_through, graph_of, run_flow, shelf, tell
from tests.flows.steps import StepFields, Work, step_type
from tests.making import echo_flow, edge, flow, loop_edge, model_flow, node, router_flow
from tests.model_stub import INPUT_TOKENS, ModelStub
from tests.shapes import Exported

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


def test_a_flow_of_somebody_else_knows_nothing_of_whoever_runs_it() -> None:
    """Neither their knowledge nor what was said in the session: its owner decides where it sends what it finds."""
    known, seen = Knowing(), []

    async def look(inputs: StepFields, context: VertexContext) -> Outputs:
        base = await context.tools.knowledge.base("docs")
        said = await context.tools.memory.recall(SESSION, 10)
        seen.append((context.vertex_id.rpartition("/")[-1], base is not None, len(said)))
        return {"left": Message("")}

    kinds = [step_type(look)]
    asyncio.run(known.add("docs", "an-embedder", [Chunk("one", "one", {}, bytes(8))]))
    middle = around(run_flow("inner", "steps", [], ["end~left"]), "", "end~left")
    stored = shelf({"steps": loop_flow("start > end"), "middle": middle}, kinds)
    graph = graph_of(around(run_flow("run", "middle", [], ["out~left"]), "", "out~left"), kinds)
    borrowed = replace(tools(), knowledge=known, memory=Session(says("hello")))
    assert go_through(graph, stored, RecordingJournal(), borrowed=borrowed) is Progress.DONE
    stored.given = {"is_own": False, "shares_session": False}
    assert go_through(graph, stored, RecordingJournal(), borrowed=borrowed) is Progress.DONE
    own, of_another = seen[:4], seen[4:]
    assert own == [("start", True, 1), ("end", True, 1), ("out", True, 1), ("out", True, 1)]
    assert of_another == [("start", False, 0), ("end", False, 0), ("out", False, 0), ("out", True, 1)]


def test_what_may_not_be_seen_of_a_flow_inside_is_not_told() -> None:
    """Neither its vertices, nor what they log, nor why it fails; what it shows is told (contract 6.5)."""

    async def work(inputs: StepFields, context: VertexContext) -> Outputs:
        context.log("a secret")
        if context.vertex_id.endswith("fails"):
            raise ValueError("a secret")
        return {"left": Message("shown")}

    kinds = [step_type(work)]
    middle = around(run_flow("inner", "steps", [], ["end~left"]), "", "end~left")
    stored = shelf({"steps": loop_flow("start > end"), "middle": middle, "broken": loop_flow("fails > end")}, kinds)
    stored.given = {"is_told": False}
    journal = RecordingJournal()
    graph = graph_of(around(run_flow("run", "middle", [], ["out~left"]), "", "out~left"), kinds)
    assert go_through(graph, stored, journal) is Progress.DONE
    ends = [event.data["build_data"]["id"] for event in journal.of_type(EventType.END_VERTEX)]
    assert ends == ["run", "out"]
    assert [event.data["component_id"] for event in journal.of_type(EventType.LOG)] == ["out"]
    assert said(journal.outputs("out")["left"]) == "shown"
    with pytest.raises(VertexFailed) as caught:
        go_through(graph_of(flow([run_flow("run", "broken")])), stored, RecordingJournal())
    assert caught.value.reason == "The flow 'broken' failed. Its owner can see why by running it."


def test_a_flow_that_may_not_be_changed_is_only_said_something_to() -> None:
    """What guards the rest of it stands as it is stored (fault F1); a field that is given as it is changes nothing."""
    inner, guard = node("ChatInput", "ChatInput-i"), node("TextInput", "guard", input_value="safe")
    end = node("Prompt", "end", template="{a} {b}", a="", b="")
    edges = [edge(inner, "message", end, "a"), edge(guard, "text", end, "b")]
    stored = shelf({"guarded": flow([inner, guard, end], edges)})
    stored.given = {"takes_fields": False}

    def answer(**fields: str) -> str:
        runs = run_flow("run", "guarded", list(fields), ["end~prompt"], **fields)
        journal = RecordingJournal()
        graph = graph_of(around(runs, "", "end~prompt"), [step_type(tell)])
        assert go_through(graph, stored, journal) is Progress.DONE
        return said(journal.outputs("out")["left"])

    assert answer(**{"ChatInput-i~input_value": "hi", "guard~input_value": "safe"}) == "out(hi safe)"
    with pytest.raises(VertexFailed, match="'guard~input_value' of the flow that is run may not be filled in"):
        answer(**{"guard~input_value": "http://elsewhere"})


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


def test_so_many_vertices_run_inside_others_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """I10, over all passes: each flow may run many others."""
    monkeypatch.setattr(nesting, "MAX_INSIDE", 6)
    middle = flow([run_flow("one", "echo"), run_flow("two", "echo")])
    stored = shelf({"echo": echo_flow(), "middle": middle})
    journal = RecordingJournal()
    assert go_through(graph_of(flow([run_flow("r", "middle")])), stored, journal) is Progress.DONE
    journal.results = [one for one in journal.results if one.vertex_id != "r"]
    graph = graph_of(flow([run_flow("r", "middle"), run_flow("s", "middle")]))
    with pytest.raises(VertexFailed, match="More than 6 vertices would run inside others"):
        go_through(graph, stored, journal)


def test_a_flow_that_runs_another_has_no_id_that_one_inside_might_have() -> None:
    with pytest.raises(FlowRefused, match="the node id 'run/1/a' must have no '/' in it"):
        graph_of(flow([run_flow("run", "echo"), node("ChatInput", "run/1/a")]))
