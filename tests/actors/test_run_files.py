"""What a run may read of the stored files, and store (I9)."""

import asyncio
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest

from actors.run_files import RunFiles
from flows.errors import PassInterrupted
from flows.files import FileContent, FileRefused, FileUnavailable
from storage.auditing import Actor
from storage.claiming import Claimed
from storage.database import Database
from storage.files import FileBounds, Files
from storage.flow_store import NewFlow, create_flow
from storage.levels import Trust
from tests.actors.passes import a_claim

FLOW = str(uuid4())


@pytest.fixture
def files(database: Database, tmp_path: Path) -> Files:
    return Files(database, tmp_path / "files")


@pytest.fixture
def claimed(user_id: str) -> Claimed:
    return replace(a_claim(), user_id=user_id, flow_id=FLOW)


def read(files: Files, claimed: Claimed, path: str) -> FileContent:
    return asyncio.run(RunFiles(files, claimed).read(path))


@pytest.mark.parametrize("trust", Trust)
def test_a_run_reads_the_files_of_its_flow(files: Files, database: Database, claimed: Claimed, trust: Trust) -> None:
    """Whoever runs it."""
    flow = create_flow(database, NewFlow(FLOW, claimed.user_id, "a flow", {"nodes": []}))
    path = files.add_to_flow(flow, "a.txt", BytesIO(b"hello"), by=Actor()).path
    assert read(files, replace(claimed, trust=trust, user_id="x"), path) == FileContent("a.txt", "text/plain", b"hello")


@pytest.mark.parametrize("trust", Trust)
def test_a_run_reads_the_files_of_its_user_unless_that_is_the_public(
    files: Files, claimed: Claimed, trust: Trust
) -> None:
    """A run of the public stands in the name of the flow's owner, and sees nothing of theirs."""
    path = files.add(claimed.user_id, "a.txt", BytesIO(b"hello"), by=Actor()).path
    running = replace(claimed, trust=trust)
    if trust is Trust.PUBLIC:
        with pytest.raises(FileUnavailable):
            read(files, running, path)
    else:
        assert read(files, running, path).content == b"hello"


def test_a_run_reads_no_files_of_others(files: Files, claimed: Claimed) -> None:
    """They look missing, as do those whose bytes are."""
    path = files.add(claimed.user_id, "a.txt", BytesIO(b"hello"), by=Actor()).path
    with pytest.raises(FileUnavailable) as foreign:
        read(files, replace(claimed, user_id="x"), path)
    (files.folder / path).unlink()
    with pytest.raises(FileUnavailable) as missing:
        read(files, claimed, path)
    assert str(foreign.value) == str(missing.value)


def test_a_run_reads_the_files_of_the_person_for_whom_it_runs(files: Files, claimed: Claimed) -> None:
    """And nobody else's behind the same key (contract 6.4)."""
    running = replace(claimed, end_user="ann")
    own, others, of_account = (
        files.add(claimed.user_id, "a.txt", BytesIO(b"hello"), end_user, by=Actor()).path
        for end_user in ("ann", "ben", None)
    )
    assert read(files, running, own).content == b"hello"
    for path in (others, of_account):
        with pytest.raises(FileUnavailable):
            read(files, running, path)


def save(files: Files, claimed: Claimed, name: str = "a.txt", content: bytes = b"hello", key: str = "a:b:1") -> str:
    return asyncio.run(RunFiles(files, claimed).save(name, content, key))


@pytest.mark.parametrize("end_user", [None, "ann"])
def test_a_run_stores_a_file_for_whoever_runs_it(files: Files, claimed: Claimed, end_user: str | None) -> None:
    running = replace(claimed, end_user=end_user)
    path = save(files, running)
    [stored] = files.of_user(claimed.user_id, end_user)
    assert (stored.path, stored.name, stored.flow_id) == (path, "a.txt", None)
    assert read(files, running, path).content == b"hello"


def test_what_was_stored_under_a_key_stands(files: Files, claimed: Claimed) -> None:
    """A vertex that was interrupted stores its file once; another visit stores another one."""
    paths = [save(files, claimed), save(files, claimed, content=b"again"), save(files, claimed, key="a:b:2")]
    assert len(files.of_user(claimed.user_id)) == len(set(paths)) == 2
    assert read(files, claimed, paths[0]).content == b"hello"


def test_a_run_of_the_public_stores_nothing(files: Files, claimed: Claimed) -> None:
    """It would be among the files of the flow's owner."""
    with pytest.raises(FileRefused, match="A run of the public stores no files"):
        save(files, replace(claimed, trust=Trust.PUBLIC))
    assert files.of_user(claimed.user_id) == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("a.html", b"x", r"end with '\.html' are not taken"), ("a.txt", b"123456", "5 bytes"), ("b.txt", b"x", "1 files")],
)
def test_a_file_that_may_not_be_stored_is_refused_by_name(
    files: Files, claimed: Claimed, name: str, content: bytes, reason: str
) -> None:
    bounded = replace(files, bounds=FileBounds(max_bytes=5, max_files=1))
    if name == "b.txt":
        save(bounded, claimed, key="the first one")
    with pytest.raises(FileRefused, match=f"'{name}' was not stored. .*{reason}"):
        save(bounded, claimed, name, content)


def test_a_database_that_is_away_interrupts_the_pass(claimed: Claimed, tmp_path: Path) -> None:
    """The vertex does not fail for it."""
    away = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(PassInterrupted):
        read(Files(away, tmp_path), claimed, "a.txt")
    with pytest.raises(PassInterrupted):
        save(Files(away, tmp_path), claimed)
    away.close()
