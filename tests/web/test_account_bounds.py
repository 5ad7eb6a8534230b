"""How much one account may have (I10): beyond it nothing is stored, and the answer names the bound."""

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from storage import flow_store, sharing
from storage.accounts import LOCAL_USER_ID
from storage.database import Database
from storage.tables import Flow, FlowShare, User
from tests.making import chain, echo_flow, export_file
from tests.reading import FLOWS
from tests.storage.situations import NOON
from tests.web.refusing import assert_refused, changes_nothing

NEW = "0b105ea0-ccef-46c8-844d-d57373370a52"


@pytest.fixture
def flow_id(inside: TestClient) -> str:
    return str(inside.post(FLOWS, json=export_file(echo_flow())).json()["id"])


def test_more_flows_than_a_user_may_have(inside: TestClient, database: Database, flow_id: str) -> None:
    """However they come; one that is there may still be changed."""
    version_id = inside.get(f"{FLOWS}{flow_id}").json()["version_id"]
    row = {"user_id": LOCAL_USER_ID, "name": "x", "version_id": version_id, "created_at": NOON, "updated_at": NOON}
    with database.durable() as connection:
        connection.execute(insert(Flow), [{**row, "id": str(n)} for n in range(flow_store.MOST - 1)])
    new = export_file(chain(3))
    with changes_nothing(database, but=("api_keys",)):
        answers = [
            inside.post(FLOWS, json=new),
            inside.post(f"{FLOWS}upload/", json={"flows": [new, new]}),
            inside.put(f"{FLOWS}{NEW}", json=new),
        ]
    for answer in answers:
        assert_refused(answer, 422, "TOO_MANY_FLOWS", limit=5_000)
    assert inside.put(f"{FLOWS}{flow_id}", json=new).status_code == 200


def test_more_shares_than_a_flow_may_have(inside: TestClient, database: Database, flow_id: str) -> None:
    users = [
        {"id": str(n), "name": f"user {n}", "is_superuser": False, "created_at": NOON} for n in range(sharing.MOST)
    ]
    row = {"flow_id": flow_id, "level": "read", "created_at": NOON, "created_by": LOCAL_USER_ID}
    with database.durable() as connection:
        connection.execute(insert(User), users)
        connection.execute(insert(FlowShare), [{**row, "id": str(n), "user_id": str(n)} for n in range(sharing.MOST)])
    with changes_nothing(database, but=("api_keys",)):
        answer = inside.post(f"{FLOWS}{flow_id}/shares", json={"public": True, "level": "read"})
    assert_refused(answer, 422, "TOO_MANY_SHARES", limit=1_000)
