"""Runs of a flow by those with whom it is shared: they get the stored flow, and see no further into it than they may
(contract 6.5)."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from storage.database import Database
from storage.secrets import Secrets
from storage.variables import set_variable
from tests.making import approval_flow, echo_flow, edge, failing_flow, flow, node, template
from tests.reading import FLOWS, WORKFLOWS, frames
from tests.shapes import Exported
from tests.web.refusing import assert_refused
from tests.web.rights.principals import Principal
from tests.web.rights.world import World

HIDDEN = "sk-what-the-owner-wrote-into-the-flow"
GENERIC = "Workflow execution failed."
OTHER_DATA = flow([node("TextInput", "TextInput-t1", input_value="other data")])


def naming_flow(*, with_secret: bool) -> Exported:
    """TextInput-t1, which tells the value of the variable GREETING → ChatOutput-b1; and perhaps a literal secret."""
    told, shown = node("TextInput", "TextInput-t1", input_value="GREETING"), node("ChatOutput", "ChatOutput-b1")
    template(told)["input_value"]["load_from_db"] = True
    if with_secret:
        template(told)["token"] = {"type": "str", "password": True, "value": HIDDEN}
    return flow([told, shown], [edge(told, "text", shown, "input_value")])


def run(world: World, principal: Principal, flow_id: str, **body: Any) -> httpx.Response:
    return world.send(principal, "POST", WORKFLOWS, json={"flow_id": flow_id, **body})


def text(answer: httpx.Response) -> object:
    assert answer.status_code == 200, answer.text
    return answer.json()["output"]["text"]


def tweak(value: str) -> Mapping[str, Any]:
    return {"ChatOutput-b1": {"data_template": value}, "TextInput-t1": {"input_value": value}}


@pytest.mark.parametrize(("principal", "told"), [(Principal.EXECUTOR, "as stored"), (Principal.WRITER, "tweaked")])
def test_tweaks_are_for_those_who_may_change_the_flow(world: World, principal: Principal, told: str) -> None:
    stored, shown = node("TextInput", "TextInput-t1", input_value="as stored"), node("ChatOutput", "ChatOutput-b1")
    flow_id = world.store(flow([stored, shown], [edge(stored, "text", shown, "input_value")]))
    tweaks = {"TextInput-t1": {"input_value": "tweaked"}}
    assert text(run(world, principal, flow_id, tweaks=tweaks)) == told


@pytest.mark.parametrize(
    ("principal", "shown"), [(Principal.EXECUTOR, "ChatOutput-b1"), (Principal.WRITER, "TextInput-t1")]
)
def test_another_graph_is_for_those_who_may_change_the_flow(world: World, principal: Principal, shown: str) -> None:
    """F1: the stored graph runs instead."""
    body = {"flow_id": world.flow_id, "input_value": "x", "mode": "stream", "data": OTHER_DATA}
    headers = dict(world.people.headers[principal])
    with world.http.stream("POST", WORKFLOWS, json=body, headers=headers) as answer:
        outputs = {frame.json["data"]["component_id"] for frame in frames(answer) if frame.event == "output"}
    assert outputs == {shown}


def test_who_may_only_run_it_sees_no_state_of_the_graph(world: World) -> None:
    """Even if they ask for it, live or when they come back."""
    body = {"flow_id": world.flow_id, "input_value": "x", "mode": "stream", "expose_graph_state": True}
    seen = {}
    for principal in (Principal.EXECUTOR, Principal.OWNER):
        headers = dict(world.people.headers[principal])
        with world.http.stream("POST", WORKFLOWS, json=body, headers=headers) as answer:
            live = {frame.event for frame in frames(answer)}
        with world.http.stream("GET", f"{WORKFLOWS}/{answer.headers['x-job-id']}/events", headers=headers) as again:
            seen[principal] = live | {frame.event for frame in frames(again)}
    assert seen[Principal.OWNER] - seen[Principal.EXECUTOR] >= {"vertices_sorted", "end_vertex"}


@pytest.mark.parametrize("mode", ["sync", "background"])
def test_an_error_is_told_to_those_who_may_change_the_flow(world: World, mode: str) -> None:
    """F19: to others that it failed, and nothing of where and why, wherever they look."""
    flow_id = world.store(failing_flow())
    told = {}
    for principal in (Principal.OWNER, Principal.WRITER, Principal.EXECUTOR):
        job_id = run(world, principal, flow_id, mode=mode, input_value="x").json()["job_id"]
        events = world.send(principal, "GET", f"{WORKFLOWS}/{job_id}/events").text
        detail = world.send(principal, "GET", f"{WORKFLOWS}/{job_id}").text
        status = world.send(principal, "GET", f"{WORKFLOWS}?job_id={job_id}").text
        told[principal] = events + detail + status
    assert "resembles" in told[Principal.OWNER]
    assert "resembles" in told[Principal.WRITER]
    assert not {"resembles", "ConditionalRouter-bad"} & set(told[Principal.EXECUTOR].replace('"', " ").split())
    assert told[Principal.EXECUTOR].count(GENERIC) >= 3


def test_a_user_reads_a_shared_flow_without_its_secrets(world: World) -> None:
    flow_id = world.store(naming_flow(with_secret=True))
    found = {one: world.send(one, "GET", f"{FLOWS}{flow_id}").text for one in Principal}
    listed = {one: world.send(one, "GET", FLOWS).text for one in (Principal.READER, Principal.WRITER)}
    assert {one for one, shown in found.items() if HIDDEN in shown} >= {Principal.OWNER, Principal.WRITER}
    assert HIDDEN not in found[Principal.READER] + found[Principal.EXECUTOR] + listed[Principal.READER]
    assert HIDDEN in listed[Principal.WRITER]


def test_globals_are_refused_where_the_flow_holds_secrets_of_its_owner(world: World) -> None:
    """Or they could send them to an address of their own (fault F11). Nothing is stored."""
    flow_id = world.store(naming_flow(with_secret=True))
    answer = run(world, Principal.EXECUTOR, flow_id, globals={"GREETING": "mine"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Cannot set globals of a shared flow")
    assert text(run(world, Principal.WRITER, flow_id, globals={"GREETING": "mine"})) == "mine"


@pytest.mark.parametrize("principal", [Principal.EXECUTOR, Principal.WRITER, Principal.SUPERUSER])
def test_a_flow_is_given_the_variables_of_its_owner_and_of_nobody_else(
    world: World, kept: Database, secret_key: str, principal: Principal
) -> None:
    """Its owner decides where it sends what it is given. Whoever else runs it says what it may have, in globals."""
    secrets = Secrets([secret_key])
    for one in (Principal.OWNER, principal):
        set_variable(kept, secrets, world.people.user_ids[one], "GREETING", f"of the {one}")
    flow_id = world.store(naming_flow(with_secret=False))
    assert text(run(world, Principal.OWNER, flow_id)) == "of the owner"
    answer = run(world, principal, flow_id)
    assert answer.json()["status"] == "failed"
    assert not {f"of the {principal}", "of the owner"} & set(answer.text.split('"'))
    assert text(run(world, principal, flow_id, globals={"GREETING": "said so"})) == "said so"


def test_who_may_only_run_a_flow_runs_all_of_it(world: World) -> None:
    """F1: a part could leave out the person who is to be asked first."""
    flow_id = world.store(approval_flow())
    part = {"start_component_id": "ChatOutput-yes"}
    body = {"flow_id": flow_id, "input_value": "x", "mode": "stream", **part}
    seen = {}
    for principal in (Principal.EXECUTOR, Principal.WRITER):
        headers = dict(world.people.headers[principal])
        with world.http.stream("POST", WORKFLOWS, json=body, headers=headers) as answer:
            seen[principal] = {frame.event for frame in frames(answer)}
    assert "human_input_required" in seen[Principal.EXECUTOR]
    assert "human_input_required" not in seen[Principal.WRITER]


def shares(world: World, flow_id: str) -> Mapping[str, str]:
    return {one["user"]: one["id"] for one in world.by_owner("GET", f"{FLOWS}{flow_id}/shares")}


def test_who_has_lost_the_right_to_see_a_flow_sees_no_job_of_it_any_more(world: World) -> None:
    """Rights are decided at the moment of use (I9)."""
    job_id = run(world, Principal.EXECUTOR, world.flow_id, mode="background", input_value="x").json()["job_id"]
    paths = [f"{WORKFLOWS}?job_id={job_id}", f"{WORKFLOWS}/{job_id}", f"{WORKFLOWS}/{job_id}/events"]
    before = [world.send(Principal.EXECUTOR, "GET", path).status_code for path in paths]
    share_id = shares(world, world.flow_id)["executor"]
    world.by_owner("DELETE", f"{FLOWS}{world.flow_id}/shares/{share_id}")
    after = [world.send(Principal.EXECUTOR, "GET", path).status_code for path in paths]
    assert (before, after) == ([200] * 3, [404] * 3)


def test_who_has_lost_the_right_to_run_a_flow_does_not_resume_it(world: World) -> None:
    """F6: the request stays open, and whoever gets the right back may answer it."""
    flow_id = world.store(approval_flow())
    waiting = run(world, Principal.EXECUTOR, flow_id, input_value="x").json()
    url = f"{WORKFLOWS}/{waiting['job_id']}/resume"
    decision = {"request_id": waiting["human_request"]["request_id"], "decision": {"action_id": "approve"}}
    share = {"user": "executor", "level": "read"}
    world.by_owner("POST", f"{FLOWS}{flow_id}/shares", json=share)
    refused = world.send(Principal.EXECUTOR, "POST", url, json=decision)
    assert_refused(refused, 403, "FLOW_EXECUTE_FORBIDDEN", flow_id=flow_id)
    world.by_owner("POST", f"{FLOWS}{flow_id}/shares", json={**share, "level": "execute"})
    assert world.send(Principal.EXECUTOR, "POST", url, json=decision).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"level": "read"},
        {"user": "other", "public": True, "level": "read"},
        {"public": True, "level": "write"},
        {"user": "other", "level": "own"},
        {"user": "", "level": "read"},
        {"user": "other", "level": "read", "more": 1},
    ],
    ids=json.dumps,
)
def test_a_share_that_does_not_fit_is_refused(world: World, body: Mapping[str, Any]) -> None:
    answer = world.send(Principal.OWNER, "POST", f"{FLOWS}{world.flow_id}/shares", json=body)
    assert answer.status_code == 422
    assert set(shares(world, world.flow_id)) == {"reader", "executor", "writer"}


def test_a_flow_is_shared_with_somebody_who_is_there(world: World) -> None:
    body = {"user": "nobody-there", "level": "read"}
    answer = world.send(Principal.OWNER, "POST", f"{FLOWS}{world.flow_id}/shares", json=body)
    assert_refused(answer, 422, "UNKNOWN_USER", user="nobody-there")


def test_who_may_change_a_flow_does_not_publish_it(world: World) -> None:
    flow_id = world.store(echo_flow())
    answer = world.send(Principal.WRITER, "PATCH", f"{FLOWS}{flow_id}", json={"access_type": "PUBLIC"})
    assert_refused(answer, 403, "FLOW_OWNER_REQUIRED", flow_id=flow_id)
    assert world.by_owner("GET", f"{FLOWS}{flow_id}")["access_type"] == "PRIVATE"


@pytest.mark.parametrize("takes_back", [False, True])
def test_who_has_lost_every_right_decides_nothing_in_a_job_of_theirs(world: World, takes_back: bool) -> None:
    """F6: even where the flow names them."""
    flow_id = world.store(approval_flow(answerers=[Principal.EXECUTOR.value]))
    waiting = run(world, Principal.EXECUTOR, flow_id, input_value="x").json()
    url = f"{WORKFLOWS}/{waiting['job_id']}"
    if takes_back:
        world.by_owner("DELETE", f"{FLOWS}{flow_id}/shares/{shares(world, flow_id)['executor']}")
    decision = {"request_id": waiting["human_request"]["request_id"], "decision": {"action_id": "approve"}}
    answers = [world.send(Principal.EXECUTOR, "POST", f"{url}/resume", json=body) for body in ({}, decision)]
    assert [answer.status_code for answer in answers] == ([404, 404] if takes_back else [409, 200])


def test_a_job_goes_on_only_while_whoever_runs_it_may_run_its_flow(world: World) -> None:
    """A superuser answers for them; what the answer starts is refused."""
    flow_id = world.store(approval_flow())
    waiting = run(world, Principal.EXECUTOR, flow_id, input_value="x").json()
    world.by_owner("POST", f"{FLOWS}{flow_id}/shares", json={"user": "executor", "level": "read"})
    decision = {"request_id": waiting["human_request"]["request_id"], "decision": {"action_id": "approve"}}
    url = f"{WORKFLOWS}/{waiting['job_id']}"
    assert world.send(Principal.SUPERUSER, "POST", f"{url}/resume", json=decision).status_code == 200
    headers = dict(world.people.headers[Principal.SUPERUSER])
    with world.http.stream("GET", f"{url}/events?on_suspend=follow", headers=headers) as stream:
        assert [frame.event for frame in frames(stream)][-2:] == ["error", "end"]
    assert world.send(Principal.EXECUTOR, "GET", url).json()["status"] == "failed"


def test_who_may_not_change_a_flow_any_more_is_shown_less_of_it(world: World) -> None:
    """F14: of a job that they began while they might, too."""
    job_id = run(world, Principal.WRITER, world.flow_id, mode="background", input_value="x").json()["job_id"]
    url = f"{WORKFLOWS}/{job_id}/events"
    before = world.send(Principal.WRITER, "GET", url).text
    world.by_owner("POST", f"{FLOWS}{world.flow_id}/shares", json={"user": "writer", "level": "read"})
    after = world.send(Principal.WRITER, "GET", url).text
    assert "vertices_sorted" in before
    assert "vertices_sorted" not in after


def test_an_owner_stops_what_others_run_of_their_flow(world: World) -> None:
    """So that they can delete it."""
    flow_id = world.store(approval_flow())
    job_id = run(world, Principal.EXECUTOR, flow_id, input_value="x").json()["job_id"]
    refused = world.send(Principal.OWNER, "DELETE", f"{FLOWS}{flow_id}")
    assert_refused(refused, 409, "FLOW_HAS_LIVE_JOBS", flow_id=flow_id, job_ids=[job_id])
    world.by_owner("POST", f"{WORKFLOWS}/stop", json={"job_id": job_id})
    world.by_owner("DELETE", f"{FLOWS}{flow_id}")
