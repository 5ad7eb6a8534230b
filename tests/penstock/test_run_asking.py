"""penstock/commands/run.py: what a flow asks, it asks the person at the terminal."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from flows.human import Decision
from storage.answering import Answer, answer
from storage.database import Database
from storage.human_requests import requests_of
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.states import Status
from storage.stream import StreamBounds
from tests.making import edge, flow, node
from tests.penstock.conftest import ROOT, Penstock, Start, Terminal
from tests.penstock.test_run import EXAMPLES, saved, stored_jobs
from tests.shapes import TEXT, Shape


def test_whoever_is_not_there_is_told_how_to_answer(penstock: Penstock, desk: Path) -> None:
    """Without a terminal the run exits with 3 and leaves its job suspended."""
    said = penstock("run", EXAMPLES / "refund_approval.json", "Order 17")
    assert (said.code, said.out) == (3, "")
    [job] = stored_jobs(desk)
    assert job.status is Status.SUSPENDED
    assert said.err.splitlines()[1:] == [
        "waiting  Refund approval (HumanInput-Kd8uY)",
        f"Job {job.id} is suspended.",
        "Order 17",
        f"  penstock inbox answer HumanInput-Kd8uY:{job.id} approve  # or: reject",
        "It goes on in `penstock up`, at once or when that is started.",
    ]


def test_a_person_at_the_terminal_decides(penstock: Penstock, terminal: Terminal) -> None:
    """They see the prompt and the options; a reply that does not fit is told so and asked for again."""
    terminal.type("perhaps", "2")
    said = penstock("run", EXAMPLES / "refund_approval.json", "Order 17", at=terminal)
    assert (said.code, said.out) == (0, "The refund is refused: Order 17\n")
    shown = terminal.until("done     Chat Output").splitlines()
    asked = shown.index("HumanInput-Kd8uY asks:")
    assert [shown[asked + 1], *shown[asked + 3 : asked + 5]] == ["Order 17", "  1  Approve", "  2  Reject"]
    assert "'perhaps' is not one of approve, reject" in "".join(shown)
    assert "skipped  Refunded (PromptTemplate-Tv2hB)" in shown


@pytest.mark.parametrize(
    ("decisions", "out"),
    [
        (("Approve", "approve"), "Both approve.\nLegal read: Contract 9\nFinance read: Contract 9\n"),
        (("1", "2"), "Not both approve: Contract 9\n"),
        (("2", "2"), "Not both approve: Contract 9\n"),
    ],
)
def test_everything_that_is_asked_is_asked_here(
    penstock: Penstock, terminal: Terminal, decisions: tuple[str, str], out: str
) -> None:
    """One request after the other, by number, label or id of the action."""
    terminal.type(*decisions)
    assert penstock("run", EXAMPLES / "two_approvals.json", "Contract 9", at=terminal).out == out


def test_a_form_is_asked_field_by_field(penstock: Penstock, terminal: Terminal) -> None:
    """What did not fit is asked again, and what did is kept by an empty reply."""
    terminal.type("submit", "much", "meals", "", "", "12.5", "", "with Ada")
    said = penstock("run", EXAMPLES / "expense_form.json", "Lunch", at=terminal)
    assert (said.code, said.out) == (0, "Booked 12.5 euros under meals. with Ada\n")
    shown = terminal.until("done     Chat Output")
    assert "values.amount: 'much' is not of type 'number'" in shown
    assert "Category (one of travel, meals, equipment) [meals]: " in shown


def test_a_person_may_answer_later(penstock: Penstock, terminal: Terminal, desk: Path) -> None:
    """Ctrl-D leaves the question open."""
    terminal.type_no_more()
    assert penstock("run", EXAMPLES / "refund_approval.json", at=terminal).code == 3
    assert stored_jobs(desk)[0].status is Status.SUSPENDED


def test_what_others_are_asked_is_not_asked_here(penstock: Penstock, terminal: Terminal, desk: Path) -> None:
    exported = json.loads((EXAMPLES / "refund_approval.json").read_text())
    fields = exported["data"]["nodes"][1]["data"]["node"]["template"]
    fields["answerers"] = {"name": "answerers", "type": "str", "list": True, "show": True, "value": ["ada"]}
    terminal.type("1")
    assert penstock("run", saved(desk, exported), at=terminal).code == 3
    assert " asks:" not in terminal.until("penstock inbox answer")


def test_whoever_answers_second_is_told_who_was_first(penstock: Penstock, terminal: Terminal, desk: Path) -> None:
    """And the run goes on from the first answer."""

    def be_second() -> None:
        terminal.until("Your choice")
        answer_elsewhere(desk, "reject")
        terminal.type("approve")

    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(be_second)
        said = penstock("run", EXAMPLES / "refund_approval.json", "Order 17", at=terminal)
        second.result()
    assert said.out == "The refund is refused: Order 17\n"
    assert "The request was already answered by ada. Decided at" in terminal.until("done     Chat Output")


def test_an_answer_wakes_no_job_but_its_own(penstock: Penstock, terminal: Terminal, desk: Path) -> None:
    """Other jobs that wait are the server's."""
    penstock("run", EXAMPLES / "refund_approval.json")
    answer_elsewhere(desk, "approve")
    terminal.type("approve")
    assert penstock("run", EXAMPLES / "refund_approval.json", at=terminal).code == 0
    assert [job.status for job in stored_jobs(desk)] == [Status.COMPLETED, Status.QUEUED]


def test_the_component_of_the_docs_asks(
    penstock: Penstock, terminal: Terminal, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/human-in-the-loop.md shows can be copied and runs."""
    docs = (ROOT / "docs" / "human-in-the-loop.md").read_text()
    (desk / "components").mkdir()
    (desk / "components" / "title.py").write_text(docs.partition("```python\n")[2].partition("```")[0])
    monkeypatch.setenv("PENSTOCK_COMPONENTS", str(desk / "components"))
    shape = Shape("Title", {"draft": TEXT}, {"title": ["Message"]})
    asked, title, told = node("ChatInput", "in"), node("Title", "title", shape=shape), node("ChatOutput", "out")
    edges = [edge(asked, "message", title, "draft"), edge(title, "title", told, "input_value")]
    terminal.type("use", "The gate")
    said = penstock("run", saved(desk, flow([asked, title, told], edges)), "It opens.", at=terminal)
    assert (said.code, said.out) == (0, "The gate\n")


def test_ctrl_c_stops_a_job_that_asks(start: Start, terminal: Terminal, desk: Path) -> None:
    sees = {"stdin": terminal.keyboard, "stdout": terminal.screen, "stderr": terminal.screen}
    process = start("penstock", "run", EXAMPLES / "refund_approval.json", "Order 17", **sees)
    terminal.until("Your choice")
    process.send_signal(signal.SIGINT)
    terminal.until("The run was stopped.")
    assert process.wait(30) == 130
    assert stored_jobs(desk)[0].status is Status.CANCELLED


def answer_elsewhere(desk: Path, action_id: str) -> None:
    """Decides on the newest job's request in another place."""
    [job, *_] = stored_jobs(desk)
    with closing(Database(f"sqlite:///{desk / '.penstock' / 'penstock.db'}")) as database:
        [asked] = requests_of(database, job.id)
        log = EventLog(database, MemoryStream(StreamBounds(), time.monotonic))
        answer(log, Answer(job.id, asked.id, Decision(action_id), "ada"))
