"""GET /api/v2/audit: a superuser reads what everybody did, anybody else what they did themselves."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from typing import Any

import pytest

from storage.auditing import Actor
from storage.database import Database
from storage.keys import create_key
from storage.secrets import Secrets, new_key
from storage.users import create_user
from tests.deployments import Deployment, embedded
from tests.making import approval_flow
from tests.reading import Client
from tests.web.refusing import assert_invalid

AUDIT = "/api/v2/audit"
TEST = Actor(None, "a test")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Client]]:
    """A superuser and two users at one server."""
    secret_key = new_key()
    with ExitStack() as opened:
        settings = {"PENSTOCK_SECRET_KEY": secret_key}
        server = opened.enter_context(embedded(tmp_path_factory.mktemp("audit"), settings))
        keys = _keys(server, Secrets([secret_key]))
        yield {name: opened.enter_context(closing(Client(server.url, key))) for name, key in keys.items()}


def _keys(server: Deployment, secrets: Secrets) -> dict[str, str]:
    with closing(Database(server.database_url)) as stored:
        ids = {name: create_user(stored, name, TEST, is_superuser=name == "root") for name in ("root", "ann", "bob")}
        return {name: create_key(stored, secrets, id, "a key", TEST).key for name, id in ids.items()}


def read(client: Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.http.get(AUDIT, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


def asking(client: Client) -> str:
    """A job that waits for a person."""
    job_id = client.submit(client.store(approval_flow()))
    client.events(job_id)
    return job_id


def test_who_did_what_to_a_job(people: Mapping[str, Client]) -> None:
    """Whatever a person orders is there, with who they are and where they called from; the newest first."""
    ann = people["ann"]
    job_id = asking(ann)
    [request] = ann.asked(job_id)
    ann.pause(job_id)
    ann.resume(job_id, None, None)
    assert ann.resume(job_id, request["request_id"], "approve").status_code == 200
    stopped = asking(ann)
    ann.stop(stopped)
    ann.stop(stopped)
    entries = read(ann)[:4]
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        ("job_stopped", stopped),
        ("request_decided", request["request_id"]),
        ("job_resumed", job_id),
        ("job_paused", job_id),
    ]
    assert {(entry["user_name"], entry["address"]) for entry in entries} == {("ann", "127.0.0.1")}
    assert entries[1]["detail"] == {"job_id": job_id, "action_id": "approve"}
    assert read(people["root"], subject=stopped) == entries[:1]


def test_who_changed_what_belongs_to_them(people: Mapping[str, Client]) -> None:
    """Variables by their names, never with their values, and files by their ids."""
    ann = people["ann"]
    variable = ann.http.post("/api/v1/variables/", json={"name": "A", "value": "canary"}).json()["id"]
    ann.http.patch(f"/api/v1/variables/{variable}", json={"value": "canary"})
    ann.http.delete(f"/api/v1/variables/{variable}")
    file = ann.http.post("/api/v2/files", files={"file": ("a.txt", "a text")}).json()["id"]
    ann.http.delete(f"/api/v2/files/{file}")
    entries = read(ann)[:5]
    assert [(entry["action"], entry["subject"]) for entry in reversed(entries)] == [
        ("variable_changed", "A"),
        ("variable_changed", "A"),
        ("variable_deleted", "A"),
        ("file_created", file),
        ("file_deleted", file),
    ]
    assert {(entry["user_name"], entry["address"]) for entry in entries} == {("ann", "127.0.0.1")}
    assert "canary" not in str(entries)


def test_nobody_reads_what_somebody_else_did(people: Mapping[str, Client]) -> None:
    """Unless they are a superuser; whatever they filter by."""
    job_id = asking(people["ann"])
    people["ann"].stop(job_id)
    [entry] = read(people["root"], subject=job_id)
    ann_id = entry["user_id"]
    for query in ({}, {"user": "ann"}, {"user": ann_id}, {"subject": job_id}, {"action": "job_stopped"}):
        assert [entry for entry in read(people["bob"], **query) if entry["user_id"] == ann_id] == []
    assert all(entry["user_name"] == "ann" for entry in read(people["ann"]))


def test_pages(people: Mapping[str, Client]) -> None:
    """Each names the next, the last names none; together they are everything."""
    root = people["root"]
    for _ in range(3):
        people["ann"].stop(asking(people["ann"]))
    pages, query = [], {"limit": 2}
    while True:
        page = root.http.get(AUDIT, params=query).json()
        pages.append(page["entries"])
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [entry for page in pages for entry in page] == read(root, limit=200)
    assert all(len(page) == 2 for page in pages[:-1])


WRONG = {
    "an unknown action": ("action", "x", "enum"),
    "no moment": ("since", "yesterday", "datetime_from_date_parsing"),
    "a moment without a zone": ("since", "2026-01-01T00:00:00", "timezone_aware"),
    "a moment before there was one": ("since", "0001-01-01T00:00:00+14:00", "greater_than_equal"),
    "a moment after all": ("since", "9999-12-31T23:59:59-14:00", "less_than"),
    "no cursor": ("cursor", "x", "int_parsing"),
    "a cursor beyond everything": ("cursor", str(2**63), "less_than"),
    "none": ("limit", "0", "greater_than_equal"),
    "too many": ("limit", "201", "less_than_equal"),
    "NUL": ("user", "\0", "value_error"),
    "a long subject": ("subject", "x" * 513, "string_too_long"),
}


@pytest.mark.parametrize(("name", "value", "kind"), WRONG.values(), ids=WRONG)
def test_wrong_queries(people: Mapping[str, Client], name: str, value: str, kind: str) -> None:
    """Each is told with its kind and its place."""
    assert_invalid(people["root"].http.get(AUDIT, params={name: value}), kind, "query", name)
