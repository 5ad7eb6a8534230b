"""Ids in paths that no database could hold: what they name is missing, with PostgreSQL too, which takes no NUL."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.secrets import new_key
from tests.deployments import embedded
from tests.making import echo_flow
from tests.reading import FLOWS, WORKFLOWS, Client

PATHS = {
    "job": ("GET", f"{WORKFLOWS}/{{id}}"),
    "events": ("GET", f"{WORKFLOWS}/{{id}}/events"),
    "stream token": ("POST", f"{WORKFLOWS}/{{id}}/stream-token"),
    "pending": ("GET", f"{WORKFLOWS}/{{id}}/pending"),
    "pause": ("POST", f"{WORKFLOWS}/{{id}}/pause"),
    "flow": ("GET", f"{FLOWS}{{id}}"),
    "shares": ("GET", f"{FLOWS}{{id}}/shares"),
    "share": ("DELETE", f"{FLOWS}{{flow}}/shares/{{id}}"),
    "key": ("DELETE", "/api/v1/api_key/{id}"),
    "variable": ("DELETE", "/api/v1/variables/{id}"),
    "file": ("GET", "/api/v2/files/{id}"),
    "flow of a file": ("POST", "/api/v1/files/upload/{id}"),
}


@pytest.fixture
def client(tmp_path: Path, postgres_url: str) -> Iterator[Client]:
    """A caller of an embedded server on PostgreSQL."""
    settings = {"PENSTOCK_SECRET_KEY": new_key(), "DATABASE_URL": postgres_url}
    with embedded(tmp_path, settings) as deployment, closing(Client(deployment.url)) as connected:
        yield connected


def test_an_id_with_nul_is_missing(client: Client) -> None:
    flow_id = client.store(echo_flow())
    found = {
        name: client.http.request(method, path.format(id="a%00b", flow=flow_id)).status_code
        for name, (method, path) in PATHS.items()
    }
    assert found == dict.fromkeys(PATHS, 404)
    patched = client.http.patch("/api/v1/variables/a%00b", json={"value": "x"})
    assert patched.status_code == 404
