"""Flows that are deleted between the look at the caller's rights and what was asked for: they look missing."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from storage.database import Database
from storage.flow_store import delete_flow
from storage.rights import FlowRights
from tests.making import chain, echo_flow
from tests.reading import FLOWS
from tests.web.refusing import assert_refused, changes_nothing
from web import files, flow_management, shares
from web.access import load_flow


@pytest.fixture
def flow_id(inside: TestClient) -> str:
    return str(inside.post(FLOWS, json={"name": "a flow", "data": echo_flow()}).json()["id"])


CALLS: dict[str, tuple[ModuleType, Callable[[TestClient, str], Any]]] = {
    "change": (flow_management, lambda http, url: http.patch(url, json={"name": "new", "data": chain(3)})),
    "publish": (flow_management, lambda http, url: http.patch(url, json={"access_type": "PUBLIC"})),
    "put": (flow_management, lambda http, url: http.put(url, json={"name": "new", "data": chain(3)})),
    "delete": (flow_management, lambda http, url: http.delete(url)),
    "share": (shares, lambda http, url: http.post(f"{url}/shares", json={"public": True, "level": "read"})),
    "upload": (
        files,
        lambda http, url: http.post(url.replace(FLOWS, "/api/v1/files/upload/"), files={"file": ("a.txt", b"a text")}),
    ),
}


@pytest.mark.parametrize(("module", "call"), CALLS.values(), ids=CALLS)
def test_a_flow_that_vanishes_is_missing(
    inside: TestClient,
    database: Database,
    flow_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    call: Callable[[TestClient, str], Any],
) -> None:
    """Nothing is stored of the request, and nothing recorded."""

    def loaded(*given: Any) -> FlowRights:
        found = load_flow(*given)
        delete_flow(database, found.flow.id)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(module, "load_flow", loaded)
        with changes_nothing(database, but=("api_keys", "flows")):
            answer = call(inside, f"{FLOWS}{flow_id}")
    assert_refused(answer, 404, "FLOW_NOT_FOUND", flow_id=flow_id)
    assert inside.get(FLOWS).json() == []
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
