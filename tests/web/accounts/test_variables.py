"""The routes under `/api/v1/variables/`: secrets go in, and do not come out (rule 12)."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from storage.database import Database
from storage.secrets import Secrets, new_key
from storage.variables import create_variable
from tests.making import edge, flow, node, template
from tests.reading import Client
from tests.storage.situations import another_user
from tests.web.refusing import assert_invalid, assert_refused, changes_nothing

VARIABLES = "/api/v1/variables/"
SHOWN = {"id", "name", "type", "created_at", "updated_at"}
CANARY = "canary-5b1e77"


def a_name() -> str:
    return f"NAME_{uuid4().hex}"


@pytest.fixture
def created(client: Client) -> Iterator[dict[str, Any]]:
    """A variable of the caller's, deleted with the test."""
    answer = client.http.post(VARIABLES, json={"name": a_name(), "value": CANARY, "type": "Credential"})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    yield found
    client.http.delete(f"{VARIABLES}{found['id']}")


def names(client: Client) -> list[str]:
    return [one["name"] for one in client.http.get(VARIABLES).json()]


def answering_with(name: str) -> dict[str, Any]:
    """A flow that answers with a variable."""
    asked, answered = node("TextInput", "TextInput-a1"), node("TextOutput", "TextOutput-b1")
    template(asked)["input_value"] |= {"load_from_db": True, "value": name}
    return flow([asked, answered], [edge(asked, "text", answered, "input_value")])


def test_a_variable_is_created_listed_changed_and_deleted(client: Client, created: dict[str, Any]) -> None:
    """Its value stands in no answer, and a run reads it."""
    assert created.keys() == SHOWN
    assert created["name"] in names(client)
    flow_id = client.store(answering_with(created["name"]))
    assert client.run(flow_id).json()["output"]["text"] == CANARY
    changed = client.http.patch(f"{VARIABLES}{created['id']}", json={"id": created["id"], "value": "another"})
    assert changed.json() == {**created, "updated_at": changed.json()["updated_at"]}
    assert client.run(flow_id).json()["output"]["text"] == "another"
    told = client.http.get(VARIABLES).text + changed.text + repr(created)
    assert CANARY not in told
    assert "another" not in told
    assert client.http.delete(f"{VARIABLES}{created['id']}").status_code == 204
    assert created["name"] not in names(client)


def test_a_name_that_is_there(client: Client, stored: Database, created: dict[str, Any]) -> None:
    with changes_nothing(stored):
        answer = client.http.post(VARIABLES, json={"name": created["name"], "value": "other"})
    assert_refused(answer, 409, "NAME_TAKEN", name=created["name"])


@pytest.mark.parametrize(
    ("body", "kind", "place"),
    [
        ({"value": "x"}, "missing", "name"),
        ({"name": "A"}, "missing", "value"),
        ({"name": "", "value": "x"}, "string_too_short", "name"),
        ({"name": "n" * 257, "value": "x"}, "string_too_long", "name"),
        ({"name": "a\0b", "value": "x"}, "value_error", "name"),
        ({"name": "A", "value": "x" * 65_537}, "string_too_long", "value"),
        ({"name": "A", "value": None}, "string_type", "value"),
    ],
)
def test_bodies_that_do_not_fit(client: Client, stored: Database, body: Any, kind: str, place: str) -> None:
    with changes_nothing(stored):
        assert_invalid(client.http.post(VARIABLES, json=body), kind, "body", place)


def test_the_longest_name_and_value_fit(client: Client) -> None:
    answer = client.http.post(VARIABLES, json={"name": a_name().ljust(256, "é"), "value": "é" * 65_536})
    assert answer.status_code == 201
    client.http.delete(f"{VARIABLES}{answer.json()['id']}")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_variable_of_somebody_else_looks_like_none(client: Client, stored: Database, method: str) -> None:
    """Byte for byte, but for the id that was asked for (I9); and it stays as it is."""
    theirs = create_variable(stored, Secrets([new_key()]), another_user(stored), "THEIRS", "x").id
    missing = str(uuid4())
    with changes_nothing(stored):
        answers = [
            client.http.request(method, f"{VARIABLES}{id}", json={"value": "mine"} if method == "PATCH" else None)
            for id in (theirs, missing, "no-id")
        ]
    assert [answer.status_code for answer in answers] == [404] * 3
    texts = {answer.text.replace(id, "ID") for answer, id in zip(answers, (theirs, missing, "no-id"), strict=True)}
    assert len(texts) == 1
    assert_refused(answers[0], 404, "VARIABLE_NOT_FOUND", variable_id=theirs)
    assert "THEIRS" not in names(client)
