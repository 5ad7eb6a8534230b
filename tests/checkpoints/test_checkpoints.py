"""Jobs that earlier versions suspended go on, for ever: their recordings are never changed."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.human import Decision
from storage.jobs import outputs_of
from storage.secrets import new_key
from storage.states import Status
from storage.store import Store, StoreConfig, open_store
from tests.actors.workplace import working
from tests.checkpoints.recording import FOLDER, SCENARIOS, record, restore

RECORDINGS = sorted(FOLDER.glob("*.json"), key=lambda path: path.name)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store of this version, that knows nothing of the recording's process."""
    with closing(open_store(StoreConfig(database_url, None, [new_key()]))) as opened:
        yield opened


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recorded_job_goes_on(store: Store, path: Path) -> None:
    """Its answers are taken, what was finished is not built again, and its outputs are all there, each once."""
    recorded: dict[str, Any] = orjson.loads(path.read_bytes())
    restore(store.database, recorded["tables"])
    job_id = recorded["job_id"]
    finished = [row["vertex_id"] for row in recorded["tables"]["vertex_results"]]
    with working(store) as workplace:
        for request_id, decision in recorded["answers"].items():
            workplace.answer(job_id, request_id, Decision.load(decision))
        log = workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
    assert list(outputs_of(store.database, job_id)) == recorded["outputs"]
    ends = [orjson.loads(entry.payload)["data"]["build_data"]["id"] for entry in log if entry.type == "end_vertex"]
    recorded_ends = [row for row in recorded["tables"]["job_events"] if row["type"] == "end_vertex"]
    assert not set(finished) & set(ends[len(recorded_ends) :])
    assert [entry.cursor.seq for entry in log] == list(range(1, len(log) + 1))


@pytest.mark.parametrize("name", SCENARIOS)
def test_this_version_can_be_recorded(name: str) -> None:
    """A recording of today has the tables and the answers that a restoration needs."""
    recorded = orjson.loads(record(SCENARIOS[name]))
    assert recorded["answers"]
    assert recorded["tables"]["human_requests"]
