"""A desk of its own for each test: an empty folder, no settings but the test's, and the `penstock` command."""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog

from penstock.main import main
from settings import Settings

PATIENCE = 30.0
"""Seconds until a test gives up waiting for what a terminal shows."""
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


class Terminal:
    """A terminal that a person sits at. What they type waits until it is asked for, and is not echoed."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        modes = termios.tcgetattr(theirs)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, modes)
        self.keyboard = os.fdopen(theirs)
        self.screen = os.fdopen(os.dup(theirs), "w", buffering=1)
        self._seen = b""

    def type(self, *lines: str) -> None:
        """Types lines, each with its Enter."""
        for line in lines:
            os.write(self._ours, f"{line}\n".encode())

    def type_no_more(self) -> None:
        """Types Ctrl-D."""
        os.write(self._ours, b"\x04")

    def until(self, text: str) -> str:
        """What it shows, as soon as a text stands there."""
        while text.encode() not in self._seen:
            ready, _, _ = select.select([self._ours], [], [], PATIENCE)
            assert ready, f"it shows {self._seen.decode()!r}"
            self._seen += os.read(self._ours, 4096)
        return self._seen.decode()

    def close(self) -> None:
        self.keyboard.close()
        self.screen.close()
        os.close(self._ours)


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
def url(desk: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the server will answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("PORT", str(port))
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def penstock(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Penstock]:
    """Types a command in this process; `at` a terminal, it asks there, and says there what is not its answer."""

    def typed(*arguments: str | Path, at: Terminal | None = None) -> Said:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["penstock", *map(str, arguments)])
            if at is not None:
                patched.setattr(sys, "stdin", at.keyboard)
                patched.setattr(sys, "stderr", at.screen)
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


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with closing(Terminal()) as sat_at:
        yield sat_at
