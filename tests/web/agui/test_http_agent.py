"""The stock `HttpAgent` of @ag-ui/client talks to a flow, without glue."""

import base64
import json
import subprocess
from pathlib import Path
from threading import Event

import pytest

from tests.docs.following import ROOT, blocks_of
from tests.journeys.employing import Agency, employed
from tests.making import approval_flow, echo_flow, failing_flow, model_flow
from tests.model_wires import OPENAI
from tests.node.agui_client import AguiClient, resolved
from tests.reading import WORKFLOWS
from tests.scripted_models import Exchange
from tests.web.agui.telling import Calling, Teller, checked, job_of, statuses

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


def test_a_message_is_answered(calling: Calling) -> None:
    agent = calling(echo_flow())
    seen = checked(agent.say("hello", runId="my-run").valid())
    assert seen.said == ["hello"]
    assert (seen.events[0]["threadId"], seen.events[0]["runId"]) == (agent.thread_id, "my-run")
    assert seen.events[-1]["outcome"] == {"type": "success"}
    assert statuses(seen) == {}


def test_graph_state(calling: Calling) -> None:
    """When the address asks for it, `state.nodes` is kept over the interrupt."""
    agent = calling(approval_flow(), "?expose_graph_state=true")
    [interrupt] = agent.say("Refund?").valid().interrupts
    seen = agent.resume(resolved(interrupt, "approve")).valid()
    assert statuses(seen) == {
        "ChatInput-a1": "success", "HumanInput-h1": "success", "ChatOutput-yes": "success", "ChatOutput-no": "inactive",
    }  # fmt: skip


def test_the_thread_remembers(calling: Calling, agency: Agency) -> None:
    """What was said before is told to the model by the flow, once, whatever the client sends of it."""
    agency.script([OPENAI.says("Hello Ann"), OPENAI.says("Ann")])
    agent = calling(employed())
    agent.say("I am Ann").valid()
    seen = checked(agent.say("Who am I?").valid())
    assert seen.said == ["Hello Ann", "Ann"]
    told = [one["content"] for one in agency.models.requests[-1].body["messages"] if one["role"] != "system"]
    assert told == ["I am Ann", "Hello Ann", "Who am I?"]


def test_a_picture(calling: Calling, agency: Agency) -> None:
    """Goes to the model with the text."""
    agency.script([OPENAI.says("A cat")])
    image = {"type": "image", "source": {"type": "data", "value": PNG, "mimeType": "image/png"}}
    seen = calling(employed()).say([{"type": "text", "text": "What is it?"}, image]).valid()
    assert seen.said == ["A cat"]
    sent = agency.models.requests[-1].body["messages"][-1]["content"]
    assert [part["type"] for part in sent] == ["text", "image_url"]
    assert sent[1]["image_url"]["url"] == f"data:image/png;base64,{PNG}"


def test_a_run_that_fails(calling: Calling) -> None:
    """Is an event, not a failure of the client."""
    seen = calling(failing_flow()).say("Go").valid()
    assert "unknown operator" in seen.events[-1]["message"]
    assert seen.types[-1] == "RUN_ERROR"


@pytest.mark.parametrize("flow_id", ["3b9e6d10-5f27-4c8a-90d4-e2a71c6b0000", "nothing"])
def test_a_flow_that_is_not_there(agency: Agency, agui_client: AguiClient, flow_id: str) -> None:
    """Is told at once, with its status."""
    seen = agui_client.agent(f"{agency.deployment.url}/api/v2/agui/{flow_id}").say("hello")
    assert seen.failure is not None
    assert (seen.failure["status"], seen.events) == (404, [])


def test_a_key_that_is_wrong(calling: Calling) -> None:
    seen = calling(echo_flow(), key="wrong").say("hello")
    assert seen.failure is not None
    assert (seen.failure["status"], seen.events) == (403, [])


def test_a_client_that_leaves(calling: Calling, teller: Teller, agency: Agency) -> None:
    """The run goes on without it, and the thread knows what was said."""
    spoken = Event()

    def speaks(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(OPENAI.chunk({"content": "Hel"}))
        spoken.wait(60)
        exchange.event(OPENAI.chunk({"content": "lo"}, "stop"))
        exchange.event("[DONE]")
        exchange.end()

    agency.script([speaks])
    agent = calling(model_flow())
    left = agent.say("Hi", abort_at="TEXT_MESSAGE_CONTENT")
    assert left.types[-1] in ("TEXT_MESSAGE_CONTENT", "RUN_ERROR")
    spoken.set()
    job_id = job_of(teller, agent)
    assert teller.told(job_id).said == ["Hello"]
    assert teller.client.job(job_id)["status"] == "completed"


def test_the_same_run_twice(calling: Calling, teller: Teller, agui_client: AguiClient) -> None:
    """A run that is asked for again under its `runId` is begun once, and told again (I12)."""
    agent = calling(echo_flow())
    first = agent.say("hello", runId="once").valid()
    again = agui_client.agent(agent.url, thread_id=agent.thread_id).say("hello", runId="once").valid()
    assert again.messages[1:] == first.messages[1:]
    jobs = teller.client.http.get(f"{WORKFLOWS}/jobs", params={"session_id": agent.thread_id}).json()["jobs"]
    assert len(jobs) == 1


def test_the_script_of_the_page(agency: Agency, teller: Teller, node_folder: Path, tmp_path: Path) -> None:
    """It prints what the page says."""
    script = next(block for block in blocks_of("agui.md") if block.file is not None)
    exported = json.loads((ROOT / "examples" / "refund_approval.json").read_text())
    content = script.content.replace("http://127.0.0.1:7860", agency.deployment.url)
    content = content.replace(exported["id"], teller.client.store(exported))
    (tmp_path / "node_modules").symlink_to(node_folder / "node_modules")
    (tmp_path / "refund.mjs").write_text(content)
    ended = subprocess.run(["node", "refund.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == script.prints
