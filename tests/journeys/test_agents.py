"""An agent goes on where a lost process left it, and no finished call of a tool is made again (I6)."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from threading import Event
from typing import Any

import pytest

from tests.journeys.checking import check_log
from tests.journeys.conftest import QUICK, Deploy
from tests.journeys.employing import Agency, employed, tool
from tests.journeys.gated import SETTING, Gate
from tests.model_wires import OPENAI, ToolUse
from tests.reading import Client, until
from tests.scripted_models import Exchange, ScriptedModels


@pytest.fixture(scope="module")
def agencies(deploying: Deploy) -> Iterator[Mapping[str, Agency]]:
    """By kind, each started on first use and kept for the module."""
    with ExitStack() as stack:

        class Opened(dict[str, Agency]):
            def __missing__(self, kind: str) -> Agency:
                models = stack.enter_context(ScriptedModels([OPENAI.says("nothing")]))
                asked = {"PENSTOCK_MODEL_BASE_URL": models.url, "PENSTOCK_MODEL_NAME": "stub-model"}
                deployment = stack.enter_context(deploying(kind, **QUICK, **SETTING, **asked))
                self[kind] = Agency(deployment, models)
                return self[kind]

        yield Opened()


@pytest.fixture
def agency(kind: str, agencies: Mapping[str, Agency]) -> Agency:
    return agencies[kind]


def call(name: str, said: str) -> ToolUse:
    """A call of a tool, under the id that careless servers give to every call."""
    return ToolUse(name, {"input_value": said}, "call")


def answer(client: Client, job_id: str) -> str:
    return str(client.job(job_id)["result"]["output"]["text"])


def test_an_agent_that_is_killed_after_its_second_call_makes_only_the_third(agency: Agency, gate: Gate) -> None:
    """kill -9 of everything while the model thinks about its third turn: that turn is asked for again, and nothing
    else; each tool ran once, and the watcher of the new process sees one whole log."""
    gate.open()
    thinking, over = Event(), Event()

    def silence(exchange: Exchange) -> None:
        thinking.set()
        over.wait(60)
        exchange.break_off()

    agency.script(
        [
            OPENAI.calls(call("first", "a")),
            OPENAI.calls(call("second", "b")),
            silence,
            OPENAI.calls(call("third", "c")),
            OPENAI.says("All ", "done"),
        ]
    )
    exported = employed(*(tool(gate, id) for id in ("first", "second", "third")))
    with agency.client() as client:
        job_id = client.submit(client.store(exported), input_value="Go")
        assert thinking.wait(60)
    agency.crash()
    over.set()
    with agency.client() as client:
        seen = client.events(job_id)
        check_log(seen, "completed")
        assert answer(client, job_id) == "All done"
    assert [line.vertex_id for line in gate.begun()] == ["first", "second", "third"]
    assert len(agency.models.requests) == 5
    told = [message["content"] for message in agency.models.requests[-1].body["messages"] if message["role"] == "tool"]
    assert told == ["a", "b", "c"]


def test_a_call_that_must_not_happen_twice_is_asked_about_when_it_was_cut_off(agency: Agency, gate: Gate) -> None:
    """kill -9 in the middle of it: a person says what it answered, and it is not made again."""
    agency.script([OPENAI.calls(call("pays", "5 euros")), OPENAI.says("Thank you")])
    with agency.client() as client:
        job_id = client.submit(client.store(employed(tool(gate, "pays", kind="GatedOnce"))), input_value="Pay")
        gate.await_lines(1)
    agency.crash()
    gate.open()
    with agency.client() as client:
        client.events(job_id)
        [asked] = client.asked(job_id)
        assert asked["kind"] == "uncertain_effect"
        assert client.resume(job_id, asked["request_id"], "done", values={"value": "paid"}).status_code == 200
        client.events(job_id)
        assert answer(client, job_id) == "Thank you"
    assert len(gate.lines()) == 1
    assert agency.models.requests[-1].body["messages"][-1]["content"] == "paid"


DECISIONS: Mapping[str, tuple[dict[str, Any], list[str], str]] = {
    "approve": ({}, ["5 euros"], "5 euros"),
    "edit": ({"values": {"args": {"input_value": "3 euros"}}}, ["3 euros"], "3 euros"),
    "reject": ({"values": {"message": "too much"}}, [], "A person has rejected this call: too much"),
    "respond": ({"values": {"message": "they have money"}}, [], "they have money"),
}
"""What somebody decides, what is then paid, and what the model is told."""


@pytest.mark.parametrize("action_id", DECISIONS)
def test_a_call_waits_for_a_person_over_a_restart(agency: Agency, gate: Gate, action_id: str) -> None:
    """The call is shown as it would be made, everything is killed, and what is decided then is what happens, once."""
    decision, paid, told = DECISIONS[action_id]
    gate.open()
    agency.script([OPENAI.calls(call("pays", "5 euros")), OPENAI.says("Thank you")])
    with agency.client() as client:
        exported = employed(tool(gate, "pays", kind="GatedOnce", approval=list(DECISIONS)))
        job_id = client.submit(client.store(exported), input_value="Pay")
        with client.attached(job_id) as found:
            asked = until(found, "human_input_required")[-1].json["data"]
        client.events(job_id)
    assert asked["kind"] == "tool_approval"
    assert asked["allowed_decisions"] == list(DECISIONS)
    [shown] = asked["action_requests"]
    assert (shown["name"], shown["args"]) == ("pays", {"input_value": "5 euros"})
    assert gate.lines() == []
    agency.crash()
    with agency.client() as client:
        assert client.resume(job_id, asked["request_id"], action_id, **decision).status_code == 200
        client.events(job_id)
        assert answer(client, job_id) == "Thank you"
    assert len(gate.begun()) == len(paid)
    assert agency.models.requests[-1].body["messages"][-1]["content"] == told
    assert len(agency.models.requests) == 2


@pytest.mark.parametrize("of", ["run", "flow"])
def test_a_run_that_has_used_up_its_tokens_asks_for_more(agency: Agency, gate: Gate, of: str) -> None:
    """Behind the turn that went over its budget it is suspended; with more tokens it goes on where it was."""
    gate.open()
    agency.script([OPENAI.calls(call("first", "a")), OPENAI.says("All ", "done")])
    with agency.client() as client:
        flow_id = client.store(employed(tool(gate, "first")))
        if of == "flow":
            assert client.http.patch(f"/api/v1/flows/{flow_id}", json={"max_tokens": 5}).json()["max_tokens"] == 5
        job_id = client.submit(flow_id, input_value="Go", max_tokens=5 if of == "run" else 1_000)
        client.events(job_id)
        [asked] = client.asked(job_id)
        assert asked["kind"] == "budget"
        refused = client.resume(job_id, asked["request_id"], "raise", values={"max_tokens": 5})
        assert refused.status_code == 422
        assert client.resume(job_id, asked["request_id"], "raise", values={"max_tokens": 50}).status_code == 200
        client.events(job_id)
        assert answer(client, job_id) == "All done"
    assert len(agency.models.requests) == 2
    assert len(gate.begun()) == 1
