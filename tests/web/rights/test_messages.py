"""The routes under /api/v1/monitor/messages: everybody finds and deletes what was said to them, and nothing else."""

from typing import Any
from uuid import uuid4

import pytest

from storage.database import Database
from tests.reading import WORKFLOWS
from tests.web.refusing import assert_invalid, changes_nothing
from tests.web.rights.principals import SHARED, Principal
from tests.web.rights.world import World

MESSAGES = "/api/v1/monitor/messages"
LISTENERS = [principal for principal in Principal if principal in (*SHARED, Principal.OTHER, Principal.SUPERUSER)]


@pytest.fixture
def session() -> str:
    return f"a session/{uuid4()}"


def talked(world: World, who: Principal, session_id: str) -> list[dict[str, Any]]:
    """The two messages of a run."""
    body = {"flow_id": world.flow_id, "input_value": f"of {who}", "session_id": session_id}
    answer = world.send(who, "POST", WORKFLOWS, json=body)
    assert answer.status_code == 200, answer.text
    return found(world, who, session_id=answer.json()["session_id"])


def found(world: World, who: Principal, **query: str) -> list[dict[str, Any]]:
    answer = world.send(who, "GET", MESSAGES, params=query)
    assert answer.status_code == 200, answer.text
    messages: list[dict[str, Any]] = answer.json()
    return messages


def test_a_message_is_listed_as_its_event_told_it(world: World, session: str) -> None:
    """The same keys, those of the contract, whoever else uses the flow."""
    said, answered = talked(world, Principal.OWNER, session)
    assert (said["text"], said["sender"], answered["sender"]) == ("of owner", "User", "Machine")
    assert {said["flow_id"], answered["flow_id"]} == {world.flow_id}
    assert said.keys() == said["data"].keys() | {"text_key", "data", "default_value"}
    newest = found(world, Principal.OWNER, session_id=session, order="DESC", order_by="timestamp", limit="1")
    assert newest == [answered]
    assert found(world, Principal.OWNER, flow_id=world.flow_id, sender="User", sender_name="User") == [said]


@pytest.mark.parametrize("who", LISTENERS)
def test_nobody_else_finds_or_deletes_it(world: World, kept: Database, session: str, who: Principal) -> None:
    """Whatever is shared with them; not even a superuser, nor anybody behind the owner's key (I9)."""
    ids = [message["id"] for message in talked(world, Principal.OWNER, session)]
    for other in (who, Principal.END_USER):
        assert found(world, other, flow_id=world.flow_id) == []
        assert session not in world.send(other, "GET", f"{MESSAGES}/sessions").json()
        with changes_nothing(kept):
            deletions = [
                world.send(other, "DELETE", MESSAGES, json=ids),
                world.send(other, "DELETE", f"{MESSAGES}/session/{session}"),
            ]
        assert [(answer.status_code, answer.content) for answer in deletions] == [(204, b"")] * 2


@pytest.mark.parametrize("who", [Principal.OWNER, Principal.EXECUTOR, Principal.END_USER])
def test_everybody_deletes_their_own(world: World, session: str, who: Principal) -> None:
    said, answered = talked(world, who, session)
    listed = said["session_id"]
    assert world.send(who, "GET", f"{MESSAGES}/sessions", params={"flow_id": world.flow_id}).json() == [listed]
    assert world.send(who, "DELETE", MESSAGES, json=[said["id"]]).status_code == 204
    assert found(world, who, session_id=listed) == [answered]
    assert world.send(who, "DELETE", f"{MESSAGES}/session/{listed}").status_code == 204
    assert found(world, who, session_id=listed) == []


@pytest.mark.parametrize(
    ("method", "url", "body", "place"),
    [
        ("GET", f"{MESSAGES}?flow_id=x", None, ("query", "flow_id")),
        ("GET", f"{MESSAGES}?order=up", None, ("query", "order")),
        ("GET", f"{MESSAGES}?order_by=text", None, ("query", "order_by")),
        ("GET", f"{MESSAGES}?limit=1001", None, ("query", "limit")),
        ("GET", f"{MESSAGES}?offset={2**63}", None, ("query", "offset")),
        ("GET", f"{MESSAGES}?session_id=%00", None, ("query", "session_id")),
        ("GET", f"{MESSAGES}/sessions?limit=0", None, ("query", "limit")),
        ("DELETE", MESSAGES, ["x"], ("body", 0)),
        ("DELETE", MESSAGES, {"ids": []}, ("body",)),
        ("DELETE", MESSAGES, ["0b105ea0-ccef-46c8-844d-d57373370a52"] * 1_001, ("body",)),
        ("DELETE", f"{MESSAGES}/session/%00", None, ("path", "session_id")),
        ("DELETE", f"{MESSAGES}/session/a?flow_id=x", None, ("query", "flow_id")),
    ],
)
def test_what_does_not_fit_is_refused(
    world: World, kept: Database, method: str, url: str, body: Any, place: tuple[str | int, ...]
) -> None:
    with changes_nothing(kept):
        answer = world.send(Principal.OWNER, method, url, **({} if body is None else {"json": body}))
    faults = answer.json()["detail"]
    assert_invalid(answer, faults[0]["type"], *place)
