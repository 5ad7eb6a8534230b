"""What agents say and call, as an AG-UI page shows it: each call under the message that made it, each text once."""

import json
from threading import Barrier

from tests.flows.agents.hiring import AGENT
from tests.flows.components.test_split_text import SHAPE as SPLIT_TEXT
from tests.flows.shelf import run_flow
from tests.journeys.employing import Agency, employed, tool
from tests.journeys.gated import Gate
from tests.making import approval_flow, edge, flow, loop_edge, node, template
from tests.model_stub import ModelRequest
from tests.model_wires import OPENAI, ToolUse
from tests.node.agui_client import Json, Outcome
from tests.scripted_models import Act, Exchange
from tests.shapes import Exported
from tests.web.agui.telling import Teller, Wire, last_id, statuses

INTERRUPT = Wire("agui-interrupt")


def use(name: str, said: str, id: str) -> ToolUse:
    return ToolUse(name, {"input_value": said}, id)


def thinks(text: str, *uses: ToolUse) -> Act:
    """A model says something, and calls tools."""

    def act(exchange: Exchange) -> None:
        exchange.begin()
        for piece in (text[:3], text[3:]):
            exchange.event(OPENAI.chunk({"content": piece}))
        for index, one in enumerate(uses):
            function = {"name": one.name, "arguments": json.dumps(one.arguments)}
            call = {"index": index, "id": one.id, "type": "function", "function": function}
            exchange.event(OPENAI.chunk({"tool_calls": [call]}))
        exchange.event(OPENAI.chunk({}, "tool_calls"))
        exchange.event("[DONE]")
        exchange.end()

    return act


def shape_of(outcome: Outcome) -> list[tuple[str, ...]]:
    """The conversation as a page shows it: texts, calls with their arguments, results."""
    return [line for message in outcome.messages for line in _lines(message)]


def _lines(message: Json) -> list[tuple[str, ...]]:
    said = [(message["role"], message["content"])] if message.get("content") else []
    return said + [(one["function"]["name"], one["function"]["arguments"]) for one in message.get("toolCalls", ())]


def test_two_calls_in_one_turn_and_an_answer(teller: Teller, agency: Agency, gate: Gate) -> None:
    """What the agent thinks is a message with its calls, each with its result behind it; the answer is another one."""
    gate.open()
    calls = thinks("Let me see", use("first", "a", "c1"), use("second", "b", "c2"))
    agency.script([calls, OPENAI.calls(use("first", "c", "c1")), OPENAI.says("All ", "done")])
    told = teller.over(teller.submit(employed(tool(gate, "first"), tool(gate, "second"))))
    assert shape_of(told.full) == [
        ("assistant", "Let me see"),
        ("first", '{"input_value":"a"}'),
        ("second", '{"input_value":"b"}'),
        ("tool", "a"),
        ("tool", "b"),
        ("first", '{"input_value":"c"}'),
        ("tool", "c"),
        ("assistant", "All done"),
    ]
    ids = [message["id"] for message in told.full.messages]
    assert len(ids) == len(set(ids))


def test_a_call_that_somebody_approves(teller: Teller, agency: Agency, gate: Gate) -> None:
    """The interrupt names the call as the page knows it; its result comes in the next run, once."""
    gate.open()
    agency.script([OPENAI.calls(use("pays", "5 euros", "c1")), OPENAI.says("Thank ", "you")])
    job_id = teller.submit(employed(tool(gate, "pays", approval=["approve", "reject"])), INTERRUPT)
    before = teller.body(job_id)
    asked = teller.read(before)
    [interrupt] = asked.interrupts
    [call] = asked.messages[-1]["toolCalls"]
    assert (interrupt["reason"], interrupt["toolCallId"]) == ("tool_approval", call["id"])
    assert statuses(asked)["Agent-1"] == "pending"
    assert teller.client.resume(job_id, interrupt["id"], "approve").status_code == 200
    seen = teller.read(before, teller.body(job_id, last_id(before)))
    assert shape_of(seen) == [("pays", '{"input_value":"5 euros"}'), ("tool", "5 euros"), ("assistant", "Thank you")]
    assert teller.over(job_id).full.messages == seen.messages


def test_a_call_that_somebody_rejects(teller: Teller, agency: Agency, gate: Gate) -> None:
    """The page is told why, where the result would be."""
    agency.script([OPENAI.calls(use("pays", "5 euros", "c1")), OPENAI.says("Thank ", "you")])
    job_id = teller.submit(employed(tool(gate, "pays", approval=["approve", "reject"])))
    before = teller.body(job_id)
    [asked] = teller.client.asked(job_id)
    answer = teller.client.resume(job_id, asked["request_id"], "reject", values={"message": "too much"})
    assert answer.status_code == 200
    seen = teller.read(before, teller.body(job_id, last_id(before)))
    assert shape_of(seen)[1:] == [("tool", "A person has rejected this call: too much"), ("assistant", "Thank you")]
    assert teller.over(job_id).full.messages == seen.messages


def two_agents() -> Exported:
    """ChatInput-a1 → Agent-1 → ChatOutput-1, and beside it → Agent-2 → ChatOutput-2."""
    asked = node("ChatInput", "ChatInput-a1")
    agents = [node("Agent", f"Agent-{n}", shape=AGENT, system_prompt=f"agent {n}") for n in (1, 2)]
    shown = [node("ChatOutput", f"ChatOutput-{n}") for n in (1, 2)]
    edges = [edge(asked, "message", agent, "input_value") for agent in agents]
    edges += [edge(agent, "response", end, "input_value") for agent, end in zip(agents, shown, strict=True)]
    return flow([asked, *agents, *shown], edges)


def test_two_agents_that_speak_at_once(teller: Teller, agency: Agency) -> None:
    """However their tokens fall between one another, one text is open at a time, and both are whole."""
    turns = Barrier(2)

    def script(request: ModelRequest) -> Act:
        number = request.said("system")[-1]

        def act(exchange: Exchange) -> None:
            exchange.begin()
            for index in range(6):
                turns.wait(30)
                exchange.event(OPENAI.chunk({"content": f"{number}{index} "}))
            exchange.event(OPENAI.chunk({}, "stop"))
            exchange.event("[DONE]")
            exchange.end()

        return act

    agency.script(script)
    told = teller.over(teller.submit(two_agents()))
    assert sorted(told.full.said) == ["".join(f"{number}{index} " for index in range(6)) for number in (1, 2)]
    texts = [type for type in told.full.types if type.startswith("TEXT_MESSAGE_") and not type.endswith("CONTENT")]
    assert texts == ["TEXT_MESSAGE_START", "TEXT_MESSAGE_END"] * 2


def test_a_loop(teller: Teller, agency: Agency) -> None:
    """A vertex that runs again is a step again, and done in the end."""
    agency.script([OPENAI.says("o", "ne"), OPENAI.says("t", "wo")])
    asked, shown = node("ChatInput", "in"), node("ChatOutput", "out")
    split = node("SplitText", "split", shape=SPLIT_TEXT, chunk_size=3, chunk_overlap=0)
    loop, parser = node("LoopComponent", "loop"), node("ParserComponent", "parse")
    model = node("LanguageModelComponent", "model", model_name="stub-model")
    template(parser)["pattern"]["value"] = "{text}"
    edges = [
        edge(asked, "message", split, "data_inputs"),
        edge(split, "dataframe", loop, "data"),
        edge(loop, "item", parser, "input_data"),
        edge(parser, "parsed_text", model, "input_value"),
        loop_edge(model, "text_output", loop, "item"),
        edge(loop, "done", shown, "input_value"),
    ]
    told = teller.over(teller.submit(flow([asked, split, loop, parser, model, shown], edges), input_value="1st\n2nd"))
    steps = [event["stepName"] for event in told.full.of("STEP_FINISHED")]
    assert (steps.count("loop"), steps.count("parse")) == (3, 2)
    assert set(told.statuses.values()) == {"success"}
    [said] = told.full.said
    assert "one" in said
    assert "two" in said


def test_a_flow_inside_a_flow(teller: Teller) -> None:
    """Its vertices are nodes under the name of the vertex that runs it, and it asks as any other."""
    inner = teller.client.store(approval_flow())
    runs = run_flow("run", inner, ["ChatInput-a1~input_value"], ["ChatOutput-yes~message"])
    template(runs)["flow_id_selected"]["value"] = inner
    asked, shown = node("ChatInput", "in"), node("ChatOutput", "out")
    edges = [
        edge(asked, "message", runs, "ChatInput-a1~input_value"),
        edge(runs, "ChatOutput-yes~message", shown, "input_value"),
    ]
    job_id = teller.submit(flow([asked, runs, shown], edges), INTERRUPT)
    before = teller.body(job_id)
    asking = teller.read(before)
    [interrupt] = asking.interrupts
    assert statuses(asking) == {
        "in": "success", "run": "running", "out": "pending",
        "run/1/ChatInput-a1": "success", "run/1/HumanInput-h1": "pending",
    }  # fmt: skip
    assert teller.client.resume(job_id, interrupt["id"], "approve").status_code == 200
    told = teller.over(job_id)
    assert told.full.said == ["Go"]
    assert told.statuses["run/1/ChatOutput-no"] == "inactive"
    assert set(told.statuses.values()) == {"success", "inactive"}
