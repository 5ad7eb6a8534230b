"""The embedded database locked by somebody else, or its disk full: refused or accepted, never a lie (I1, I10)."""

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.deployments import Deployment, embedded
from tests.journeys.checking import check_log
from tests.journeys.conftest import QUICK
from tests.journeys.gated import SETTING, Gate
from tests.making import echo_flow
from tests.reading import Client

LOCK_SECONDS = 1.0
DISK = "4m"
FILLER_BYTES = 4_096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own that is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """No byte is free in a folder for as long as the block lasts."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(FILLER_BYTES))
        except OSError:
            yield
    filler.unlink()


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Nobody else writes for as long as the block lasts."""
    with closing(sqlite3.connect(str(make_url(database_url).database), isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_a_full_disk_refuses_and_recovers(small_disk: Path, gate: Gate) -> None:
    """A submit is answered 503 and leaves no job; with space again everything goes on, also what ran meanwhile."""
    with embedded(small_disk, {**QUICK, **SETTING}) as deployment, closing(Client(deployment.url)) as client:
        echo = client.store(echo_flow())
        job_id = client.submit(client.store(gate.flow("Gated")), input_value="x")
        gate.await_lines(1)
        with full(small_disk):
            refused = [client.run(echo, mode="background", input_value="x") for _ in range(3)]
            gate.open()
            gate.await_lines(2)
        assert {(answer.status_code, answer.json()["detail"]["code"]) for answer in refused} == {
            (503, "DATABASE_ERROR")
        }
        check_log(client.events(job_id), "completed")
        accepted = client.submit(echo, input_value="x")
        check_log(client.events(accepted), "completed")
        jobs = client.http.get("/api/v2/workflows/jobs", params={"flow_id": echo}).json()["jobs"]
        assert [job["job_id"] for job in jobs] == [accepted]


def test_a_locked_database_makes_everybody_wait(shared_deployments: Callable[[str], Deployment], gate: Gate) -> None:
    """While somebody else holds the only lock a submit and a run wait; both go on when it is given back."""
    deployment = shared_deployments("embedded")
    with closing(Client(deployment.url)) as client, ThreadPoolExecutor() as threads:
        echo = client.store(echo_flow())
        job_id = client.submit(client.store(gate.flow("Gated")), input_value="x")
        gate.await_lines(1)
        with locked(deployment.database_url):
            submitted = threads.submit(client.submit, echo, input_value="x")
            gate.open()
            gate.await_lines(2)
            with pytest.raises(TimeoutError):
                submitted.result(LOCK_SECONDS)
            assert client.job(job_id)["status"] == "in_progress"
        check_log(client.events(submitted.result()), "completed")
        check_log(client.events(job_id), "completed")
