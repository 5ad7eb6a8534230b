"""The list of flows: as many statements for many flows as for one."""

from starlette.testclient import TestClient

from tests.making import chain
from tests.reading import FLOWS
from tests.storage.statements import statements


def test_all_definitions_are_read_in_one_statement(inside: TestClient) -> None:
    """Each flow has its own, however many there are."""
    sent = {str(n): chain(n + 1) for n in range(5)}
    for name, data in sent.items():
        assert inside.post(FLOWS, json={"name": name, "data": data}).status_code == 201
    with statements("FROM flow_versions") as read:
        listed = inside.get(FLOWS).json()
    assert len(read) == 1
    assert {flow["name"]: flow["data"] for flow in listed} == sent
    headers = inside.get(FLOWS, params={"header_flows": "true"}).json()
    assert [flow["data"] for flow in headers] == [None] * 5
