"""Uploaded files: rows and bytes agree, names cannot lead elsewhere, and each file is for its own."""

from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.auditing import DeedFilter, deeds
from storage.database import Database
from storage.errors import FileTooLarge, FileTypeRefused, TooMany
from storage.files import MAX_NAME, FileBounds, Files, FileView, clean_name
from storage.flow_store import FlowView, NewFlow, create_flow
from tests.storage.situations import another_user, at_once, contents
from tests.storage.uploads import ANN, FLOW, add, add_to, grow_old, on_disk


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def files(database: Database, tmp_path: Path) -> Files:
    return Files(database, tmp_path / "files", FileBounds(max_bytes=100, max_files=3))


@pytest.fixture
def flow(database: Database, user_id: str) -> FlowView:
    return create_flow(database, NewFlow(FLOW, user_id, "a flow", {"nodes": []}))


def test_a_file_is_read_as_it_was_uploaded(files: Files, user_id: str) -> None:
    """Its path names nothing but its owner and what was generated."""
    stored = add(files, user_id, "Note.TXT", b"hello")
    assert (stored.name, stored.media_type, stored.size) == ("Note.TXT", "text/plain", 5)
    assert files.find(stored.id) == stored
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
    assert files.of_user(other) == []
    assert files.usable(stored.path, other, FLOW, None) is None
    assert files.usable(stored.path, user_id, FLOW, None) == stored


def test_the_people_behind_one_key_have_each_their_own_files(files: Files, user_id: str) -> None:
    """Contract 6.4: and whoever holds the key has others."""
    stored = {end_user: add(files, user_id, end_user=end_user) for end_user in (None, "ann", "ben")}
    for end_user, file in stored.items():
        assert files.of_user(user_id, end_user) == [file]
        usable = {one for one in stored if files.usable(stored[one].path, user_id, FLOW, end_user)}
        assert usable == {end_user}


def test_a_file_is_stored_once_under_an_id(files: Files, user_id: str) -> None:
    """Also by those who do it at the same moment: one file stands, and the bytes of no other are left."""

    def store(content: bytes) -> FileView:
        return files.add_once("an-id", user_id, "note.txt", BytesIO(content), by=ANN)

    outcomes = at_once([partial(store, b"a"), partial(store, b"b"), partial(store, b"c")])
    [stored] = {outcome.result() for outcome in outcomes}
    assert files.of_user(user_id) == [stored]
    assert on_disk(files) == [stored.path]
    content = files.read(stored)
    assert store(b"d") == stored
    assert files.read(stored) == content


def test_what_is_done_to_files_is_recorded(files: Files, database: Database, user_id: str, flow: FlowView) -> None:
    """Who did it and to which file of what name; nothing of one that was not stored."""
    own, of_flow = add(files, user_id), add_to(files, flow)
    with pytest.raises(FileTooLarge):
        add(files, user_id, content=b"x" * 101)
    files.delete(own, ANN)
    assert not files.delete(own, ANN)
    found = [(deed.action, deed.subject, deed.user_name, deed.detail) for deed in deeds(database, DeedFilter())]
    assert found == [
        ("file_deleted", own.id, "ann", {"name": "note.txt"}),
        ("file_created", of_flow.id, "ann", {"name": "note.txt", "flow_id": FLOW}),
        ("file_created", own.id, "ann", {"name": "note.txt"}),
    ]


def test_a_run_of_the_public_has_no_files_of_a_user(files: Files, user_id: str) -> None:
    assert files.usable(add(files, user_id).path, None, FLOW, None) is None


def test_a_deleted_file_is_gone(files: Files, user_id: str) -> None:
    stored = add(files, user_id)
    assert files.delete(stored, ANN)
    assert files.find(stored.id) is None
    assert on_disk(files) == []
    assert not files.delete(stored, ANN)
    with pytest.raises(FileNotFoundError):
        files.read(stored)


def test_a_user_has_so_many_files_and_no_more(files: Files, database: Database, user_id: str, flow: FlowView) -> None:
    """Beyond them nothing is stored, in their flow's folder neither; other users have room of their own (I10)."""
    stored = [add(files, user_id), add_to(files, flow), add(files, user_id)]
    with pytest.raises(TooMany):
        add(files, user_id)
    with pytest.raises(TooMany):
        add_to(files, flow)
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
    files.delete(second, ANN)
    third = add(files, user_id)
    assert set(on_disk(files)) == {kept.path, third.path}


def test_a_process_that_dies_while_it_writes_leaves_nothing_that_is_seen(files: Files, user_id: str) -> None:
    class Dying(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise Killed

    with pytest.raises(Killed):
        files.add(user_id, "a.txt", Dying(), by=ANN)
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
        files.delete(stored, ANN)
    assert files.find(stored.id) is None
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
        files.delete(stored, ANN)


TRAVERSALS = ["../penstock.db", "/etc/passwd", "{user}/../../penstock.db", "{user}/./{name}", "{user}//{name}", "",
              "{user}/%2e%2e/{name}", "{user}\\{name}", "{user}/{name}/", "{user}/{name}\n",
              "{user}/{name}\x00"]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_other_spelling_of_a_path_is_a_file(files: Files, user_id: str, path: str) -> None:
    stored = add(files, user_id)
    name = stored.path.partition("/")[2]
    assert files.usable(path.format(user=user_id, name=name), user_id, FLOW, None) is None
