"""Processes forked from one that has imported the program: they start in a tenth of the time of a command.

Each is a process all the same, of its own group, environment and output, and dies its own death.
"""

import multiprocessing
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import uvicorn

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["uvicorn", "uvloop", "web.app"])


class ForkedServer:
    """A web server; to be handled like a `subprocess.Popen`."""

    def __init__(self, port: int, environment: Mapping[str, str], log: Path) -> None:
        self._process = FORKS.Process(target=_serve, args=(port, dict(environment), log))
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("web", timeout or 0.0)
        return code


def _serve(port: int, environment: Mapping[str, str], log: Path) -> None:
    """What the command `uvicorn web.app:app` does."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    uvicorn.run("web.app:app", port=port, access_log=False, proxy_headers=False, timeout_graceful_shutdown=5)
