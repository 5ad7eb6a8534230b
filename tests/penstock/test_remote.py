"""penstock attach, jobs, stop and resume: the jobs of a server, from any terminal."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock import Client
from penstock.client.models import Status
from tests.deployments import Deployment, embedded
from tests.journeys.gated import SETTING, Gate
from tests.making import approval_flow, approvals_flow, echo_flow, failing_flow
from tests.penstock.conftest import Penstock, Start, Terminal

FORM = {
    "properties": {"amount": {"type": "number"}},
    "required": ["amount"],
    "type": "object",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with embedded(tmp_path_factory.mktemp("remote"), dict(SETTING)) as deployment:
        yield deployment


@pytest.fixture
def client(server: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of the server that the environment names."""
    monkeypatch.setenv("PENSTOCK_URL", server.url)
    monkeypatch.delenv("PENSTOCK_API_KEY", raising=False)
    with Client(server.url) as connected:
        yield connected


def submitted(client: Client, flow: dict[str, object], text: str = "May I?") -> str:
    """A job that has come to rest."""
    stored = client.push_flow({"name": "flow", "data": flow})
    return client.wait(client.submit(stored.id, text).job_id, timeout=60).job_id


def test_attach_shows_a_run_and_prints_its_answer(penstock: Penstock, client: Client) -> None:
    """As `penstock run` does: the answer alone on stdout, the vertices by their names on stderr."""
    job_id = submitted(client, echo_flow(), "hello")
    said = penstock("attach", job_id)
    assert (said.code, said.out) == (0, "hello\n")
    assert [line.split()[0] for line in said.err.splitlines()] == ["done"] * 2
    assert "Chat Input (ChatInput-a1)" in said.err


def test_attach_writes_a_line_for_each_event(penstock: Penstock, client: Client) -> None:
    """With its cursor, from which another one goes on."""
    job_id = submitted(client, echo_flow(), "hello")
    lines = [json.loads(line) for line in penstock("attach", job_id, "--json").lines]
    assert [line["cursor"] for line in lines] == [str(seq) for seq in range(1, len(lines) + 1)]
    assert (lines[0]["event"], lines[-1]["event"], lines[-1]["data"]["status"]) == (
        "vertices_sorted",
        "end",
        "completed",
    )
    rest = penstock("attach", job_id, "--json", "--cursor", "3").lines
    assert [json.loads(line) for line in rest] == lines[3:]


def test_attach_says_how_a_run_failed(penstock: Penstock, client: Client) -> None:
    said = penstock("attach", submitted(client, failing_flow()))
    assert (said.code, said.out) == (1, "")
    assert "unknown operator 'resembles'" in said.err.splitlines()[-1]


def test_attach_says_how_to_answer(penstock: Penstock, client: Client) -> None:
    """The line can be typed as it stands, and the run goes on."""
    job_id = submitted(client, approval_flow())
    said = penstock("attach", job_id)
    assert (said.code, said.out) == (3, "")
    [line] = [line for line in said.err.splitlines() if "penstock resume" in line]
    typed = line.split("#")[0].split()[1:]
    assert penstock(*typed).code == 0
    assert client.wait(job_id, timeout=60).status is Status.COMPLETED
    assert penstock("attach", job_id).out == "May I?\n"


def test_ctrl_c_leaves_the_job_alone(start: Start, client: Client, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    flow = client.push_flow({"name": "gated", "data": gate.flow("Gated")})
    job_id = client.submit(flow.id, "hello").job_id
    process = start("penstock", "attach", job_id)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("done")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1] == f"It goes on. To watch it again: penstock attach {job_id}"
    gate.open()
    assert client.wait(job_id, timeout=60).status is Status.COMPLETED


def test_jobs_are_listed_for_a_program(penstock: Penstock, client: Client) -> None:
    """A line of cells each, the newest first, or JSON; by flow and by state."""
    flow = client.push_flow({"name": "flow", "data": echo_flow()})
    made = [client.wait(client.submit(flow.id, session_id=name).job_id).job_id for name in ("a", "b")]
    lines = [line.split("\t") for line in penstock("jobs", "--flow", flow.id).lines]
    assert [(line[0], line[1], line[3:]) for line in lines] == [
        (made[1], "completed", ["background", flow.id, "b"]),
        (made[0], "completed", ["background", flow.id, "a"]),
    ]
    [found] = penstock("jobs", "--flow", flow.id, "--session", "a", "--json").lines
    assert json.loads(found)["job_id"] == made[0]
    assert len(penstock("jobs", "--flow", flow.id, "--limit", "1").lines) == 1
    assert penstock("jobs", "--flow", flow.id, "--status", "failed").lines == []


def test_a_job_is_stopped(penstock: Penstock, client: Client) -> None:
    job_id = submitted(client, approval_flow())
    assert penstock("stop", job_id).out == f"Job {job_id} cancelled successfully.\n"
    assert penstock("stop", job_id).out == f"Job {job_id} is already cancelled.\n"
    assert penstock("attach", job_id).code == 130


def test_a_value_is_read_as_the_form_says(penstock: Penstock, client: Client) -> None:
    """What does not fit is refused with its field, and changes nothing; what comes second is told who was first."""
    job_id = submitted(client, approval_flow(form=FORM))
    [asked] = client.pending(job_id)
    wrong = penstock("resume", job_id, asked.request_id, "approve", "--value", "amount=much")
    assert (wrong.code, len(wrong.err.splitlines())) == (2, 1)
    assert "values.amount" in wrong.err
    assert penstock("resume", job_id, asked.request_id, "approve", "--value", "amount=12.5").code == 0
    late = penstock("resume", job_id, asked.request_id, "reject", "--value", "amount=1")
    assert late.code == 2
    assert "already answered by local. Decided at" in late.err


def test_a_terminal_asks(penstock: Penstock, client: Client, terminal: Terminal) -> None:
    """Which request, when there are several, and then what is to be decided."""
    job_id = submitted(client, approvals_flow(2))
    terminal.type("2", "Approve")
    assert penstock("resume", job_id, at=terminal).code == 0
    assert "HumanInput-2 asks" in terminal.until("goes on")
    [left] = client.pending(job_id)
    assert left.vertex_id == "HumanInput-1"
    assert penstock("resume", job_id, left.request_id, "approve").code == 0
    assert client.wait(job_id, timeout=60).status is Status.COMPLETED


def test_without_a_terminal_what_is_asked_is_told(penstock: Penstock, client: Client) -> None:
    job_id = submitted(client, approval_flow())
    said = penstock("resume", job_id)
    assert said.code == 2
    assert said.err.splitlines()[-1] == f"HumanInput-h1:{job_id} approve|reject"


def test_a_paused_job_goes_on(penstock: Penstock, client: Client, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    flow = client.push_flow({"name": "gated", "data": gate.flow("Gated", "Gated")})
    job_id = client.submit(flow.id, "hello").job_id
    client.pause(job_id)
    gate.open()
    assert client.wait(job_id, timeout=60).is_paused
    assert f"penstock resume {job_id}" in penstock("attach", job_id).err
    assert penstock("resume", job_id).code == 0
    assert client.wait(job_id, timeout=60).status is Status.COMPLETED
    assert penstock("resume", job_id).code == 2


@pytest.mark.parametrize("command", [["attach", "x"], ["stop", "x"], ["resume", "x"]])
def test_a_fault_is_one_line_that_says_what_to_do(penstock: Penstock, client: Client, command: list[str]) -> None:
    """A job that is not there, what is no URL: exit code 2, no traceback."""
    unknown = penstock(*command)
    assert (unknown.code, unknown.out, len(unknown.err.splitlines())) == (2, "", 1)
    assert "is no URL of a server" in penstock(*command, "--url", "localhost").err


def test_a_server_that_is_not_there_is_said_to_be_away(penstock: Penstock) -> None:
    away = penstock("jobs", "--url", "http://127.0.0.1:1")
    assert (away.code, away.out, len(away.err.splitlines())) == (2, "", 1)
    assert "Is `penstock up` there?" in away.err
