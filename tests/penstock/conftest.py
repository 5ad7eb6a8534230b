"""A desk of its own for each test: an empty folder, no settings but the test's, and the `penstock` command."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog

from penstock.main import main
from settings import Settings

ROOT = Path(__file__).parent.parent.parent
NAMES = [str(field.validation_alias) for field in Settings.model_fields.values()]


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Penstock: TypeAlias = Callable[..., Said]
Start: TypeAlias = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the commands run in; the data folder is `.penstock` in it."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def penstock(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Penstock]:
    """Types a command in this process."""

    def typed(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["penstock", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 0, said.out, said.err)

    yield typed
    structlog.reset_defaults()


@pytest.fixture
def start(desk: Path) -> Iterator[Start]:
    """Starts a command as a process of its own, which ends with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str | Path, **options: Any) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)],
            cwd=desk,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
            # Tests that run in the background ignore Ctrl-C, and what they start would too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            start_new_session=True,
            **pipes,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
