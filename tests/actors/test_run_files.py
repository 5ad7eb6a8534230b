"""What a run may read of the stored files (I9)."""

import asyncio
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest

from actors.run_files import RunFiles
from flows.errors import PassInterrupted
from flows.files import FileContent, FileUnavailable
from storage.claiming import Claimed
from storage.database import Database
from storage.files import Files
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
def test_a_run_reads_the_files_of_its_flow(files: Files, claimed: Claimed, trust: Trust) -> None:
    """Whoever runs it."""
    path = files.add(claimed.user_id, "a.txt", BytesIO(b"hello"), FLOW).path
    assert read(files, replace(claimed, trust=trust, user_id="x"), path) == FileContent("a.txt", "text/plain", b"hello")


@pytest.mark.parametrize("trust", Trust)
def test_a_run_reads_the_files_of_its_user_unless_that_is_the_public(
    files: Files, claimed: Claimed, trust: Trust
) -> None:
    """A run of the public stands in the name of the flow's owner, and sees nothing of theirs."""
    path = files.add(claimed.user_id, "a.txt", BytesIO(b"hello")).path
    running = replace(claimed, trust=trust)
    if trust is Trust.PUBLIC:
        with pytest.raises(FileUnavailable):
            read(files, running, path)
    else:
        assert read(files, running, path).content == b"hello"


def test_a_run_reads_no_files_of_others(files: Files, claimed: Claimed) -> None:
    """They look missing, as do those whose bytes are."""
    path = files.add(claimed.user_id, "a.txt", BytesIO(b"hello")).path
    with pytest.raises(FileUnavailable) as foreign:
        read(files, replace(claimed, user_id="x"), path)
    (files.folder / path).unlink()
    with pytest.raises(FileUnavailable) as missing:
        read(files, claimed, path)
    assert str(foreign.value) == str(missing.value)


def test_a_database_that_is_away_interrupts_the_pass(claimed: Claimed, tmp_path: Path) -> None:
    """The vertex does not fail for it."""
    away = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(PassInterrupted):
        read(Files(away, tmp_path), claimed, "a.txt")
    away.close()
