"""penstock/commands/run.py: a flow from a file, run to its end without a server."""

import json
import os
import pty
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from storage.accounts import LOCAL_USER_ID
from storage.database import Database
from storage.jobs import JobFilter, JobView, list_jobs
from storage.states import Status
from tests.making import echo_flow, edge, export_file, failing_flow, flow, node
from tests.model_stub import ModelStub
from tests.penstock.conftest import ROOT, Penstock, Start
from tests.shapes import TEXT

EXAMPLES = ROOT / "examples"


def saved(folder: Path, exported: dict[str, Any]) -> Path:
    file = folder / "flow.json"
    file.write_text(json.dumps(exported))
    return file


def stored_jobs(desk: Path) -> list[JobView]:
    with closing(Database(f"sqlite:///{desk / '.penstock' / 'penstock.db'}")) as database:
        return list_jobs(database, JobFilter(LOCAL_USER_ID))


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelStub]:
    """The model endpoint that the settings name."""
    with ModelStub() as endpoint:
        monkeypatch.setenv("PENSTOCK_MODEL_BASE_URL", endpoint.url)
        monkeypatch.setenv("PENSTOCK_MODEL_NAME", "stub")
        yield endpoint


def test_the_answer_alone_is_on_stdout(penstock: Penstock) -> None:
    """What a pipe takes is the answer; the vertices are told on stderr as they settle, in plain text."""
    said = penstock("run", EXAMPLES / "echo.json", "hello")
    assert (said.code, said.out) == (0, "hello\n")
    assert [line.split()[0] for line in said.err.splitlines()] == ["done"] * 3
    assert "Chat Input (ChatInput-kX2mE)" in said.err
    assert "\x1b" not in said.err


@pytest.mark.parametrize(
    ("text", "answer", "skipped"),
    [
        ("Come, please", "With pleasure. You said: Come, please\n", "Curt answer"),
        ("Come", "Say please. You said: Come\n", "Polite answer"),
    ],
)
def test_a_branch_that_is_not_taken_is_told(penstock: Penstock, text: str, answer: str, skipped: str) -> None:
    said = penstock("run", EXAMPLES / "router.json", text)
    assert (said.code, said.out) == (0, answer)
    assert [line for line in said.err.splitlines() if line.startswith("skipped")] == [
        line for line in said.err.splitlines() if skipped in line
    ]


def test_a_run_that_fails_says_where_and_why(penstock: Penstock, desk: Path) -> None:
    """It exits with 1 and prints no answer."""
    said = penstock("run", saved(desk, failing_flow()), "hello")
    assert (said.code, said.out) == (1, "")
    failed, message = said.err.splitlines()[-2:]
    assert failed.startswith("failed")
    assert message.startswith("Error building If-Else (ConditionalRouter-bad): unknown operator 'resembles'")


def test_a_run_over_its_time_says_so(penstock: Penstock, stub: ModelStub, monkeypatch: pytest.MonkeyPatch) -> None:
    """PENSTOCK_JOB_TIMEOUT_SECONDS bounds it like any background run."""
    released = Event()
    stub.before_token = lambda index: released.wait(30)
    monkeypatch.setenv("PENSTOCK_JOB_TIMEOUT_SECONDS", "0.2")
    said = penstock("run", EXAMPLES / "answer.json", "hello")
    released.set()
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[-1] == "The run took longer than it was allowed to."


def test_a_model_answers(penstock: Penstock, stub: ModelStub) -> None:
    """The example with a model asks the endpoint of the settings, with its instructions and the text."""
    said = penstock("run", EXAMPLES / "answer.json", "What is a penstock?")
    assert (said.code, said.out) == (0, f"{stub.answer}\n"), said.err
    [request] = stub.requests
    assert request.said("system") == "Answer in at most three sentences."
    assert request.said("user") == "What is a penstock?"


def test_a_model_that_is_not_named_is_asked_for(penstock: Penstock) -> None:
    said = penstock("run", EXAMPLES / "answer.json", "hello")
    assert said.code == 1
    assert "set PENSTOCK_MODEL_NAME" in said.err.splitlines()[-1]


def test_the_job_is_stored_like_any_other(penstock: Penstock, desk: Path) -> None:
    """Under the file's own flow id and the chosen session, the flow's id without one."""
    echo = json.loads((EXAMPLES / "echo.json").read_text())
    penstock("run", EXAMPLES / "echo.json", "hello")
    penstock("run", EXAMPLES / "echo.json", "hello", "--session", "mine")
    newest, oldest = stored_jobs(desk)
    assert (newest.flow_id, newest.session_id, newest.status) == (echo["id"], "mine", Status.COMPLETED)
    assert (oldest.flow_id, oldest.session_id) == (echo["id"], echo["id"])


def test_a_flow_without_an_id_has_that_of_its_content(penstock: Penstock, desk: Path) -> None:
    """So that runs of one file find each other's sessions."""
    file = saved(desk, echo_flow())
    assert [penstock("run", file, "hello").out for _ in range(2)] == ["hello\n"] * 2
    assert len({job.flow_id for job in stored_jobs(desk)}) == 1


def test_a_global_reaches_the_flow(penstock: Penstock, desk: Path) -> None:
    """A field that names a variable has the value of `--global`, which may hold any character."""
    told, answered = node("TextInput", "told", input_value="GREETING"), node("ChatOutput", "out")
    told["data"]["node"]["template"]["input_value"] = TEXT | {"value": "GREETING", "load_from_db": True, "show": True}
    file = saved(desk, export_file(flow([told, answered], [edge(told, "text", answered, "input_value")])))
    assert penstock("run", file, "--global", "greeting=a=b", "--global", "OTHER=").out == "a=b\n"
    assert "'GREETING' is not set" in penstock("run", file).err


@pytest.mark.parametrize("written", ["GREETING", "=hello"])
def test_a_global_that_is_no_assignment_is_refused(penstock: Penstock, written: str, desk: Path) -> None:
    said = penstock("run", EXAMPLES / "echo.json", "--global", written)
    assert said.code == 2
    assert "NAME=VALUE" in said.err
    assert not (desk / ".penstock").exists()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "is not JSON: unexpected end of data: line 1 column 2 (char 1)."),
        ("[]", "The flow must be a JSON object."),
        ('{"data": {"nodes": []}}', "The flow has no nodes."),
        ('{"data": 1}', "`data` is wrong: Input should be a valid dictionary."),
    ],
)
def test_a_file_that_holds_no_flow_is_named_with_its_fault(
    penstock: Penstock, content: str, fault: str, desk: Path
) -> None:
    (desk / "flow.json").write_text(content)
    said = penstock("run", desk / "flow.json")
    assert (said.code, said.out, said.err) == (2, "", f"{desk / 'flow.json'}: {fault}\n")


def test_a_flow_without_an_output_has_no_answer(penstock: Penstock, desk: Path) -> None:
    said = penstock("run", saved(desk, flow([node("ChatInput", "in")])), "hello")
    assert (said.code, said.out) == (0, "")
    assert said.err.splitlines()[-1] == "The flow has no output component, so there is no answer to print."


def test_every_output_is_an_answer(penstock: Penstock, desk: Path) -> None:
    outputs = [node("ChatInput", "in"), node("ChatOutput", "first"), node("TextOutput", "second")]
    edges = [edge(outputs[0], "message", output, "input_value") for output in outputs[1:]]
    assert penstock("run", saved(desk, flow(outputs, edges)), "hello").out == "hello\nhello\n"


def test_the_shared_database_and_redis_are_left_alone(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run at a desk is embedded, whatever the settings name for the server."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", penstock("secret-key").out.strip())
    assert penstock("run", EXAMPLES / "echo.json", "hello").out == "hello\n"


def test_ctrl_c_stops_the_job(start: Start, stub: ModelStub, desk: Path) -> None:
    """The job is cancelled and stays so, and the command says it."""
    asked, released = Event(), Event()

    def wait(index: int) -> None:
        asked.set()
        released.wait(30)

    stub.before_token = wait
    process = start("penstock", "run", EXAMPLES / "answer.json", "hello")
    assert asked.wait(60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    released.set()
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-2:] == ["stopped  Language Model (LanguageModelComponent-Fy6gU)", "The run was stopped."]
    [job] = stored_jobs(desk)
    assert job.status is Status.CANCELLED


def test_a_terminal_shows_the_answer_while_it_comes(start: Start, stub: ModelStub) -> None:
    """Tokens appear before the model is done; at the end the whole answer stands last, and it cannot steer the
    terminal."""
    released = Event()
    stub.tokens = ("Once upon", " a time\x1b[2J")
    stub.before_token = lambda index: index != 1 or released.wait(30)
    ours, theirs = pty.openpty()
    process = start("penstock", "run", EXAMPLES / "answer.json", "hello", stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = _read_until(ours, "Once upon")
    assert "running" in seen
    assert "a time" not in seen
    released.set()
    seen = _read_until(ours, None)
    os.close(ours)
    assert process.wait(30) == 0
    assert seen.splitlines()[-1].endswith("Once upon a time[2J")
    assert "\x1b[2J" not in seen


def _read_until(terminal: int, text: str | None) -> str:
    """What a terminal shows until a text stands there, or until its program ends."""
    seen = b""
    with suppress(OSError):
        while text is None or text.encode() not in seen:
            seen += os.read(terminal, 4096)
    return seen.decode()
