"""The routes under /api/v1/knowledge_bases: what flows have added is listed, and deleted with all its texts."""

from uuid import uuid4

import pytest

from flows.embedding import HASHED
from storage.database import Database
from tests.making import edge, flow, ingesting_flow, node, template
from tests.reading import Client
from tests.web.refusing import assert_invalid, assert_refused, changes_nothing

KNOWLEDGE = "/api/v1/knowledge_bases"


@pytest.fixture
def base(client: Client) -> str:
    """The name of a base that a run has made, with a slash in it."""
    name = f"docs/{uuid4()}"
    answer = client.run(client.store(ingesting_flow(name, "A refund takes five days."))).json()
    assert answer["status"] == "completed", answer
    return name


def test_a_base_that_a_run_has_made_is_listed_found_and_deleted(client: Client, base: str) -> None:
    """A run that then asks for it is told how to make one."""
    [shown] = [one for one in client.http.get(KNOWLEDGE).json() if one["name"] == base]
    assert shown == {
        "id": shown["id"],
        "name": base,
        "embedding_model": HASHED,
        "dimensions": 1_024,
        "chunks": 1,
        "size": shown["size"],
    }
    asked, finds, answer = node("ChatInput", "i"), node("Knowledge", "k"), node("ChatOutput", "o")
    template(finds)["knowledge_base"]["value"] = base
    edges = [edge(asked, "message", finds, "search_query"), edge(finds, "retrieve_data", answer, "input_value")]
    flow_id = client.store(flow([asked, finds, answer], edges))
    assert "A refund takes five days." in client.run(flow_id, input_value="refunds").json()["output"]["text"]
    assert client.http.delete(f"{KNOWLEDGE}/{base}").status_code == 204
    assert base not in [one["name"] for one in client.http.get(KNOWLEDGE).json()]
    [error] = client.run(flow_id, input_value="refunds").json()["errors"]
    assert f"There is no knowledge base '{base}' for this run" in error["error"]


def test_a_base_that_is_not_there_is_not_deleted(client: Client, stored: Database) -> None:
    with changes_nothing(stored):
        assert_refused(client.http.delete(f"{KNOWLEDGE}/none"), 404, "KNOWLEDGE_BASE_NOT_FOUND", name="none")
        assert_invalid(client.http.delete(f"{KNOWLEDGE}/a%00"), "value_error", "path", "name")
