"""The stock `HttpAgent` answers what interrupts a run, or lets it be."""

import pytest

from tests.journeys.employing import Agency, employed, tool
from tests.journeys.gated import Gate
from tests.making import approval_flow, approvals_flow, edge
from tests.model_wires import OPENAI, ToolUse
from tests.node.agui_client import AguiClient, cancelled, resolved
from tests.web.agui.telling import Calling, Teller, checked, job_of, statuses


@pytest.mark.parametrize("action_id", ["approve", "reject"])
def test_an_interrupt_is_answered(calling: Calling, teller: Teller, action_id: str) -> None:
    """The next run of the thread goes on with the answer."""
    agent = calling(approval_flow())
    asked = agent.say("Refund?").valid()
    [interrupt] = asked.interrupts
    assert asked.events[-1]["outcome"]["type"] == "interrupt"
    seen = checked(agent.resume(resolved(interrupt, action_id), runId="the-next").valid())
    assert [event["runId"] for event in seen.of("RUN_STARTED")] == ["the-next"]
    assert (seen.said, seen.interrupts) == (["Refund?"], [])
    [decided] = seen.custom("penstock.human_input_resolved")
    assert decided["decision"]["action_id"] == action_id
    assert teller.client.job(job_of(teller, agent))["status"] == "completed"


def test_an_interrupt_is_abandoned(calling: Calling, teller: Teller) -> None:
    """A question without a fallback: the run is stopped."""
    agent = calling(approval_flow())
    [interrupt] = agent.say("Refund?").valid().interrupts
    seen = agent.resume(cancelled(interrupt)).valid()
    assert seen.events[-1]["outcome"] == {"type": "cancelled"}
    assert (seen.interrupts, seen.said) == ([], [])
    assert teller.client.job(job_of(teller, agent))["status"] == "cancelled"
    again = agent.say("Another?").valid()
    assert len(again.interrupts) == 1


def test_a_call_is_approved(calling: Calling, agency: Agency, gate: Gate) -> None:
    """Its result goes under the call of the first run."""
    gate.open()
    agency.script([OPENAI.calls(ToolUse("pays", {"input_value": "5 euros"}, "c1")), OPENAI.says("Thank ", "you")])
    agent = calling(employed(tool(gate, "pays", approval=["approve", "reject"])))
    [interrupt] = agent.say("Pay").valid().interrupts
    seen = agent.resume(resolved(interrupt, "approve")).valid()
    assert seen.results == {interrupt["toolCallId"]: "5 euros"}
    assert [message["role"] for message in seen.messages] == ["user", "assistant", "tool", "assistant"]
    assert seen.said == ["Thank you"]


def test_a_call_is_abandoned(calling: Calling, agency: Agency, gate: Gate) -> None:
    """It is not made, and the agent goes on."""
    agency.script([OPENAI.calls(ToolUse("pays", {"input_value": "5 euros"}, "c1")), OPENAI.says("So be it")])
    agent = calling(employed(tool(gate, "pays", approval=["approve", "reject"])))
    [interrupt] = agent.say("Pay").valid().interrupts
    seen = agent.resume(cancelled(interrupt)).valid()
    assert seen.said == ["So be it"]
    assert "rejected" in seen.results[interrupt["toolCallId"]]
    assert gate.lines() == []


def test_two_interrupts_are_answered_together(calling: Calling) -> None:
    """As the protocol wants it: one resume for all that is open."""
    agent = calling(approvals_flow(2))
    first, second = agent.say("Go on?").valid().interrupts
    seen = checked(agent.resume(resolved(first, "approve"), resolved(second, "approve")).valid())
    assert (seen.said, seen.interrupts) == (["Go on?", "Go on?"], [])


def test_one_of_two_interrupts_is_answered(calling: Calling, agui_client: AguiClient) -> None:
    """By a client that does not know of the other: its answer is kept, and the other one asked again."""
    agent = calling(approvals_flow(2))
    first, second = agent.say("Go on?").valid().interrupts
    other = agui_client.agent(agent.url, thread_id=agent.thread_id)
    between = other.resume(resolved(first, "approve")).valid()
    assert [one["id"] for one in between.interrupts] == [second["id"]]
    assert between.said == ["Go on?"]
    seen = other.resume(resolved(second, "approve")).valid()
    assert (seen.said, seen.interrupts) == (["Go on?", "Go on?"], [])


def test_a_wrong_answer(calling: Calling) -> None:
    """Is refused with its status, and the interrupt is as open as before."""
    agent = calling(approval_flow())
    [interrupt] = agent.say("Refund?").valid().interrupts
    wrong = agent.resume(resolved(interrupt, "sell"))
    assert wrong.failure is not None
    assert wrong.failure["status"] == 422
    assert wrong.interrupts == [interrupt]
    assert agent.resume(resolved(interrupt, "approve")).valid().said == ["Refund?"]


def test_one_wrong_answer_of_two(calling: Calling) -> None:
    """Neither is taken."""
    agent = calling(approvals_flow(2))
    first, second = agent.say("Go on?").valid().interrupts
    wrong = agent.resume(resolved(first, "approve"), resolved(second, "sell"))
    assert wrong.failure is not None
    assert wrong.failure["status"] == 422
    seen = agent.resume(resolved(first, "reject"), resolved(second, "approve")).valid()
    assert (seen.said, seen.interrupts) == (["Go on?"], [])


def test_an_answer_that_is_sent_twice(calling: Calling, teller: Teller) -> None:
    """Has one effect, and the second run tells what the first one did (I12); another answer then is too late."""
    agent = calling(approval_flow())
    [interrupt] = agent.say("Refund?").valid().interrupts
    first = agent.resume(resolved(interrupt, "approve")).valid()
    again = agent.resume(resolved(interrupt, "approve"))
    assert again.failure is None
    assert again.types == first.types
    told = teller.told(job_of(teller, agent))
    assert len(told.custom("penstock.human_input_resolved")) == 1
    late = agent.resume(resolved(interrupt, "reject"))
    assert late.failure is not None
    assert late.failure["status"] == 409


def test_an_interrupt_of_another_thread(calling: Calling, agui_client: AguiClient) -> None:
    """Is none here."""
    agent = calling(approval_flow())
    [interrupt] = agent.say("Refund?").valid().interrupts
    other = agui_client.agent(agent.url)
    answer = other.resume(resolved(interrupt, "approve"))
    assert answer.failure is not None
    assert answer.failure["status"] == 404


def test_an_interrupt_is_abandoned_twice(calling: Calling) -> None:
    """Whoever did not hear of the end is told it again."""
    agent = calling(approval_flow())
    [interrupt] = agent.say("Refund?").valid().interrupts
    for _ in range(2):
        assert agent.resume(cancelled(interrupt)).valid().events[-1]["outcome"] == {"type": "cancelled"}


def test_an_interrupt_is_abandoned_that_somebody_else_has_answered(
    calling: Calling, teller: Teller, gate: Gate
) -> None:
    """Too late: the run goes on from the answer (I5)."""
    exported = approval_flow()
    step = gate.step("step")
    exported["nodes"].append(step)
    person = next(one for one in exported["nodes"] if one["id"] == "HumanInput-h1")
    exported["edges"].append(edge(person, "branch_approve", step, "input_value"))
    agent = calling(exported)
    [interrupt] = agent.say("Refund?").valid().interrupts
    job_id = job_of(teller, agent)
    assert teller.client.resume(job_id, interrupt["id"], "approve").status_code == 200
    gate.await_lines(1)
    late = agent.resume(cancelled(interrupt))
    assert late.failure is not None
    assert late.failure["status"] == 409
    gate.open()
    teller.body(job_id)
    assert teller.client.job(job_id)["status"] == "completed"


def test_a_run_that_somebody_pauses(calling: Calling, teller: Teller) -> None:
    """Ends with an interrupt that needs no payload."""
    agent = calling(approval_flow())
    [question] = agent.say("Refund?").valid().interrupts
    job_id = job_of(teller, agent)
    assert teller.client.pause(job_id).status_code == 200
    asked = agent.resume(resolved(question, "approve")).valid()
    [pause] = asked.interrupts
    assert (pause["reason"], asked.said) == ("paused", [])
    seen = agent.resume({"interruptId": pause["id"], "status": "resolved"}).valid()
    assert (seen.said, seen.interrupts) == (["Refund?"], [])


@pytest.mark.parametrize("with_the_answer", [True, False], ids=["with the answer", "alone"])
def test_a_pause_that_is_ended_twice(calling: Calling, teller: Teller, with_the_answer: bool) -> None:
    """Has one effect, and the second run tells what the first one did (I12)."""
    agent = calling(approval_flow())
    [question] = agent.say("Refund?").valid().interrupts
    job_id = job_of(teller, agent)
    assert teller.client.pause(job_id).status_code == 200
    goes_on, answer = {"interruptId": f"paused:{job_id}", "status": "resolved"}, resolved(question, "approve")
    if not with_the_answer:
        agent.resume(answer).valid()
    entries = [goes_on, answer] if with_the_answer else [goes_on]
    first = agent.resume(*entries).valid()
    again = agent.resume(*entries)
    assert again.failure is None
    assert (again.types, first.said) == (first.types, ["Refund?"])


def test_a_page_that_was_loaded_again(calling: Calling, agui_client: AguiClient) -> None:
    """A client that answers an interrupt of which it has nothing but the id has the whole state of the graph then."""
    agent = calling(approval_flow(), "?expose_graph_state=true")
    [interrupt] = agent.say("Refund?").valid().interrupts
    seen = agui_client.agent(agent.url, thread_id=agent.thread_id).resume(resolved(interrupt, "approve")).valid()
    assert statuses(seen) == {
        "ChatInput-a1": "success", "HumanInput-h1": "success", "ChatOutput-yes": "success", "ChatOutput-no": "inactive",
    }  # fmt: skip
    assert seen.state["nodes"]["ChatInput-a1"]["output"]["outputs"]["message"]["message"] == "Refund?"
