"""What was seen is kept as it was, in memory and in files."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.client import FrameReader
from tests.chaos.contents import load_contents, read_contents, write_contents
from tests.chaos.evidence import HISTORY, LEDGER, load, save
from tests.chaos.history import DiedAlone, read_history, recording
from tests.chaos.inventing import fault, flawless_asking, submit, with_records
from tests.chaos.ledger import append, read
from tests.chaos.plan import FaultKind
from tests.deployments import ROOT

LINES, PROCESSES = 50, 4
WRITING = """
import sys
from pathlib import Path
from tests.chaos.ledger import Line, What, append
path, lines, number = sys.argv[1:]
for index in range(int(lines)):
    append(Path(path), Line(1.0, What.BEGIN, "job", "vertex", 1, "key", "pure", f"{number}-{index}", 1, 1))
"""
EVENTS = (
    b'retry: 2000\n\ndata: {"event":"warning"}\nid: 1\n\n: keepalive\n\ndata: {"event":"token"}\nid: 1-1\n\ndata: {"ev'
)


def test_a_run_that_was_kept_can_be_judged_again(tmp_path: Path) -> None:
    """Everything that the checker reads comes back from the files of a run as it was."""
    run = with_records(
        flawless_asking(), fault(FaultKind.FLUSH_REDIS, 3, 4, None), DiedAlone(5.0, "web-1"), submit(status=None)
    )
    with recording(tmp_path / HISTORY) as history:
        for record in run.history:
            history.add(record)
    for written in run.ledger:
        append(tmp_path / LEDGER, written)
    save(tmp_path, run)
    assert load(tmp_path) == run


def test_a_history_is_in_its_file_as_it_is_in_memory(tmp_path: Path) -> None:
    with recording(tmp_path / HISTORY) as history:
        history.add(submit())
        history.add(submit(status=503))
    assert read_history(tmp_path / HISTORY) == history.records


def test_lines_of_many_processes_do_not_mix(tmp_path: Path) -> None:
    """Every line that any of several processes wrote at the same time is whole."""
    path = tmp_path / LEDGER
    command = [sys.executable, "-c", WRITING, str(path), str(LINES)]
    writers = [subprocess.Popen([*command, str(number)], cwd=ROOT) for number in range(PROCESSES)]
    assert [writer.wait(60) for writer in writers] == [0] * PROCESSES
    written = sorted(f"{number}-{index}" for number in range(PROCESSES) for index in range(LINES))
    assert sorted(line.nonce for line in read(path)) == written


def test_a_ledger_that_nobody_wrote_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / LEDGER) == []


def test_the_contents_of_a_database_are_its_rows(database_url: str, tmp_path: Path) -> None:
    """They are read from a real database, and come back from their file."""
    contents = read_contents(database_url)
    assert contents.jobs == ()
    write_contents(tmp_path / "contents.json", contents)
    assert load_contents(tmp_path / "contents.json") == contents


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_frames_are_read_however_they_are_cut(size: int) -> None:
    """Comments and hints are none, and half a frame is not told."""
    reader = FrameReader()
    chunks = [EVENTS[start : start + size] for start in range(0, len(EVENTS), size)]
    found = [frame for chunk in chunks for frame in reader.feed(chunk)]
    assert found == [("1", '{"event":"warning"}'), ("1-1", '{"event":"token"}')]
