"""No request says more before its body than it may (I10)."""

import pytest

from storage.database import Database
from tests.reading import FLOWS, WORKFLOWS, Client
from tests.web.refusing import assert_refused, changes_nothing
from web.gates.envelope import MAX_HEADER_BYTES, MAX_QUERY_BYTES


@pytest.mark.parametrize("path", ["/health", FLOWS, f"{WORKFLOWS}/jobs", "/nowhere"])
def test_a_query_too_long(client: Client, stored: Database, path: str) -> None:
    """One byte more than is taken, wherever it goes."""
    with changes_nothing(stored):
        assert_refused(
            client.http.get(f"{path}?{'x' * (MAX_QUERY_BYTES + 1)}"), 414, "QUERY_TOO_LONG", limit=MAX_QUERY_BYTES
        )
    assert client.http.get(f"{path}?{'x' * MAX_QUERY_BYTES}").status_code in (200, 404)


def test_headers_too_large(client: Client, echo: str, stored: Database) -> None:
    """All together: no header is too long by itself."""
    body = {"flow_id": echo}
    with changes_nothing(stored):
        headers = {f"x-{number}": "x" * 1_000 for number in range(MAX_HEADER_BYTES // 1_000)}
        answer = client.http.post(WORKFLOWS, json=body, headers=headers)
    assert_refused(answer, 431, "HEADERS_TOO_LARGE", limit=MAX_HEADER_BYTES)
    assert client.http.post(WORKFLOWS, json=body, headers={"x-1": "x" * (MAX_HEADER_BYTES - 1_000)}).status_code == 200
