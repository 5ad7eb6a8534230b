"""Langflow's own page reads `agui` by hand, with the state of the graph, and finds in it what it needs (contract 0)."""

import json
from dataclasses import dataclass, field

import pytest

from tests.journeys.employing import Agency, employed, tool
from tests.journeys.gated import Gate
from tests.making import approval_flow, failing_flow, model_flow
from tests.model_wires import OPENAI, ToolUse
from tests.node.agui_client import Json
from tests.web.agui.telling import Teller

STATUSES = {"pending", "running", "success", "error", "inactive"}


@dataclass
class Page:
    """What the page knows of one run. It attaches from the start each time, for it has no cursor."""

    cards: dict[str, Json] = field(default_factory=dict)
    """The questions that it shows, by `request_id`."""
    known: set[str] = field(default_factory=set)
    """Those that it has ever shown: one that comes again is no new one."""
    chat: dict[str, Json] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    ended_by: str | None = None

    def attach(self, body: bytes) -> "Page":
        """Blocks between blank lines, of each the first line of data, up to an end of the run or of the stream."""
        self.chat, self.ended_by = {}, None
        for block in body.decode().split("\n\n"):
            data = next((line[5:].strip() for line in block.split("\n") if line.startswith("data:")), None)
            if data is not None and self._take(json.loads(data)):
                break
        return self

    def _take(self, event: Json) -> bool:
        match event["type"]:
            case "RUN_FINISHED" | "RUN_ERROR":
                self.ended_by = event["type"]
                self.cards.clear()
            case "STATE_SNAPSHOT":
                self.nodes = {id: one["status"] for id, one in event["snapshot"]["nodes"].items()}
            case "STATE_DELTA":
                for change in event["delta"]:
                    assert change["op"] in ("add", "replace")
                    self.nodes[change["path"].removeprefix("/nodes/")] = change["value"]["status"]
            case "CUSTOM":
                self._take_own(event["name"], event["value"])
        assert set(self.nodes.values()) <= STATUSES
        return self.is_over

    def _take_own(self, name: str, value: Json) -> None:
        match name:
            case "langflow.human_input_required":
                self.known.add(value["request_id"])
                self.cards[value["request_id"]] = value
            case "langflow.event":
                self._say(value["event_type"], value["data"])

    def _say(self, kind: str, data: Json) -> None:
        match kind:
            case "add_message":
                self.chat[data["id"]] = data
            case "token":
                self.chat[data["id"]]["text"] += data["chunk"]
            case "remove_message":
                del self.chat[data["id"]]
            case "error":
                self.errors.append(data["text"])

    @property
    def is_over(self) -> bool:
        return self.ended_by is not None

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(one["sender"], one["text"]) for one in self.chat.values()]


def submitted(teller: Teller, exported: Json) -> str:
    return teller.submit(exported, input_value="Go")


def test_the_chat_of_a_run(teller: Teller, agency: Agency) -> None:
    """The messages of both sides, which the tokens fill up."""
    agency.script([OPENAI.says("Hel", "lo")])
    page = Page().attach(teller.body(submitted(teller, model_flow())))
    assert page.said == [("User", "Go"), ("Machine", "Hello")]
    assert page.ended_by == "RUN_FINISHED"
    assert set(page.nodes.values()) == {"success"}


def test_a_run_that_fails(teller: Teller) -> None:
    """The error is a message too, and the node shows it."""
    page = Page().attach(teller.body(submitted(teller, failing_flow())))
    assert page.ended_by == "RUN_ERROR"
    assert "unknown operator" in page.errors[0]
    assert page.nodes["ConditionalRouter-bad"] == "error"


@pytest.mark.parametrize("action_id", ["approve", "reject"])
def test_the_card_of_a_question(teller: Teller, action_id: str) -> None:
    """It stands where the stream ends, at the node that its id names; behind the answer the page attaches from the
    start, is told the same card, and then the end. A second answer is too late, and changes nothing."""
    job_id = submitted(teller, approval_flow())
    page = Page().attach(teller.body(job_id))
    [card] = page.cards.values()
    assert not page.is_over
    assert page.nodes[card["request_id"].partition(":")[0]] == "pending"
    assert [option["action_id"] for option in card["options"]] == ["approve", "reject"]
    [listed] = teller.client.http.get("/api/v2/workflows/pending", params={"flow_id": card_flow(teller, job_id)}).json()
    assert listed["request_id"] == card["request_id"]
    other = "reject" if action_id == "approve" else "approve"
    for decided, status in ((action_id, 200), (other, 409)):
        body = {"request_id": card["request_id"], "decision": {"action_id": decided, "values": {}}}
        assert teller.client.http.post(f"/api/v2/workflows/{job_id}/resume", json=body).status_code == status
        page.attach(teller.body(job_id))
    assert (page.known, page.ended_by) == ({card["request_id"]}, "RUN_FINISHED")
    assert not page.cards
    assert page.nodes == {
        "ChatInput-a1": "success",
        "HumanInput-h1": "success",
        "ChatOutput-yes": "success" if action_id == "approve" else "inactive",
        "ChatOutput-no": "success" if action_id == "reject" else "inactive",
    }
    assert page.said == [("User", "Go"), ("Machine", "Go")]


def test_the_card_of_a_call(teller: Teller, agency: Agency, gate: Gate) -> None:
    """It shows what would be called."""
    gate.open()
    agency.script([OPENAI.calls(ToolUse("pays", {"input_value": "5 euros"}, "c1")), OPENAI.says("Thank you")])
    job_id = submitted(teller, employed(tool(gate, "pays", approval=["approve", "reject"])))
    page = Page().attach(teller.body(job_id))
    [card] = page.cards.values()
    [shown] = card["action_requests"]
    assert (card["kind"], shown["name"], shown["args"]) == ("tool_approval", "pays", {"input_value": "5 euros"})
    assert page.nodes[card["request_id"].partition(":")[0]] == "pending"
    assert teller.client.resume(job_id, card["request_id"], "approve").status_code == 200
    page.attach(teller.body(job_id))
    assert (page.known, page.ended_by) == ({card["request_id"]}, "RUN_FINISHED")
    assert page.said[-1] == ("Machine", "Thank you")


def card_flow(teller: Teller, job_id: str) -> str:
    flow_id: str = teller.client.job(job_id)["flow_id"]
    return flow_id
