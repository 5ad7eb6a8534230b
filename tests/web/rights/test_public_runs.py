"""Runs by anybody (contract 6.1 to 6.3): the published flow as it is stored, and nothing of its owner's."""

import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from storage.database import Database
from storage.flow_store import store_version
from storage.secrets import Secrets
from storage.tables import Flow, Job
from storage.users import activate, deactivate
from storage.variables import set_variable
from tests.deployments import embedded
from tests.making import approval_flow, echo_flow, edge, failing_flow, flow, model_flow, node, template
from tests.model_stub import ModelStub
from tests.reading import FLOWS, PATIENCE, WORKFLOWS, Client, Frame, frames
from tests.shapes import Exported, Shape
from tests.web.refusing import assert_refused
from tests.web.rights.principals import TEST, Principal
from tests.web.rights.world import World

PUBLIC = f"{WORKFLOWS}/public"
NOWHERE = "0b105ea0-ccef-46c8-844d-d57373370a52"


def published(world: World, data: Exported) -> str:
    return world.store(data, access_type="PUBLIC")


def visit(world: World, flow_id: str, client: str = "a-visitor", **body: Any) -> list[Frame]:
    """All that a visitor is shown of a run."""
    headers = {"cookie": f"client_id={client}"}
    with world.http.stream("POST", PUBLIC, json={"flow_id": flow_id, **body}, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        return list(frames(answer))


def asked(world: World, principal: Principal = Principal.VISITOR, **body: Any) -> httpx.Response:
    return world.send(principal, "POST", PUBLIC, json=body)


def told(found: list[Frame]) -> str:
    """The text that a run put out."""
    [output] = [frame.json["data"] for frame in found if frame.event == "output"]
    return str(output["content"])


def sessions(kept: Database, flow_id: str) -> list[str]:
    with kept.read() as connection:
        statement = select(col(Job.session_id)).where(col(Job.flow_id) == flow_id).order_by(col(Job.created_at))
        return list(connection.execute(statement).scalars())


def test_a_visitor_is_streamed_the_answer_and_no_state_of_the_graph(world: World) -> None:
    found = visit(world, world.flow_id, input_value="hello")
    assert told(found) == "hello"
    assert found[-1].event == "end"
    assert not {"vertices_sorted", "end_vertex"} & {frame.event for frame in found}


@pytest.mark.parametrize(
    "field",
    [
        {"tweaks": {"ChatOutput-b1": {"input_value": "x"}}},
        {"data": {"nodes": [], "edges": []}},
        {"globals": {"KEY": "x"}},
        {"expose_graph_state": True},
        {"output_ids": []},
        {"idempotency_key": "k"},
        {"mode": "sync"},
        {"mode": "background"},
        {"input_value": "x" * 65_537},
        {"session_id": "x" * 257},
        {"flow_id": "an-endpoint"},
    ],
    ids=lambda field: next(iter(field)),
)
def test_what_would_change_what_runs_is_refused(world: World, field: Mapping[str, Any]) -> None:
    """F1 (CVE-2026-33017)."""
    assert asked(world, **{"flow_id": world.flow_id, **field}).status_code == 422


def test_a_private_flow_and_one_that_is_not_there_look_the_same(world: World) -> None:
    private = asked(world, flow_id=world.store(echo_flow()))
    missing = asked(world, flow_id=NOWHERE)
    assert (private.status_code, private.content) == (404, b'{"detail":"Flow not found"}')
    assert (missing.status_code, missing.content) == (404, b'{"detail":"Flow not found"}')


def test_a_flow_is_public_as_long_as_its_owner_says_so(world: World) -> None:
    """6.2: a share of the public decides, and else whether it is published."""
    flow_id = world.store(echo_flow())
    answers = []
    for level in ("read", "execute"):
        world.by_owner("POST", f"{FLOWS}{flow_id}/shares", json={"public": True, "level": level})
        answers.append(asked(world, flow_id=flow_id).status_code)
    [share_id] = [one["id"] for one in world.by_owner("GET", f"{FLOWS}{flow_id}/shares") if one["public"]]
    world.by_owner("DELETE", f"{FLOWS}{flow_id}/shares/{share_id}")
    answers.append(asked(world, flow_id=flow_id).status_code)
    assert answers == [404, 200, 404]


def test_a_visitor_needs_the_cookie(world: World) -> None:
    answer = asked(world, Principal.ANONYMOUS, flow_id=world.flow_id)
    assert (answer.status_code, answer.json()) == (400, {"detail": "No client_id cookie found"})


def test_nobody_gets_into_the_session_of_another_visitor(world: World, kept: Database) -> None:
    """F16: whatever session they name, also that of somebody else in full."""
    visit(world, world.flow_id, "first", session_id="a")
    visit(world, world.flow_id, "second", session_id="a")
    [first, second] = sessions(kept, world.flow_id)
    visit(world, world.flow_id, "second", session_id=first)
    visit(world, world.flow_id, "first", session_id=first)
    found = sessions(kept, world.flow_id)
    assert first != second
    assert found[2:] == [f"{second.removesuffix(':a')}:{first}", first]


def test_a_flow_that_cannot_be_built_is_refused_without_saying_why(world: World, kept: Database) -> None:
    """6.1."""
    flow_id = published(world, echo_flow())
    unknown = store_version(kept, flow([node("Secret", "Secret-s1", shape=Shape("Secret", {}, {}))]))
    with kept.durable() as connection:
        connection.execute(update(Flow).where(col(Flow.id) == flow_id).values(version_id=unknown))
    answer = asked(world, flow_id=flow_id)
    assert (answer.status_code, answer.json()) == (400, {"detail": "This flow cannot be executed."})


def test_a_failure_is_told_without_its_reason(world: World) -> None:
    found = visit(world, published(world, failing_flow()), input_value="x")
    shown = "".join(frame.data for frame in found)
    assert "Workflow execution failed." in shown
    assert "resembles" not in shown
    assert "ConditionalRouter-bad" not in shown


def test_a_public_run_sees_no_variable_of_anybody(world: World, kept: Database, secret_key: str) -> None:
    for principal in (Principal.OWNER, Principal.OTHER):
        set_variable(kept, Secrets([secret_key]), world.people.user_ids[principal], "GREETING", "a secret")
    text, shown = node("TextInput", "TextInput-t1", input_value="GREETING"), node("ChatOutput", "ChatOutput-b1")
    template(text)["input_value"]["load_from_db"] = True
    flow_id = published(world, flow([text, shown], [edge(text, "text", shown, "input_value")]))
    by_user = world.send(Principal.OTHER, "POST", PUBLIC, json={"flow_id": flow_id}).text
    by_visitor = "".join(frame.data for frame in visit(world, flow_id))
    assert "a secret" not in by_user + by_visitor
    assert "Workflow execution failed." in by_user
    assert "Workflow execution failed." in by_visitor


def test_a_human_request_is_for_the_owner_and_the_visitor_waits(world: World) -> None:
    """They see neither what is asked nor who decides, and the answer when it is there."""
    flow_id = published(world, approval_flow())
    found: list[Frame] = []
    visitor = threading.Thread(target=lambda: found.extend(visit(world, flow_id, input_value="please")))
    visitor.start()
    request = _awaited(world, flow_id)
    body = {"request_id": request["request_id"], "decision": {"action_id": "approve"}}
    foreign = world.send(Principal.EXECUTOR, "POST", f"{WORKFLOWS}/{request['job_id']}/resume", json=body)
    assert foreign.status_code == 404
    headers = {"x-api-key": world.people.headers[Principal.OWNER]["x-api-key"]}
    assert world.http.post(f"{WORKFLOWS}/{request['job_id']}/resume", json=body, headers=headers).is_success
    visitor.join(PATIENCE)
    assert told(found) == "please"
    assert not [frame.event for frame in found if frame.event.startswith("human_input")]


def _awaited(world: World, flow_id: str) -> Mapping[str, Any]:
    """The one request of a flow, from the feed of its owner."""
    headers = {"x-api-key": world.people.headers[Principal.OWNER]["x-api-key"]}
    deadline = time.monotonic() + PATIENCE
    with (
        httpx.Client(base_url=world.http.base_url, timeout=PATIENCE, headers=headers) as client,
        client.stream("GET", "/api/v2/human-requests/events") as feed,
    ):
        for line in feed.iter_lines():
            assert time.monotonic() < deadline, "nothing was asked"
            if line.startswith("data: ") and flow_id in line:
                return dict(Frame("", line.removeprefix("data: ")).json["data"])
    raise AssertionError("the feed ended")


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("{flow}/../other/x.txt", "Invalid file path"),
        ("/{flow}/x.txt", "Invalid file path"),
        ("{flow}\\x.txt", "Invalid file path"),
        ("x.txt", "Invalid file path format"),
        ("{flow}/", "Invalid file path format"),
        ("{flow}/a/x.txt", "Invalid file path format"),
        ("https://example.com/x.png", "Invalid file path format"),
        ("another-flow/x.txt", "File not in this flow's namespace"),
    ],
)
def test_a_visitor_names_files_of_the_flow_only(world: World, path: str, detail: str) -> None:
    """6.1."""
    answer = asked(world, flow_id=world.flow_id, files=[path.format(flow=world.flow_id)])
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})


def test_a_visitor_is_refused_beyond_the_rate_whatever_flow_they_ask_for(tmp_path: Path) -> None:
    """6.1: one bucket for all flows, before anything is looked up."""
    with (
        embedded(tmp_path, {"PENSTOCK_PUBLIC_RUNS_PER_MINUTE": "2"}) as deployment,
        closing(Client(deployment.url)) as client,
    ):
        ids = [client.store(echo_flow()) for _ in range(3)]
        answers = [client.http.post(PUBLIC, json={"flow_id": flow_id}) for flow_id in (*ids, NOWHERE)]
    assert [answer.status_code for answer in answers[:2]] == [400, 400]
    for answer in answers[2:]:
        assert_refused(answer, 429, "RATE_LIMITED")
        assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_a_public_run_does_not_use_the_keys_that_stand_in_the_flow(tmp_path: Path) -> None:
    """6.3: those of the owner's runs are used; visitors get what the settings name."""
    with (
        ModelStub() as model,
        embedded(tmp_path, {"PENSTOCK_ALLOWED_HOSTS": "127.0.0.1"}) as deployment,
        closing(Client(deployment.url)) as client,
    ):
        data = model_flow(model.url)
        template(data["nodes"][1])["api_key"] = {"type": "str", "password": True, "value": "sk-of-the-owner"}
        flow_id = client.store({"name": "a model", "data": data, "access_type": "PUBLIC"})
        assert client.run(flow_id, input_value="x").json()["status"] == "completed"
        answer = client.http.post(PUBLIC, json={"flow_id": flow_id}, headers={"cookie": "client_id=a-visitor"})
        assert '"end"' in answer.text
    assert [request.key for request in model.requests] == ["sk-of-the-owner", "none"]


def test_visitors_who_wait_take_no_seat_of_users(tmp_path: Path) -> None:
    """F16: whatever visitors do, their number is bounded, and the owner follows."""
    with (
        embedded(tmp_path, {"PENSTOCK_MAX_PUBLIC_STREAMS": "1", "PENSTOCK_MAX_STREAMS": "1"}) as deployment,
        closing(Client(deployment.url)) as client,
    ):
        flow_id = client.store({"name": "asks", "data": approval_flow(), "access_type": "PUBLIC"})
        body, headers = {"flow_id": flow_id, "input_value": "x"}, {"cookie": "client_id=a-visitor"}
        with (
            httpx.Client(base_url=deployment.url, timeout=PATIENCE, headers=headers) as visitor,
            visitor.stream("POST", PUBLIC, json=body) as waiting,
        ):
            assert waiting.status_code == 200
            assert_refused(visitor.post(PUBLIC, json=body), 503, "SERVICE_BUSY")
            with client.streaming(client.store(echo_flow()), input_value="x") as stream:
                assert [frame.event for frame in stream][-1] == "end"


def test_who_may_run_a_flow_in_public_runs_all_of_it(world: World) -> None:
    """F1: a part could leave out the person who is to be asked first."""
    flow_id = published(world, approval_flow())
    body = {"flow_id": flow_id, "start_component_id": "ChatOutput-yes"}
    headers = {"cookie": "client_id=a-visitor"}
    with (
        httpx.Client(base_url=world.http.base_url, timeout=PATIENCE, headers=headers) as visitor,
        visitor.stream("POST", PUBLIC, json=body) as stream,
    ):
        assert stream.status_code == 200
        assert _awaited(world, flow_id)["prompt"] == ""


def test_a_flow_of_somebody_who_may_do_nothing_any_more_is_not_public(world: World, kept: Database) -> None:
    flow_id = published(world, echo_flow())
    deactivate(kept, world.people.user_ids[Principal.OWNER], TEST)
    try:
        assert asked(world, flow_id=flow_id).status_code == 404
    finally:
        activate(kept, world.people.user_ids[Principal.OWNER], TEST)
