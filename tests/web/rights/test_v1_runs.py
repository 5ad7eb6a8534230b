"""Runs through Langflow's first API by those with whom a flow is shared: the same rights as through the second."""

from typing import Any
from uuid import uuid4

import httpx

from tests.making import edge, failing_flow, flow, node
from tests.shapes import Exported
from tests.web.refusing import assert_refused
from tests.web.rights.principals import Principal
from tests.web.rights.world import World

HIDDEN_NAME = "what the owner calls the component"


def told_flow() -> Exported:
    """TextInput-t1 → ChatOutput-b1, the second under a name of the owner's."""
    said = node("TextInput", "TextInput-t1", input_value="as stored", display_name=HIDDEN_NAME)
    shown = node("ChatOutput", "ChatOutput-b1")
    return flow([said, shown], [edge(said, "text", shown, "input_value")])


def run(world: World, principal: Principal, named: str, **body: Any) -> httpx.Response:
    return world.send(principal, "POST", f"/api/v1/run/{named}", json=body)


def components(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [result["component_id"] for result in answer.json()["outputs"][0]["outputs"]]


def test_who_may_not_change_a_flow_sees_what_it_shows(world: World) -> None:
    """Neither what its other components did, nor their names; a stream tells them no more."""
    flow_id, executor = world.store(told_flow()), Principal.EXECUTOR
    everything = run(world, Principal.WRITER, flow_id, output_type="debug")
    shown = run(world, executor, flow_id, output_type="debug", tweaks={"TextInput-t1": {"input_value": "tweaked"}})
    streamed = run(world, executor, flow_id, stream=True)
    assert (components(everything), components(shown)) == (["TextInput-t1", "ChatOutput-b1"], ["ChatOutput-b1"])
    assert HIDDEN_NAME in everything.text
    assert "as stored" in shown.text
    assert "as stored" in streamed.text
    assert HIDDEN_NAME not in shown.text + streamed.text
    assert "end_vertex" not in streamed.text
    unseen = run(world, executor, flow_id, output_component="TextInput-t1")
    assert_refused(unseen, 422, "UNKNOWN_OUTPUT_IDS", available=["ChatOutput-b1"])


def test_an_input_that_would_change_the_flow_is_refused(world: World) -> None:
    """Rather than left out: the run would answer something else than was asked."""
    flow_id = world.store(told_flow())
    refused = run(world, Principal.EXECUTOR, flow_id, input_value="x", input_type="text")
    assert_refused(refused, 422, "INPUT_TYPE_REFUSED", fields=["input_type"])
    assert "x" in run(world, Principal.WRITER, flow_id, input_value="x", input_type="text").text


def test_what_went_wrong_is_not_told_to_everybody(world: World) -> None:
    """Whoever may not change a flow is told that it failed, and no more (contract 6.5)."""
    flow_id = world.store(failing_flow())
    told = {who: run(world, who, flow_id, input_value="x") for who in (Principal.WRITER, Principal.EXECUTOR)}
    assert [answer.status_code for answer in told.values()] == [500, 500]
    assert "resembles" in told[Principal.WRITER].text
    assert "resembles" not in told[Principal.EXECUTOR].text
    streamed = run(world, Principal.EXECUTOR, flow_id, input_value="x", stream=True)
    assert "Workflow execution failed." in streamed.text
    assert "resembles" not in streamed.text


def test_an_endpoint_name_is_its_owners(world: World) -> None:
    """Anybody else, whatever is shared with them, is told what they are told of a name that nobody has."""
    name, nobodys = f"name-{uuid4()}", f"name-{uuid4()}"
    world.store(told_flow(), endpoint_name=name)
    assert components(run(world, Principal.OWNER, name)) == ["ChatOutput-b1"]
    for principal in (Principal.OTHER, Principal.EXECUTOR, Principal.SUPERUSER):
        theirs, missing = run(world, principal, name), run(world, principal, nobodys)
        assert theirs.status_code == missing.status_code == 404
        assert theirs.text == missing.text.replace(nobodys, name)


def test_a_flow_is_put_into_another_project_by_its_owner_alone(world: World) -> None:
    """And only into one of theirs: another one looks as if it were not there."""
    flow_id, theirs = (
        world.store(told_flow()),
        str(world.by_owner("POST", "/api/v1/projects/", json={"name": "p"})["id"]),
    )
    others = world.send(Principal.OTHER, "POST", "/api/v1/projects/", json={"name": "p"}).json()["id"]

    def move(principal: Principal, folder_id: str) -> httpx.Response:
        return world.send(principal, "PATCH", f"/api/v1/flows/{flow_id}", json={"folder_id": folder_id})

    refused = move(Principal.WRITER, theirs)
    assert_refused(refused, 403, "FLOW_OWNER_REQUIRED", flow_id=flow_id)
    nowhere = str(uuid4())
    hidden, missing = move(Principal.OWNER, others), move(Principal.OWNER, nowhere)
    assert_refused(hidden, 404, "PROJECT_NOT_FOUND", project_id=others)
    assert hidden.text == missing.text.replace(nowhere, others)
    assert move(Principal.OWNER, theirs).json()["folder_id"] == theirs
