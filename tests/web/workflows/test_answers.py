"""The shapes of the answers (contract 1.8, 1.9): key sets that are always complete."""

from collections.abc import Callable
from typing import Any

import pytest

from storage.states import Status
from tests.making import echo_flow, edge, failing_flow, fan, flow, node, router_flow
from tests.reading import WORKFLOWS, Client
from tests.shapes import Exported

EXECUTION = {
    "flow_id", "session_id", "job_id", "object", "created_timestamp", "status", "output", "errors", "warnings",
    "inputs", "globals", "outputs", "human_request", "has_errors",
}  # fmt: skip
JOB = {"job_id", "flow_id", "object", "created_timestamp", "status", "links", "errors", "globals"}


def two_outputs() -> Exported:
    asked = node("ChatInput", "ChatInput-a1")
    answers = [node("ChatOutput", "ChatOutput-b1"), node("ChatOutput", "ChatOutput-b2")]
    return flow([asked, *answers], [edge(asked, "message", answer, "input_value") for answer in answers])


def silent_end() -> Exported:
    """A flow whose one terminal component shows nothing to a person."""
    asked, passed = node("ChatInput", "ChatInput-a1"), node("Pass", "Pass-1")
    return flow([asked, passed], [edge(asked, "message", passed, "input_message")])


@pytest.mark.parametrize("mode", ["sync", "background"])
def test_an_execution_has_all_its_keys(client: Client, mode: str) -> None:
    """At once or fetched later, completed or failed, nulls included."""
    for exported in (echo_flow(), failing_flow()):
        answer = client.run(client.store(exported), mode=mode, input_value="x").json()
        if mode == "background":
            client.events(answer["job_id"])
            answer = client.job(answer["job_id"])["result"]
        assert answer.keys() == EXECUTION
        assert answer["object"] == "response"
        assert answer["output"].keys() == {"reason", "text", "source"}
        assert answer["human_request"] is None


def test_a_completed_run(client: Client) -> None:
    """Its output is described in the words of the contract."""
    flow_id = client.store(echo_flow())
    answer = client.run(flow_id, input_value="hello").json()
    assert (answer["status"], answer["has_errors"], answer["errors"]) == ("completed", False, [])
    assert answer["output"] == {"reason": "single", "text": "hello", "source": "ChatOutput-b1"}
    assert answer["session_id"] == flow_id
    assert answer["outputs"] == {
        "ChatOutput-b1": {
            "type": "message",
            "status": "completed",
            "display_name": "Chat Output",
            "content": "hello",
            "metadata": {"component_type": "ChatOutput"},
        }
    }


def test_a_failed_run(client: Client) -> None:
    """It is 200 with what went wrong, and keeps its session."""
    flow_id = client.store(failing_flow())
    response = client.run(flow_id, input_value="x", session_id="s")
    answer = response.json()
    assert (response.status_code, answer["status"], answer["has_errors"]) == (200, "failed", True)
    assert answer["output"] == {"reason": "failed", "text": None, "source": None}
    assert (answer["outputs"], answer["session_id"]) == ({}, "s")
    [error] = answer["errors"]
    assert error.keys() == {"error", "code", "details"}
    assert (error["code"], error["details"]) == ("EXECUTION_ERROR", {"flow_id": flow_id, "error_type": "VertexFailed"})


@pytest.mark.parametrize(
    ("exported", "body", "output"),
    [
        (echo_flow(), {"input_value": ""}, ("single", "", "ChatOutput-b1")),
        (two_outputs(), {"input_value": "x"}, ("multiple", None, None)),
        (two_outputs(), {"input_value": "x", "output_ids": ["ChatOutput-b2"]}, ("single", "x", "ChatOutput-b2")),
        (router_flow(), {"input_value": "yes"}, ("single", "yes", "ChatOutput-yes")),
        (silent_end(), {"input_value": "x"}, ("non_string", None, None)),
        (fan(2), {"input_value": "x"}, ("single", "x x", "ChatOutput-b1")),
    ],
)
def test_the_one_text_of_a_run(
    client: Client, exported: Exported, body: dict[str, Any], output: tuple[str, str | None, str | None]
) -> None:
    """There is one, or a reason why there is none."""
    answer = client.run(client.store(exported), **body).json()
    assert answer["output"] == dict(zip(("reason", "text", "source"), output, strict=True))


def test_what_was_sent_is_echoed(client: Client, echo: str) -> None:
    """Tweaks as they came; globals of headers and body merged, the body's before the headers'."""
    tweaks = {"ChatOutput-b1": {"sender_name": "Echo"}}
    headers = {"X-LANGFLOW-GLOBAL-VAR-A": "header", "x-langflow-global-var-b-c": "header"}
    body = {"flow_id": echo, "tweaks": tweaks, "globals": {"A": "body", "D": ""}}
    answer = client.http.post(WORKFLOWS, json=body, headers=headers).json()
    assert answer["inputs"] == tweaks
    assert answer["globals"] == {"A": "body", "B-C": "header", "D": ""}


def test_a_job_has_all_its_keys(client: Client, echo: str, job_in: Callable[[Status], str]) -> None:
    """When it is accepted and while it goes on; its links are the routes of the contract."""
    accepted = client.run(echo, mode="background", globals={"A": "x"}).json()
    going_on = client.http.get(WORKFLOWS, params={"job_id": job_in(Status.IN_PROGRESS)}).json()
    for answer in (accepted, going_on):
        assert answer.keys() == JOB
        assert (answer["object"], answer["errors"], answer["flow_id"]) == ("job", [], echo)
        assert answer["links"] == {
            "status": f"/api/v2/workflows?job_id={answer['job_id']}",
            "events": f"/api/v2/workflows/{answer['job_id']}/events",
            "stop": "/api/v2/workflows/stop",
        }
    assert (accepted["globals"], going_on["globals"]) == ({"A": "x"}, {})


def test_times_are_the_job_s(client: Client, echo: str) -> None:
    """`created_timestamp` is when the job was created, whenever it is asked for, and says its time zone."""
    accepted = client.run(echo, mode="background").json()
    client.events(accepted["job_id"])
    later = client.http.get(WORKFLOWS, params={"job_id": accepted["job_id"]}).json()
    assert accepted["created_timestamp"] == later["created_timestamp"]
    assert later["created_timestamp"].endswith(("Z", "+00:00"))
