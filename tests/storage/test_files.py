"""Uploaded files: rows and bytes agree, names cannot lead elsewhere, and each file is for its own."""

import os
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.database import Database
from storage.errors import FileTooLarge, FileTypeRefused, TooMany
from storage.files import MAX_NAME, ORPHAN_SECONDS, FileBounds, Files, FileView, clean_name
from tests.storage.situations import another_user, contents

FLOW = "0b105ea0-ccef-46c8-844d-d57373370a52"
OTHER_FLOW = "7e6f2b4e-8d5c-4b8f-8f4a-2f2f5f7f9a11"


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def files(database: Database, tmp_path: Path) -> Files:
    return Files(database, tmp_path / "files", FileBounds(max_bytes=100, max_files=3))


def add(files: Files, user_id: str, name: str = "note.txt", content: bytes = b"hello", **given: Any) -> FileView:
    return files.add(user_id, name, BytesIO(content), **given)


def on_disk(files: Files) -> Sequence[str]:
    return sorted(str(path.relative_to(files.folder)) for path in files.folder.rglob("*") if path.is_file())


def test_a_file_is_read_as_it_was_uploaded(files: Files, user_id: str) -> None:
    """Its path names nothing but its owner and what was generated."""
    stored = add(files, user_id, "Note.TXT", b"hello")
    assert (stored.name, stored.media_type, stored.size) == ("Note.TXT", "text/plain", 5)
    assert files.find(user_id, stored.id) == stored
    assert files.read(stored) == b"hello"
    assert on_disk(files) == [stored.path]
    assert stored.path.startswith(f"{user_id}/")
    assert stored.path.endswith(".txt")
    assert "Note" not in stored.path


def test_only_its_owner_may_read_what_is_on_disk(files: Files, user_id: str) -> None:
    place = files.place_of(add(files, user_id))
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_is_its_users_own(files: Files, database: Database, user_id: str) -> None:
    """I9."""
    stored, other = add(files, user_id), another_user(database)
    assert files.find(other, stored.id) is None
    assert not files.delete(other, stored.id)
    assert files.of_user(other) == []
    assert files.usable(stored.path, other, FLOW) is None
    assert files.usable(stored.path, user_id, FLOW) == stored


def test_a_file_of_a_flow_is_for_every_run_of_that_flow(files: Files, database: Database, user_id: str) -> None:
    """Whoever runs it, the public among them; for runs of another flow it is its user's own."""
    stored = add(files, user_id, flow_id=FLOW)
    assert stored.path.startswith(f"{FLOW}/")
    for reader in (None, another_user(database), user_id):
        assert files.usable(stored.path, reader, FLOW) == stored
    assert files.usable(stored.path, None, OTHER_FLOW) is None
    assert files.usable(stored.path, another_user(database), OTHER_FLOW) is None
    assert files.usable(stored.path, user_id, OTHER_FLOW) == stored


def test_a_run_of_the_public_has_no_files_of_a_user(files: Files, user_id: str) -> None:
    assert files.usable(add(files, user_id).path, None, FLOW) is None


def test_a_deleted_file_is_gone(files: Files, user_id: str) -> None:
    stored = add(files, user_id)
    assert files.delete(user_id, stored.id)
    assert files.find(user_id, stored.id) is None
    assert on_disk(files) == []
    assert not files.delete(user_id, stored.id)
    with pytest.raises(FileNotFoundError):
        files.read(stored)


def test_a_user_has_so_many_files_and_no_more(files: Files, database: Database, user_id: str) -> None:
    """Beyond them nothing is stored, in a flow's folder neither; other users have room of their own (I10)."""
    stored = [add(files, user_id, flow_id=flow) for flow in (None, FLOW, None)]
    for flow in (None, FLOW):
        with pytest.raises(TooMany):
            add(files, user_id, flow_id=flow)
    assert on_disk(files) == sorted(file.path for file in stored)
    assert {file.id for file in files.of_user(user_id)} == {file.id for file in stored}
    add(files, another_user(database))


@pytest.mark.parametrize("size", [101, 5_000_000])
def test_a_file_that_is_too_large_is_not_stored(files: Files, database: Database, user_id: str, size: int) -> None:
    """I10."""
    before = contents(database)
    with pytest.raises(FileTooLarge, match="100 bytes"):
        add(files, user_id, content=b"x" * size)
    assert (contents(database), on_disk(files)) == (before, [])
    add(files, user_id, content=b"x" * 100)


@pytest.mark.parametrize("name", ["page.html", "x.svg", "run.sh", "a.png.exe", "none", "", ".png", "a.", "x.HTML", "…"])
def test_a_kind_that_is_not_taken_is_not_stored(files: Files, database: Database, user_id: str, name: str) -> None:
    before = contents(database)
    with pytest.raises(FileTypeRefused):
        add(files, user_id, name)
    assert (contents(database), on_disk(files)) == (before, [])


def test_a_process_that_dies_before_the_row_leaves_nothing_that_is_seen(
    files: Files, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are cleared away by a later upload, when no upload can still be under way that they belong to."""
    kept = add(files, user_id)

    def dies(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(Files, "_insert", dies)
        add(files, user_id)
    assert files.of_user(user_id) == [kept]
    [orphan] = set(on_disk(files)) - {kept.path}
    second = add(files, user_id)
    assert set(on_disk(files)) == {kept.path, second.path, orphan}
    for path in (kept.path, orphan):
        grow_old(files.folder / path)
    files.delete(user_id, second.id)
    third = add(files, user_id)
    assert set(on_disk(files)) == {kept.path, third.path}


def test_a_process_that_dies_while_it_writes_leaves_nothing_that_is_seen(files: Files, user_id: str) -> None:
    class Dying(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise Killed

    with pytest.raises(Killed):
        files.add(user_id, "a.txt", Dying())
    assert files.of_user(user_id) == []
    [unfinished] = on_disk(files)
    assert unfinished.endswith(".part")
    grow_old(files.folder / unfinished)
    assert on_disk(files) != [add(files, user_id).path, unfinished]
    assert unfinished not in on_disk(files)


def test_a_process_that_dies_after_the_row_was_deleted(
    files: Files, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is gone for everybody, and its bytes with the next upload."""
    stored = add(files, user_id)

    def dies(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(Files, "_remove", dies)
        files.delete(user_id, stored.id)
    assert files.find(user_id, stored.id) is None
    grow_old(files.folder / stored.path)
    assert on_disk(files) == [stored.path]
    assert on_disk(files) != [add(files, user_id).path]
    assert stored.path not in on_disk(files)


def test_an_upload_that_cannot_be_stored_leaves_no_bytes(
    files: Files, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(Files, "_insert", fails)
    with pytest.raises(ConnectionError):
        add(files, user_id)
    assert on_disk(files) == []


NASTY = st.text(st.sampled_from("ab./\\\x00\n\r\t\"';:%~é‮​ ") | st.characters(), max_size=300)


@given(NASTY)
def test_a_clean_name_is_one_that_may_be_shown(name: str) -> None:
    cleaned = clean_name(name)
    assert len(cleaned) <= MAX_NAME
    assert cleaned.isprintable()
    assert not set("/\\") & set(cleaned)
    assert clean_name(cleaned) == cleaned


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(name=NASTY)
def test_whatever_its_name_a_file_lies_in_its_folder(files: Files, user_id: str, name: str) -> None:
    """Under nothing but generated names."""
    stored = add(files, user_id, f"{name}x.txt")
    try:
        assert on_disk(files) == [stored.path]
        assert files.place_of(stored).resolve().parent == (files.folder / user_id).resolve()
    finally:
        files.delete(user_id, stored.id)


TRAVERSALS = ["../penstock.db", "/etc/passwd", "{user}/../../penstock.db", "{user}/./{name}", "{user}//{name}", "",
              "{user}/%2e%2e/{name}", "{user}\\{name}", "{user}/{name}/", "{user}/{name}\n"]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_other_spelling_of_a_path_is_a_file(files: Files, user_id: str, path: str) -> None:
    stored = add(files, user_id)
    name = stored.path.partition("/")[2]
    assert files.usable(path.format(user=user_id, name=name), user_id, FLOW) is None


def grow_old(path: Path) -> None:
    """Lets a file have been written longer ago than any upload takes."""
    moment = path.stat().st_mtime - ORPHAN_SECONDS - 1
    os.utime(path, (moment, moment))
