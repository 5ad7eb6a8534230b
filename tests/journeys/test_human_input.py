"""A run stops for a person and goes on from the answer, exactly once (contract 4)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import permutations
from threading import Barrier

import pytest

from tests.deployments import Deployment
from tests.journeys.gated import Gate
from tests.making import approval_flow, approvals_flow, edge, flow
from tests.reading import WORKFLOWS, Client, until
from tests.shapes import Exported


def suspended(client: Client, flow_id: str, **body: str) -> str:
    """A job of a flow, when it waits for a person."""
    job_id = client.submit(flow_id, **body)
    client.events(job_id)
    assert client.job(job_id)["status"] == "suspended"
    return job_id


def shown(client: Client, job_id: str) -> set[str]:
    """The outputs of a run that has ended, by component."""
    return set(client.job(job_id)["result"]["outputs"])


def test_a_run_waits_and_goes_on_from_the_answer(client: Client, other_client: Client) -> None:
    """The stream ends behind `human_input_required`; the answer, given to any process, goes down its branch only."""
    job_id = client.submit(client.store(approval_flow()), input_value="Refund?")
    before = client.events(job_id)
    asked = before[-1].json["data"]
    assert [frame.event for frame in before[-2:]] == ["end_vertex", "human_input_required"]
    assert (asked["request_id"], asked["kind"], asked["prompt"]) == (f"HumanInput-h1:{job_id}", "node_input", "Refund?")
    assert asked["allowed_decisions"] == ["approve", "reject"]
    assert (asked["timeout_seconds"], asked["fallback_action"]) == (259200, None)
    answer = other_client.resume(job_id, asked["request_id"], "approve")
    assert (answer.status_code, answer.json()) == (
        200,
        {"job_id": job_id, "status": "resuming", "message": "Resume accepted"},
    )
    after = client.events(job_id, before[-1].id)
    assert [frame.event for frame in after[:4]] == [
        "human_input_resolved", "vertices_sorted", "build_start", "end_vertex",
    ]  # fmt: skip
    assert after[1].json["data"]["ids"] == ["HumanInput-h1"]
    assert after[-1].event == "end"
    assert shown(client, job_id) == {"ChatOutput-yes"}
    assert client.job(job_id)["result"]["output"]["text"] == "Refund?"


def test_what_a_run_waits_for_is_told_everywhere(client: Client) -> None:
    """By its status, in the list of its flow, and in the inbox of who may answer."""
    flow_id = client.store(approval_flow())
    job_id = suspended(client, flow_id, input_value="Go on?", session_id="told")
    request_id = f"HumanInput-h1:{job_id}"
    status = client.http.get(WORKFLOWS, params={"job_id": job_id}).json()
    [pending] = client.http.get(f"{WORKFLOWS}/pending", params={"flow_id": flow_id}).json()
    inbox = client.http.get("/api/v2/human-requests", params={"flow_id": flow_id}).json()["human_requests"]
    assert status["status"] == "suspended"
    assert [one["request_id"] for one in (*status["human_requests"], *client.asked(job_id), *inbox)] == [request_id] * 3
    assert pending.keys() == {
        "job_id", "flow_id", "session_id", "created_at", "request_id", "kind", "prompt", "options", "allowed_decisions",
    }  # fmt: skip
    assert (pending["request_id"], pending["session_id"], pending["prompt"]) == (request_id, "told", "Go on?")
    assert client.stop(job_id).status_code == 200
    assert client.events(job_id)[-1].event == "cancelled"
    assert client.http.get(f"{WORKFLOWS}/pending", params={"flow_id": flow_id}).json() == []
    assert client.asked(job_id) == []


def test_sixteen_answers_at_once(client: Client, other_client: Client) -> None:
    """One is taken; the others are told who answered, what and when; the run has one branch (I5)."""
    job_id = suspended(client, client.store(approval_flow()))
    actions = ["approve", "reject"] * 8

    def decide(numbered: tuple[int, str]) -> tuple[int, dict[str, object], str]:
        number, action = numbered
        asking = client if number % 2 else other_client
        answer = asking.resume(job_id, f"HumanInput-h1:{job_id}", action, values={"number": number})
        return answer.status_code, answer.json().get("detail", {}), action

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(decide, enumerate(actions)))
    [won] = [action for status, _, action in answers if status == 200]
    lost = [detail for status, detail, _ in answers if status == 409]
    assert len(lost) == 15
    assert {detail["code"] for detail in lost} == {"NOT_RESUMABLE"}
    assert all(detail["answered"]["decision"]["action_id"] == won for detail in lost)  # type: ignore[index]
    assert all(detail["answered"]["by"] == "local" for detail in lost)  # type: ignore[index]
    client.events(job_id)
    assert shown(client, job_id) == {"ChatOutput-yes" if won == "approve" else "ChatOutput-no"}


def test_the_same_answer_again_is_the_same(client: Client) -> None:
    """Whoever did not hear that it was accepted may ask again (I12)."""
    job_id = suspended(client, client.store(approval_flow()))
    answers = [client.resume(job_id, f"HumanInput-h1:{job_id}", "approve") for _ in range(2)]
    client.events(job_id)
    answers.append(client.resume(job_id, f"HumanInput-h1:{job_id}", "approve"))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [frame.event for frame in client.events(job_id)].count("human_input_resolved") == 1


def test_a_wrong_answer_leaves_the_request_open(client: Client) -> None:
    """An action that is not allowed, a value that does not fit the form, an id that was never given."""
    form = {"type": "object", "properties": {"amount": {"type": "integer", "minimum": 1}}, "required": ["amount"]}
    job_id = suspended(client, client.store(approval_flow(form=form)))
    request_id = f"HumanInput-h1:{job_id}"
    refused = [
        client.resume(job_id, request_id, "sell"),
        client.resume(job_id, request_id, "approve"),
        client.resume(job_id, request_id, "approve", values={"amount": 0}),
        client.resume(job_id, request_id, "approve", values={"amount": 5}, text="by the way"),
        client.resume(job_id, "HumanInput-h2:nobody", "approve", values={"amount": 5}),
    ]
    assert [answer.status_code for answer in refused] == [422, 422, 422, 422, 409]
    assert {answer.json()["detail"]["code"] for answer in refused[:4]} == {"INVALID_DECISION"}
    assert refused[2].json()["detail"]["errors"][0]["field"] == "values.amount"
    assert [one["request_id"] for one in client.asked(job_id)] == [request_id]
    assert client.resume(job_id, request_id, "approve", values={"amount": 5}).status_code == 200
    assert client.events(job_id)[-1].event == "end"


def _approved_steps(gate: Gate) -> Exported:
    """ChatInput-a1 → HumanInput-1 … HumanInput-3, side by side, each approved → its own step → its own ChatOutput."""
    exported = approvals_flow(3)
    asked, people, shown = exported["nodes"][0], exported["nodes"][1:4], exported["nodes"][4:]
    steps = [gate.step(f"step-{number}") for number in (1, 2, 3)]
    edges = [
        *(edge(asked, "message", person, "prompt") for person in people),
        *(edge(person, "branch_approve", step, "input_value") for person, step in zip(people, steps, strict=True)),
        *(edge(step, "text", end, "input_value") for step, end in zip(steps, shown, strict=True)),
    ]
    return flow([asked, *people, *steps, *shown], edges)


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))), ids=str)
def test_parallel_requests_are_answered_in_any_order(client: Client, gate: Gate, order: tuple[int, ...]) -> None:
    """Each answer goes on with its own branch at once, and each branch runs once."""
    gate.open()
    job_id = suspended(client, client.store(_approved_steps(gate)), input_value="Go on?")
    assert len(client.asked(job_id)) == 3
    for answered, number in enumerate(order, 1):
        answer = client.resume(job_id, f"HumanInput-{number}:{job_id}", "approve")
        assert answer.status_code == 200, answer.text
        outputs = [frame.json["data"]["component_id"] for frame in client.events(job_id) if frame.event == "output"]
        assert sorted(outputs) == sorted(f"ChatOutput-{one}" for one in order[:answered])
        assert [line.vertex_id for line in gate.begun()] == [f"step-{one}" for one in order[:answered]]
    assert client.job(job_id)["status"] == "completed"


def test_parallel_requests_are_answered_at_once(client: Client, other_client: Client, gate: Gate) -> None:
    """No answer is lost for another one that comes at the same moment, and each branch runs once (B8)."""
    job_id = suspended(client, client.store(_approved_steps(gate)))
    barrier = Barrier(3)

    def decide(number: int) -> int:
        barrier.wait()
        asking = client if number % 2 else other_client
        return asking.resume(job_id, f"HumanInput-{number}:{job_id}", "approve").status_code

    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(decide, (1, 2, 3))) == [200, 200, 200]
    gate.open()
    with client.following(f"{WORKFLOWS}/{job_id}/events", on_suspend="follow") as found:
        until(found, "end")
    assert shown(client, job_id) == {"ChatOutput-1", "ChatOutput-2", "ChatOutput-3"}
    assert sorted(line.vertex_id for line in gate.begun()) == ["step-1", "step-2", "step-3"]


@pytest.mark.parametrize("mode", ["sync", "stream"])
def test_a_run_that_somebody_waits_for_is_suspended_too(client: Client, mode: str) -> None:
    """Sync is answered with what is asked, a stream ends there; both go on from the answer."""
    flow_id = client.store(approval_flow())
    if mode == "sync":
        answer = client.run(flow_id, input_value="Go on?").json()
        assert (answer["status"], answer["human_request"]["prompt"]) == ("suspended", "Go on?")
        job_id, request_id = answer["job_id"], answer["human_request"]["request_id"]
    else:
        with client.streaming(flow_id, input_value="Go on?") as found:
            seen = list(found)
        assert seen[-1].event == "human_input_required"
        request_id = seen[-1].json["data"]["request_id"]
        job_id = request_id.partition(":")[2]
    assert client.resume(job_id, request_id, "reject").status_code == 200
    assert client.events(job_id)[-1].event == "end"
    assert shown(client, job_id) == {"ChatOutput-no"}


def test_a_stream_may_stay_open_across_the_pause(client: Client, other_client: Client) -> None:
    """`?on_suspend=follow` goes on with what follows the answer."""
    job_id = suspended(client, client.store(approval_flow()))
    url = f"{WORKFLOWS}/{job_id}/events"
    with client.following(url, on_suspend="follow") as found:
        until(found, "human_input_required")
        assert other_client.resume(job_id, f"HumanInput-h1:{job_id}", "approve").status_code == 200
        assert until(found, "end")


def test_a_new_run_of_the_session_takes_the_place_of_one_that_waits(client: Client) -> None:
    """And of no other session's (contract 1.1)."""
    flow_id = client.store(approval_flow())
    mine = suspended(client, flow_id, session_id="mine")
    yours = suspended(client, flow_id, session_id="yours")
    client.submit(flow_id, session_id="mine")
    assert [client.job(job_id)["status"] for job_id in (mine, yours)] == ["cancelled", "suspended"]
    assert client.resume(mine, f"HumanInput-h1:{mine}", "approve").status_code == 409


def test_a_paused_job_goes_on_when_it_is_resumed(client: Client) -> None:
    """While it is paused an answer is taken and wakes nothing."""
    job_id = suspended(client, client.store(approval_flow()))
    paused = client.http.post(f"{WORKFLOWS}/{job_id}/pause")
    assert (paused.status_code, paused.json()["status"]) == (200, "suspended")
    assert client.resume(job_id, f"HumanInput-h1:{job_id}", "approve").status_code == 200
    assert client.job(job_id)["status"] == "suspended"
    assert client.resume(job_id, None, None).status_code == 200
    assert client.events(job_id)[-1].event == "end"
    assert client.resume(job_id, None, None).status_code == 409


def test_a_job_that_waits_runs_the_flow_as_it_was(client: Client, deployment: Deployment) -> None:
    """However it was edited since (B15)."""
    flow_id = client.store(approval_flow())
    job_id = suspended(client, flow_id, input_value="as it was")
    changed = client.http.patch(f"/api/v1/flows/{flow_id}", json={"data": approvals_flow(1)})
    assert changed.status_code == 200
    with closing(Client(deployment.other_url)) as other:
        assert other.resume(job_id, f"HumanInput-h1:{job_id}", "approve").status_code == 200
    client.events(job_id)
    assert client.job(job_id)["result"]["output"]["text"] == "as it was"
