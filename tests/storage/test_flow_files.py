"""Files of flows: for all of their runs, for as long as they are there."""

from pathlib import Path

import pytest

from storage.database import Database
from storage.files import Files
from storage.flow_store import FlowView, NewFlow, create_flow, delete_flow
from tests.storage.situations import another_user
from tests.storage.uploads import FLOW, OTHER_FLOW, add, add_to, grow_old, on_disk


@pytest.fixture
def files(database: Database, tmp_path: Path) -> Files:
    return Files(database, tmp_path / "files")


@pytest.fixture
def flow(database: Database, user_id: str) -> FlowView:
    return create_flow(database, NewFlow(FLOW, user_id, "a flow", {"nodes": []}))


def test_a_file_of_a_flow_is_for_every_run_of_that_flow(
    files: Files, database: Database, user_id: str, flow: FlowView
) -> None:
    """Whoever runs it, the public among them; for runs of another flow it is the owner's own."""
    stored = add_to(files, flow)
    assert stored.path.startswith(f"{FLOW}/")
    assert stored.user_id == flow.user_id
    for reader, end_user in ((None, None), (another_user(database), None), (user_id, None), (user_id, "ann")):
        assert files.usable(stored.path, reader, FLOW, end_user) == stored
    assert files.usable(stored.path, None, OTHER_FLOW, None) is None
    assert files.usable(stored.path, another_user(database), OTHER_FLOW, None) is None
    assert files.usable(stored.path, user_id, OTHER_FLOW, "ann") is None
    assert files.usable(stored.path, user_id, OTHER_FLOW, None) == stored
    assert files.of_flow(FLOW) == files.of_user(user_id) == [stored]
    assert files.of_user(user_id, "ann") == []


def test_a_file_of_a_flow_goes_with_it(files: Files, database: Database, user_id: str, flow: FlowView) -> None:
    """In the transaction that deletes the flow: whoever has a flow under its id later has none of its files."""
    kept, stored = add(files, user_id), add_to(files, flow)
    assert delete_flow(database, FLOW)
    assert (files.find(stored.id), files.of_flow(FLOW), files.of_user(user_id)) == (None, [], [kept])
    files.clear_deleted([stored])
    assert on_disk(files) == [kept.path]
    create_flow(database, NewFlow(FLOW, user_id, "another", {"nodes": []}))
    assert files.usable(stored.path, None, FLOW, None) is None


def test_no_file_comes_to_a_flow_that_is_deleted_meanwhile(files: Files, database: Database, flow: FlowView) -> None:
    """Nor would one that is made under its id have it; its bytes go, too."""
    delete_flow(database, FLOW)
    with pytest.raises(LookupError):
        add_to(files, flow)
    assert on_disk(files) == []


def test_a_process_that_dies_after_a_flow_was_deleted(
    files: Files, database: Database, user_id: str, flow: FlowView
) -> None:
    """The bytes of its files go when another flow is deleted; no others do, however old they are."""
    of_deleted, own = add_to(files, flow), add(files, user_id)
    delete_flow(database, FLOW)
    other = add_to(files, create_flow(database, NewFlow(OTHER_FLOW, user_id, "another", {"nodes": []})))
    for file in (of_deleted, own, other):
        for path in (files.place_of(file), files.place_of(file).parent):
            grow_old(path)
    files.clear_deleted([])
    assert on_disk(files) == sorted([own.path, other.path])
    assert not (files.folder / FLOW).exists()
