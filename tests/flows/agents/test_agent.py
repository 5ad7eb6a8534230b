"""Agent: a model that calls tools until it has an answer."""

import json

import pytest

from flows.values import Message, Usage
from tests.flows.agents.conversations import agent_of, by_agent, by_turn, calls, turn_of
from tests.flows.agents.hiring import AGENT, Employment, agent_flow, tool
from tests.making import edge, flow, node, template
from tests.model_wires import ANTHROPIC, GOOGLE, INPUT_TOKENS, OPENAI, ToolUse, Wire
from tests.scripted_models import ScriptedModels
from tests.shapes import Exported


def test_an_agent_calls_its_tools_and_answers_with_what_its_model_makes_of_them() -> None:
    """Two calls of one turn and one of the next reach their tool, and the model is told what each has said."""
    script = [
        OPENAI.calls(ToolUse("do", {"what": "a"}, "x"), ToolUse("do", {"what": "b"}, "y")),
        OPENAI.calls(ToolUse("do", {"what": "c"}, "x")),
        OPENAI.says("All ", "done"),
    ]
    with ScriptedModels(script) as models:
        run = Employment(agent_flow(tool("deeds")), models)
        run.go_on()
    assert run.answer.text == "All done"
    assert sorted(run.deeds.done) == ["a", "b", "c"]
    told = [m["content"] for m in models.requests[-1].body["messages"] if m["role"] == "tool"]
    assert told == ["did a", "did b", "did c"]


@pytest.mark.parametrize(
    ("wire", "provider"),
    [(ANTHROPIC, "Anthropic"), (GOOGLE, "Google Generative AI")],
    ids=["anthropic", "google"],
)
def test_an_agent_speaks_to_any_provider(wire: Wire, provider: str) -> None:
    """Also to one that gives its calls no ids, or the same one twice."""
    script = [wire.calls(ToolUse("do", {"what": "a"}, "x"), ToolUse("do", {"what": "b"}, "x")), wire.says("e", "nd")]
    exported = agent_flow(tool("deeds"))
    with ScriptedModels(script) as models:
        run = Employment(exported, models)
        fields = template(next(one for one in exported["nodes"] if one["id"] == "agent"))
        fields["model"]["value"] = [{"name": "stub-model", "provider": provider}]
        for name, value in {"base_url": models.host_url, "api_key": "a-key"}.items():
            fields[name] = {"name": name, "type": "str", "value": value, "show": True}
        run.go_on()
    assert run.answer.text == "end"
    assert sorted(run.deeds.done) == ["a", "b"]
    assert [one["id"] for one in run.tool_uses] == ["call_1_0", "call_1_1"]
    answer = run.journal.outputs("agent")["response"]
    assert isinstance(answer, Message)
    assert answer.usage == Usage(2 * INPUT_TOKENS, 4)


def test_each_turn_is_asked_for_under_a_key_of_its_own() -> None:
    """The same in every try, and one that a header takes whatever the vertex is called."""
    named: Exported = json.loads(json.dumps(agent_flow(tool("deeds")), ensure_ascii=False).replace("agent", "\u0430 b"))
    with ScriptedModels(by_turn(calls("a"), OPENAI.says("end"))) as models:
        Employment(named, models).go_on()
    keys = [request.headers["idempotency-key"] for request in models.requests]
    assert [key.split(":", 1)[1] for key in keys] == ["%D0%B0 b:1:turn_1", "%D0%B0 b:1:turn_2"]


def test_agents_of_one_flow_do_not_meet() -> None:
    """One after the other, each with its own tools, conversation and calls by the same ids."""
    asks, shows = node("ChatInput", "in"), node("ChatOutput", "out")
    first, second = (node("Agent", id, shape=AGENT, system_prompt=id) for id in ("first", "second"))
    mine, yours = tool("mine"), tool("yours")
    edges = [
        edge(asks, "message", first, "input_value"),
        edge(first, "response", second, "input_value"),
        edge(second, "response", shows, "input_value"),
        edge(mine, "component_as_tool", first, "tools"),
        edge(yours, "component_as_tool", second, "tools"),
    ]
    script = by_agent(first=[calls("a"), OPENAI.says("from first")], second=[calls("b"), OPENAI.says("from second")])
    with ScriptedModels(script) as models:
        run = Employment(flow([asks, first, second, mine, yours, shows], edges), models)
        run.go_on()
    assert run.answer.text == "from second"
    assert run.deeds.done == ["a", "b"]
    assert len(set(run.deeds.keys)) == 2
    asked = [(agent_of(one), turn_of(one), one.body["messages"][1]["content"]) for one in models.requests]
    assert asked == [
        ("first", 1, "hello"),
        ("first", 2, "hello"),
        ("second", 1, "from first"),
        ("second", 2, "from first"),
    ]
