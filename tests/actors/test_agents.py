"""Agents across processes: what is kept of their conversation is what the next pass goes on from (I6)."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from uuid import uuid4

import pytest

from actors.workforce import WorkforceConfig
from flows.context import VertexContext
from flows.events import EventType
from flows.human import Decision, RequestKind
from flows.models.defaults import ModelDefaults
from flows.values import Message
from storage.flow_store import NewFlow, create_flow
from storage.human_requests import requests_of
from storage.jobs import outputs_of
from storage.restoring import legacy_of
from storage.states import Status
from tests.actors.stage import Dies, Stage
from tests.actors.test_recovering import Opening
from tests.actors.workplace import PATIENCE, QUICK, Workplace, working
from tests.flows.agents.conversations import by_turn
from tests.flows.agents.hiring import AS_TOOL, agent_flow
from tests.making import approval_flow, node
from tests.model_wires import INPUT_TOKENS, OPENAI, ToolUse
from tests.scripted_models import Act, ScriptedModels
from tests.shapes import PLAIN, TEXT, Exported, Shape
from tests.storage.situations import let_lease_expire, value_of


def calls(tool: str) -> Act:
    """A turn that calls a tool."""
    return OPENAI.calls(ToolUse(tool, {"input_value": "x"}))


@pytest.fixture
def models() -> Iterator[ScriptedModels]:
    script = by_turn(calls("one"), calls("two"), calls("three"), OPENAI.says("end"))
    with ScriptedModels(script) as models:
        yield models


@pytest.fixture
def config(models: ScriptedModels) -> WorkforceConfig:
    return replace(QUICK, model_defaults=ModelDefaults("stub-model", models.url))


def scripted_tool(name: str, kind: str = "Scripted", **row: object) -> Exported:
    """A scripted vertex that an agent may call by its id."""
    action = {"name": name, "args": {"input_value": {"type": "string"}}, **row}
    fields = {"input_value": TEXT, "tools_metadata": {"type": "tools", "value": [action]}}
    return node(kind, name, shape=Shape(kind, fields, AS_TOOL))


def answer_of(workplace: Workplace, job_id: str) -> object:
    """What the chat output of a job shows."""
    return outputs_of(workplace.store.database, job_id)["out"]["content"]


@pytest.mark.parametrize("kind", ["Scripted", "ScriptedOnce"])
def test_an_agent_whose_worker_is_lost_goes_on_from_its_last_call(
    opening: Opening, stage: Stage, models: ScriptedModels, config: WorkforceConfig, kind: str
) -> None:
    """No finished call is made again and no kept turn asked for again. Of a call that must not happen twice somebody
    says what became of it."""
    dies = stage.acts["three"] = Dies()
    flow = agent_flow(scripted_tool("one"), scripted_tool("two", "ScriptedOnce"), scripted_tool("three", kind))
    with closing(opening()) as first, closing(opening()) as second:
        with working(first, config) as workplace:
            job_id = workplace.submit(flow)
            assert dies.died.acquire(timeout=PATIENCE)
        let_lease_expire(second.database, job_id)
        with working(second, config) as workplace:
            if kind == "ScriptedOnce":
                workplace.to_suspension(job_id)
                [asked] = requests_of(second.database, job_id)
                assert asked.kind is RequestKind.UNCERTAIN_EFFECT
                workplace.answer(job_id, asked.id, Decision("done", {"value": "it was done"}))
            workplace.to_end(job_id)
            assert workplace.job(job_id).status is Status.COMPLETED
            assert answer_of(workplace, job_id) == "end"
        assert stage.built == ["one", "two", "three", *(["three"] if kind == "Scripted" else [])]
        assert len(models.requests) == 4
        assert value_of(second.database, job_id, "tokens") == 4 * (INPUT_TOKENS + 1)
        assert legacy_of(second.database, job_id).kept == []


def test_a_call_is_approved_in_another_process(
    opening: Opening, stage: Stage, models: ScriptedModels, config: WorkforceConfig
) -> None:
    """The call that was approved is made, and the model is not asked again for it."""
    models.script = by_turn(calls("one"), OPENAI.says("end"))
    flow = agent_flow(scripted_tool("one", "ScriptedOnce", approval_actions=["approve", "edit"]))
    said: list[str] = []

    async def act(context: VertexContext) -> Message:
        said.append(context.idempotency_key)
        return Message("made")

    stage.acts["one"] = act
    with closing(opening()) as store, working(store, config) as workplace:
        job_id = workplace.submit(flow)
        workplace.to_suspension(job_id)
        [asked] = requests_of(store.database, job_id)
        assert asked.kind is RequestKind.TOOL_APPROVAL
        assert said == []
    with closing(opening()) as store, working(store, config) as workplace:
        workplace.answer(job_id, asked.id, Decision("edit", {"args": {"input_value": "y"}}))
        entries = workplace.to_end(job_id)
        assert answer_of(workplace, job_id) == "end"
    assert said == [f"{job_id}:agent:1:call_1_0"]
    assert len(models.requests) == 2
    assert sum(one.type == EventType.HUMAN_INPUT_REQUIRED for one in entries) == 1


def test_a_raised_budget_stands_for_the_passes_that_follow(
    opening: Opening, stage: Stage, models: ScriptedModels, config: WorkforceConfig
) -> None:
    """Also when the worker is lost behind the decision: nobody is asked for the same again."""
    turn = INPUT_TOKENS + 1
    dies = stage.acts["three"] = Dies()
    flow = agent_flow(*(scripted_tool(name) for name in ("one", "two", "three")))
    with closing(opening()) as first, closing(opening()) as second:
        with working(first, config) as workplace:
            job_id = workplace.submit(flow, max_tokens=turn)
            workplace.to_suspension(job_id)
            [asked] = requests_of(first.database, job_id)
            assert asked.kind is RequestKind.BUDGET
            workplace.answer(job_id, asked.id, Decision("raise", {"max_tokens": 100 * turn}))
            assert dies.died.acquire(timeout=PATIENCE)
        let_lease_expire(second.database, job_id)
        with working(second, config) as workplace:
            workplace.to_end(job_id)
            assert answer_of(workplace, job_id) == "end"
        assert len(requests_of(second.database, job_id)) == 1
        assert stage.built == ["one", "two", "three", "three"]
        assert len(models.requests) == 4


def flow_tool(**row: object) -> Exported:
    """A vertex that lets an agent run the flow `other`."""
    action = {"name": "run_other", "args": {}, **row}
    fields = {"flow_name_selected": PLAIN | {"value": "other"}, "tools_metadata": {"type": "tools", "value": [action]}}
    return node("RunFlow", "run", shape=Shape("Run Flow", fields, AS_TOOL))


def test_an_approved_call_of_a_flow_that_asks_suspends_the_job_again(
    opening: Opening, models: ScriptedModels, config: WorkforceConfig
) -> None:
    """Though the agent has not come to its next step: the call that was approved waits, and holds nothing (rule 7)."""
    models.script = by_turn(OPENAI.calls(ToolUse("run_other", {})), OPENAI.says("end"))
    runs = flow_tool(approval_actions=["approve"])
    with closing(opening()) as store, working(store, config) as workplace:
        create_flow(store.database, NewFlow(str(uuid4()), workplace.user_id, "other", approval_flow()))
        job_id = workplace.submit(agent_flow(runs))
        workplace.to_suspension(job_id)
        [approval] = requests_of(store.database, job_id)
        workplace.answer(job_id, approval.id, Decision("approve"))
        entries = workplace.to_suspension(job_id, times=2)
        assert sum(one.type == EventType.BUILD_START for one in entries) == 2, "it does not go on by itself"
        inside = requests_of(store.database, job_id)[1]
        assert inside.vertex_id == "agent/1/call_1_0/HumanInput-h1"
        workplace.answer(job_id, inside.id, Decision("approve"))
        workplace.to_end(job_id)
        assert answer_of(workplace, job_id) == "end"
    assert len(models.requests) == 2


@pytest.mark.parametrize("first", [0, 1], ids=["inside first", "inside last"])
def test_each_answer_to_an_agent_and_to_a_flow_inside_it_stands_alone(
    opening: Opening, models: ScriptedModels, config: WorkforceConfig, first: int
) -> None:
    """Rule 7: whichever comes first, what waits for it goes on, and the job is suspended until the other comes."""
    both = OPENAI.calls(ToolUse("ask_person", {}), ToolUse("run_other", {}))
    models.script = by_turn(both, OPENAI.says("end"))
    asks = node("HumanInput", "asks", prompt="Which?", decisions=["Approve"])
    asks["data"]["node"]["template"]["tools_metadata"] = {
        "type": "tools", "value": [{"name": "ask_person", "args": {}}]
    }  # fmt: skip
    asks["data"]["node"]["outputs"] = [{"name": "component_as_tool", "types": ["Tool"]}]
    with closing(opening()) as store, working(store, config) as workplace:
        create_flow(store.database, NewFlow(str(uuid4()), workplace.user_id, "other", approval_flow()))
        job_id = workplace.submit(agent_flow(asks, flow_tool()))
        workplace.to_suspension(job_id, times=2)
        asked = requests_of(store.database, job_id)
        assert [one.vertex_id for one in asked] == ["agent/1/call_1_1/HumanInput-h1", "agent"]
        workplace.answer(job_id, asked[first].id, Decision("approve"))
        workplace.to_suspension(job_id, times=2)
        finished = [one.vertex_id for one in legacy_of(store.database, job_id).finished]
        assert (asked[0].vertex_id in finished) is (first == 0)
        workplace.answer(job_id, asked[1 - first].id, Decision("approve"))
        workplace.to_end(job_id)
        assert answer_of(workplace, job_id) == "end"
        assert len(requests_of(store.database, job_id)) == 2
    assert len(models.requests) == 2
