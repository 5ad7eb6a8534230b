"""A flow as an AG-UI agent, for those who stand side by side: each has runs and interrupts of their own."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from tests.making import approval_flow, echo_flow
from tests.web.rights.principals import END_USER, Principal
from tests.web.rights.world import World


def say(world: World, principal: Principal, flow_id: str, name: str | None = None, **body: Any) -> httpx.Response:
    """What somebody, or the end user of that name, sends to an agent."""
    sent = {
        "threadId": "thread",
        "runId": str(uuid4()),
        "state": {},
        "messages": [],
        "tools": [],
        "context": [],
        **body,
    }
    client = world.proxy if principal is Principal.END_USER else world.http
    headers: Mapping[str, str] = {**world.people.headers[principal], **({} if name is None else {END_USER: name})}
    url = f"/api/v2/agui/{flow_id}?expose_graph_state=true"
    return client.post(url, headers=headers, json={**sent, "forwardedProps": {}})


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]


def asking(text: str) -> dict[str, Any]:
    return {"messages": [{"id": "1", "role": "user", "content": text}]}


def answering(interrupt_id: str, payload: Any = "approve", status: str = "resolved") -> dict[str, Any]:
    return {"resume": [{"interruptId": interrupt_id, "status": status, "payload": payload}]}


def test_the_same_names_are_other_runs_for_others(world: World) -> None:
    """Two end users of one service who name thread and run alike, and the service itself, are answered for
    themselves."""
    flow_id, run_id = world.store(echo_flow()), str(uuid4())
    callers = [(Principal.END_USER, "alice"), (Principal.END_USER, "bob"), (Principal.OWNER, None)]
    answers = [say(world, who, flow_id, name, **asking(str(name)), runId=run_id) for who, name in callers]
    said = [[one["delta"] for one in told(answer) if one["type"] == "TEXT_MESSAGE_CONTENT"] for answer in answers]
    assert said == [["alice"], ["bob"], ["None"]]
    assert len({answer.headers["x-job-id"] for answer in answers}) == 3
    again = say(world, Principal.END_USER, flow_id, "alice", **asking("alice"), runId=run_id)
    assert again.headers["x-job-id"] == answers[0].headers["x-job-id"]


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("status", ["resolved", "cancelled"])
def test_an_interrupt_is_for_whom_it_interrupts(world: World, status: str, paused: bool) -> None:
    """To everybody else it looks like one that never was, whether they answer or abandon it (I9)."""
    flow_id = world.store(approval_flow())
    asked = say(world, Principal.END_USER, flow_id, "alice", **asking("Refund?"))
    [interrupt] = told(asked)[-1]["outcome"]["interrupts"]
    real = f"paused:{asked.headers['x-job-id']}" if paused else interrupt["id"]
    invented = f"paused:{uuid4()}" if paused else "HumanInput-h1:1:" + str(uuid4())
    others = [(Principal.END_USER, "bob"), *((who, None) for who in (Principal.OWNER, Principal.SUPERUSER))]
    for principal, name in [*others, (Principal.EXECUTOR, None), (Principal.WRITER, None)]:
        for thread in ("thread", "alice::thread"):
            found = [
                say(world, principal, flow_id, name, **answering(id, status=status), threadId=thread)
                for id in (real, invented)
            ]
            assert found[0].status_code == 404, (principal, name, found[0].text)
            assert found[0].text.replace(real, "ID") == found[1].text.replace(invented, "ID")
    [answered, *_] = [say(world, Principal.END_USER, flow_id, "alice", **answering(interrupt["id"]))]
    assert told(answered)[-1]["outcome"] == {"type": "success"}


def test_the_graph_is_told_to_whom_may_see_it_now(world: World) -> None:
    """Whoever might change the flow when they ran it, and may not any more, goes on without the state of its graph."""
    flow_id = world.store(approval_flow())
    asked = told(say(world, Principal.WRITER, flow_id, **asking("Refund?")))
    assert "STATE_SNAPSHOT" in [one["type"] for one in asked]
    lowered = {"user": Principal.WRITER.value, "level": "execute"}
    world.by_owner("POST", f"/api/v1/flows/{flow_id}/shares", json=lowered)
    [interrupt] = asked[-1]["outcome"]["interrupts"]
    rest = told(say(world, Principal.WRITER, flow_id, **answering(interrupt["id"])))
    assert rest[-1]["type"] == "RUN_FINISHED"
    assert {"STATE_SNAPSHOT", "STATE_DELTA"}.isdisjoint(one["type"] for one in rest)
