"""The routes of uploaded files: what goes in comes back, to whom it belongs and as a download only."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from storage.accounts import LOCAL_USER_ID
from storage.auditing import Actor
from storage.database import Database
from storage.hash_key import hashing_secrets
from storage.keys import create_key
from storage.secrets import kept_keys
from storage.users import create_user
from tests.deployments import Deployment, embedded
from tests.making import echo_flow
from tests.reading import FLOWS, WORKFLOWS, Client
from tests.web.refusing import assert_invalid, assert_refused, changes_nothing

FILES = "/api/v2/files"
FLOW_FILES = "/api/v1/files/upload"
MISSING = "0b105ea0-ccef-46c8-844d-d57373370a52"
MAX_FILE_BYTES = 100_000
MAX_FILES = 6
FIRST_KEY = "the-first-key-of-the-first-user"
nothing_stored = partial(changes_nothing, but=("api_keys",))
"""As `changes_nothing`, but for when a key was last used."""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A server whose callers show keys."""
    settings = {
        "PENSTOCK_BOOTSTRAP_KEY": FIRST_KEY,
        "PENSTOCK_MAX_FILE_BYTES": str(MAX_FILE_BYTES),
        "PENSTOCK_MAX_FILES": str(MAX_FILES),
    }
    with embedded(tmp_path_factory.mktemp("files"), settings) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def stored(guarded: Deployment) -> Iterator[Database]:
    with closing(Database(guarded.database_url)) as database:
        yield database


@pytest.fixture(scope="module")
def folder(guarded: Deployment) -> Path:
    return guarded.webs[0].log.parent


@pytest.fixture
def mine(guarded: Deployment) -> Iterator[Client]:
    """The first user, whose files are gone after each test."""
    with closing(Client(guarded.url, FIRST_KEY)) as client:
        yield client
        for file in client.http.get(FILES).json():
            client.http.delete(f"{FILES}/{file['id']}")


@pytest.fixture(scope="module")
def theirs(guarded: Deployment, stored: Database, folder: Path) -> Iterator[Client]:
    """Another user."""
    secrets = hashing_secrets(stored, kept_keys(folder / "secret.key"))
    by = Actor(LOCAL_USER_ID, "local")
    user_id = create_user(stored, "other", by)
    with closing(Client(guarded.url, create_key(stored, secrets, user_id, "a key", by).key)) as client:
        yield client


def upload(client: Client, name: str = "cat.png", content: bytes = PNG, url: str = FILES) -> httpx.Response:
    return client.http.post(url, files={"file": (name, content)})


def uploaded(client: Client, name: str = "cat.png", content: bytes = PNG) -> dict[str, Any]:
    answer = upload(client, name, content)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bytes_on_disk(folder: Path) -> set[str]:
    return {str(path) for path in (folder / "files").rglob("*") if path.is_file()}


def test_what_was_uploaded_comes_back(mine: Client) -> None:
    """As a download, which no browser shows or takes for anything else."""
    file = uploaded(mine)
    assert file.keys() == {"id", "name", "path", "size", "provider", "flow_id", "created_at"}
    assert (file["name"], file["size"], file["provider"], file["flow_id"]) == ("cat.png", len(PNG), None, None)
    assert mine.http.get(FILES).json() == [file]
    answer = mine.http.get(f"{FILES}/{file['id']}")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="cat.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert mine.http.delete(f"{FILES}/{file['id']}").status_code == 204
    assert mine.http.get(FILES).json() == []


@pytest.mark.parametrize("name", ['a"b.txt', "Grüße.txt", "a;b=c.txt", "..\\..\\x.txt", "../x.txt", "a b.txt"])
def test_a_name_stays_within_its_header(mine: Client, name: str) -> None:
    """It is shown without folders, and no name adds a header or a parameter."""
    file = uploaded(mine, name, b"x")
    assert "/" not in file["name"]
    assert "\\" not in file["name"]
    answer = mine.http.get(f"{FILES}/{file['id']}")
    assert answer.headers["content-disposition"].startswith("attachment; filename")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_file_of_somebody_else_looks_like_none(mine: Client, theirs: Client, stored: Database, method: str) -> None:
    """Byte for byte, but for the id that was asked for (I9)."""
    ids = (uploaded(mine)["id"], str(uuid4()), "no-id")
    with nothing_stored(stored):
        answers = [theirs.http.request(method, f"{FILES}/{id}") for id in ids]
    assert {(answer.status_code, answer.text.replace(id, "ID")) for answer, id in zip(answers, ids, strict=True)} == {
        (404, answers[0].text.replace(ids[0], "ID"))
    }
    assert_refused(answers[0], 404, "FILE_NOT_FOUND", file_id=ids[0])
    assert theirs.http.get(FILES).json() == []


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, MAX_FILE_BYTES * 20])
def test_a_file_that_is_too_large(mine: Client, stored: Database, folder: Path, size: int) -> None:
    """Whether it is just beyond the bound, or its body ends nowhere near it; nothing is left of it."""
    before = bytes_on_disk(folder)
    with nothing_stored(stored):
        answer = upload(mine, "a.txt", b"x" * size)
    assert (answer.status_code, answer.json()["detail"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert bytes_on_disk(folder) == before


def test_the_largest_file_fits(mine: Client) -> None:
    assert uploaded(mine, "a.txt", b"x" * MAX_FILE_BYTES)["size"] == MAX_FILE_BYTES


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "page.xhtml", "run.exe", "none"])
def test_a_kind_that_is_not_taken(mine: Client, stored: Database, name: str) -> None:
    with nothing_stored(stored):
        answer = upload(mine, name, b"<script>alert(1)</script>")
    assert (answer.status_code, answer.json()["detail"]["code"]) == (415, "UNSUPPORTED_FILE_TYPE")
    assert ".png" in answer.json()["detail"]["available"]


def test_more_files_than_a_user_may_have(mine: Client, stored: Database, folder: Path) -> None:
    for _ in range(MAX_FILES):
        uploaded(mine)
    before = bytes_on_disk(folder)
    with nothing_stored(stored):
        assert_refused(upload(mine), 422, "TOO_MANY_FILES", limit=MAX_FILES)
    assert bytes_on_disk(folder) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"file": "x"}},
        {"files": {"other": ("a.txt", b"x")}},
        {"files": {"file": (None, "a text")}},
        {"content": b"", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b""},
    ],
)
def test_a_form_without_a_file(mine: Client, stored: Database, sent: dict[str, Any]) -> None:
    with nothing_stored(stored):
        assert_refused(mine.http.post(FILES, **sent), 400, "MISSING_PARAMETER")


def test_a_file_of_a_flow(mine: Client, theirs: Client, stored: Database) -> None:
    """Whoever may change the flow may add to its files; to others the flow looks missing."""
    flow_id = mine.store(echo_flow())
    answer = upload(mine, url=f"{FLOW_FILES}/{flow_id}")
    assert answer.status_code == 201
    told = answer.json()
    assert told.keys() == {"flowId", "file_path"}
    assert told["flowId"] == flow_id
    assert told["file_path"].startswith(f"{flow_id}/")
    assert [file["flow_id"] for file in mine.http.get(FILES).json()] == [flow_id]
    with nothing_stored(stored):
        refused = [upload(theirs, url=f"{FLOW_FILES}/{id}") for id in (flow_id, MISSING)]
    assert [answer.status_code for answer in refused] == [404, 404]
    assert refused[0].text.replace(flow_id, MISSING) == refused[1].text


def run_with(client: Client, flow_id: str, *paths: str) -> httpx.Response:
    return client.run(flow_id, mode="background", files=list(paths))


def test_a_run_with_files_of_ones_own(mine: Client) -> None:
    """Those of its user and those of its flow; what is elsewhere is not looked for."""
    flow_id = mine.store(echo_flow())
    own, of_flow = uploaded(mine)["path"], upload(mine, url=f"{FLOW_FILES}/{flow_id}").json()["file_path"]
    answer = run_with(mine, flow_id, own, of_flow, "https://example.org/a.png", f"data:image/png;base64,{'A' * 2_000}")
    assert answer.status_code == 200, answer.text
    mine.events(answer.json()["job_id"])


def test_a_run_with_a_file_that_is_not_for_it(mine: Client, theirs: Client, stored: Database) -> None:
    """A file of somebody else, one of another flow, one that was deleted and one that never was are refused alike."""
    other_flow = mine.store(echo_flow())
    deleted = uploaded(mine)
    mine.http.delete(f"{FILES}/{deleted['id']}")
    paths = [
        uploaded(mine)["path"],
        upload(mine, url=f"{FLOW_FILES}/{other_flow}").json()["file_path"],
        deleted["path"],
        f"{MISSING}/{MISSING}.png",
    ]
    flow_id = theirs.store(echo_flow())
    with nothing_stored(stored):
        answers = [run_with(theirs, flow_id, path) for path in paths]
    for answer, path in zip(answers, paths, strict=True):
        assert_refused(answer, 422, "FILE_NOT_FOUND", path=path)
    assert len({answer.text.replace(path, "PATH") for answer, path in zip(answers, paths, strict=True)}) == 1


@pytest.mark.parametrize(
    "path", ["../penstock.db", "/etc/passwd", "file:///etc/passwd", "..%2fsecret.key", "secret.key", "C:\\x.png", ""]
)
@pytest.mark.parametrize("mode", ["stream", "background"])
def test_a_run_with_a_path_that_leads_elsewhere(mine: Client, stored: Database, path: str, mode: str) -> None:
    flow_id = mine.store(echo_flow())
    with nothing_stored(stored):
        answer = mine.run(flow_id, mode=mode, files=[path])
    assert_refused(answer, 422, "FILE_NOT_FOUND", path=path)


def test_a_run_with_more_files_than_one_may_have(mine: Client, stored: Database) -> None:
    flow_id = mine.store(echo_flow())
    with nothing_stored(stored):
        answer = run_with(mine, flow_id, *["https://example.org/a.png"] * 33)
    assert_invalid(answer, "too_long", "body", "files")


def test_an_upload_whose_client_leaves(mine: Client, stored: Database, folder: Path) -> None:
    """Nothing is left of what came of it."""
    before = bytes_on_disk(folder)
    boundary = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x", "content-length": str(MAX_FILE_BYTES)}

    def body() -> Iterator[bytes]:
        yield boundary + b"x" * 1_000
        raise ConnectionError("the client leaves")

    with nothing_stored(stored):
        with pytest.raises(ConnectionError):
            mine.http.post(FILES, content=body(), headers=headers)
        assert mine.http.get(f"{WORKFLOWS}/jobs").status_code == 200
    assert bytes_on_disk(folder) == before


@pytest.mark.parametrize(("level", "status"), [(None, 404), ("read", 403), ("execute", 403), ("write", 200)])
def test_the_files_of_a_flow_are_for_whoever_may_change_it(
    mine: Client, theirs: Client, stored: Database, level: str | None, status: int
) -> None:
    """To list, to read and to delete, whoever brought them; nobody else learns that there are any (I9)."""
    flow_id = mine.store(echo_flow())
    upload(mine, url=f"{FLOW_FILES}/{flow_id}")
    [file] = mine.http.get(FILES, params={"flow_id": flow_id}).json()
    if level is not None:
        mine.http.post(f"{FLOWS}{flow_id}/shares", json={"user": "other", "level": level})
    listed = theirs.http.get(FILES, params={"flow_id": flow_id})
    assert listed.status_code == status
    assert theirs.http.get(FILES).json() == []
    if status == 200:
        assert listed.json() == [file]
        assert theirs.http.get(f"{FILES}/{file['id']}").content == PNG
        assert theirs.http.delete(f"{FILES}/{file['id']}").status_code == 204
        assert mine.http.get(FILES).json() == []
        return
    with nothing_stored(stored):
        for method in ("GET", "DELETE"):
            answer = theirs.http.request(method, f"{FILES}/{file['id']}")
            assert_refused(answer, 404, "FILE_NOT_FOUND", file_id=file["id"])


def test_a_file_that_somebody_brought_to_a_flow_is_its_owners(mine: Client, theirs: Client) -> None:
    """Whoever may change the flow no more has nothing of it, and their room is their own."""
    flow_id = mine.store(echo_flow())
    shared = mine.http.post(f"{FLOWS}{flow_id}/shares", json={"user": "other", "level": "write"}).json()
    assert upload(theirs, url=f"{FLOW_FILES}/{flow_id}").status_code == 201
    mine.http.delete(f"{FLOWS}{flow_id}/shares/{shared['id']}")
    [file] = mine.http.get(FILES).json()
    assert file["flow_id"] == flow_id
    assert theirs.http.delete(f"{FILES}/{file['id']}").status_code == 404
    assert_refused(run_with(theirs, theirs.store(echo_flow()), file["path"]), 422, "FILE_NOT_FOUND", path=file["path"])


@pytest.mark.parametrize("flow_id", ["", "no-id", "\0"])
def test_no_flow_whose_files_could_be_listed(mine: Client, flow_id: str) -> None:
    assert_invalid(mine.http.get(FILES, params={"flow_id": flow_id}), "uuid_parsing", "query", "flow_id")
