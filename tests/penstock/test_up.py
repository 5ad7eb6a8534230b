"""penstock/commands/up.py: the server at a desk, started as people start it."""

import json
import os
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from penstock.exports import ECHO_ID
from settings import load_settings
from storage.flow_store import change_flow
from storage.secrets import new_key
from storage.store import open_store
from tests.penstock.conftest import Penstock, Start

KEY = "a-first-key-of-some-length"


def greeting(process: "subprocess.Popen[str]") -> list[str]:
    """What the server prints when it answers, to the line with the call."""
    lines: list[str] = []
    while not (lines and lines[-1].startswith("curl ")):
        line = _output(process).readline()
        assert line, f"it ended: {process.communicate()[1]}"
        lines.append(line.rstrip("\n"))
    return lines


def _output(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def pasted(line: str) -> dict[str, Any]:
    """What a shell answers to the line."""
    ended = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=60)
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def test_the_printed_line_runs_the_example(start: Start, url: str) -> None:
    """The line is there when the server answers, and works as it stands; Ctrl-C ends it all without a word."""
    process = start("penstock", "up")
    address, call = greeting(process)
    assert address == f"Penstock answers at {url}. Try it:"
    answer = pasted(call)
    assert (answer["flow_id"], answer["status"], answer["output"]["text"]) == (ECHO_ID, "completed", "Hello")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_first_key_is_asked_for_by_name(start: Start, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key is needed the line names the variable that holds it, and works in a shell that has it."""
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP_KEY", KEY)
    monkeypatch.setenv("PENSTOCK_HOST", "0.0.0.0")
    _, call = greeting(start("penstock", "up"))
    assert KEY not in call
    assert pasted(call)["output"]["text"] == "Hello"
    assert pasted(call.replace("$PENSTOCK_BOOTSTRAP_KEY", "")) == {"detail": "No authentication credentials provided"}


def test_an_example_that_was_changed_stays_so(start: Start, url: str, penstock: Penstock) -> None:
    """Examples are stored when they are missing, never twice and never over what is there."""
    process = start("penstock", "up")
    greeting(process)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    with closing(open_store(load_settings().store)) as store:
        change_flow(store.database, ECHO_ID, {"name": "Mine", "endpoint_name": "mine"})
    greeting(start("penstock", "up"))
    assert [line.split("\t")[1:] for line in penstock("flows", "list").lines] == [
        ["Answer", "example-answer"],
        ["Assistant", "example-assistant"],
        ["Expense form", "example-expense_form"],
        ["Mine", "mine"],
        ["Refund approval", "example-refund_approval"],
        ["Router", "example-router"],
        ["Two approvals", "example-two_approvals"],
    ]


def test_a_port_that_is_taken_is_refused_before_anything_is_said(penstock: Penstock, url: str, desk: Path) -> None:
    """Somebody else answers there: the line would call a stranger."""
    with socket.create_server(("127.0.0.1", httpx.URL(url).port or 0)):
        said = penstock("up")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"PORT={httpx.URL(url).port}: cannot be listened on at 127.0.0.1")


def test_with_redis_it_is_the_web_part(start: Start, url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two web processes greet once and say which process the runs wait for; with it the line works."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", new_key())
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    server = start("penstock", "up")
    address, hint, call = greeting(server)
    assert address == f"Penstock answers at {url}. Try it:"
    program, *command = hint.partition(": ")[2].split()
    start(program, *command, "--processes", "1", "--threads", "2")
    assert pasted(call)["output"]["text"] == "Hello"
    os.kill(server.pid, signal.SIGINT)
    out, err = server.communicate(timeout=30)
    assert (out, err) == ("", "")
