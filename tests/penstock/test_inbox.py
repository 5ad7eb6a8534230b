"""penstock/commands/inbox.py: what the local user is asked, and how they answer."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from settings import load_settings
from storage.accounts import LOCAL_USER, LOCAL_USER_ID
from storage.human_requests import RequestView, requests_of
from storage.jobs import JobFilter, JobView, list_jobs, outputs_of
from storage.states import Status
from storage.store import Store, open_store
from tests.actors.workplace import QUICK, working
from tests.penstock.conftest import ROOT, Penstock, Terminal
from tests.penstock.test_examples import example

EXAMPLES = ROOT / "examples"


@contextmanager
def opened() -> Iterator[Store]:
    """The store that the commands use."""
    with closing(open_store(load_settings().store)) as store:
        yield store


def suspended(penstock: Penstock, name: str, text: str = "Order 17") -> JobView:
    """The job of an example that waits for a person."""
    assert penstock("run", EXAMPLES / name, text).code == 3
    return newest_job()


def newest_job() -> JobView:
    with opened() as store:
        return list_jobs(store.database, JobFilter(LOCAL_USER_ID))[0]


def requests(job: JobView) -> list[RequestView]:
    with opened() as store:
        return requests_of(store.database, job.id)


def test_a_program_gets_a_line_for_each_request(penstock: Penstock) -> None:
    """Id, kind, when it was asked, its deadline, the actions and the prompt in one line, between tabs."""
    assert penstock("inbox").lines == []
    suspended(penstock, "refund_approval.json", "Order 17,\n40 euros")
    [asked] = requests(newest_job())
    [line] = penstock("inbox").lines
    assert asked.deadline_at is not None
    assert line.split("\t") == [
        asked.id,
        "node_input",
        asked.asked_at.isoformat(),
        asked.deadline_at.isoformat(),
        "approve,reject",
        "Order 17, 40 euros",
    ]


def test_a_person_gets_an_id_to_copy(penstock: Penstock, terminal: Terminal) -> None:
    job = suspended(penstock, "refund_approval.json")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdout", terminal.screen)
        penstock("inbox")
    id, prompt, actions = terminal.until(", until 20").splitlines()
    assert (id, prompt) == (f"HumanInput-Kd8uY:{job.id}", "  Order 17")
    assert actions.startswith("  approve, reject, until 20")


def test_an_answered_job_goes_on_in_the_server(penstock: Penstock) -> None:
    """The answer is on record with its author; any worker of the same database takes the job up."""
    job = suspended(penstock, "refund_approval.json")
    [asked] = requests(job)
    said = penstock("inbox", "answer", asked.id, "approve")
    assert (said.code, said.out) == (0, "")
    assert said.err.splitlines() == [
        f"Answered. Job {job.id} goes on.",
        "No worker runs: it goes on when one does. Start `penstock up`.",
    ]
    assert penstock("inbox").lines == []
    assert requests(job)[0].decided_by == LOCAL_USER
    with opened() as store, working(store) as workplace:
        workplace.to_end(job.id)
        [output] = outputs_of(store.database, job.id).values()
    assert output["content"] == "The refund is paid: Order 17"


def test_with_redis_the_workers_are_told_at_once(
    penstock: Penstock, desk: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sweeps here: the hint alone brings the job to its end."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{desk / 'shared.db'}")
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", penstock("secret-key").out.strip())
    penstock("migrate")
    with opened() as store, working(store, replace(QUICK, sweep_seconds=None)) as workplace:
        job_id = workplace.submit(example("refund_approval.json")["data"])
        workplace.to_suspension(job_id)
        assert penstock("inbox", "answer", f"HumanInput-Kd8uY:{job_id}", "reject").code == 0
        workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED


def test_values_are_json_or_text_as_the_form_has_it(penstock: Penstock) -> None:
    """A field that is a text takes digits as a text."""
    job = suspended(penstock, "expense_form.json")
    [asked] = requests(job)
    given = ("--value", "amount=12.5", "--value", "category=meals", "--value", "note=17")
    assert penstock("inbox", "answer", asked.id, "submit", *given).code == 0
    [decided] = [one.decided for one in requests(job)]
    assert decided is not None
    assert decided.values == {"amount": 12.5, "category": "meals", "note": "17"}


def test_an_answer_that_does_not_fit_leaves_the_request_open(penstock: Penstock) -> None:
    """Every field that is wrong is named."""
    job = suspended(penstock, "expense_form.json")
    [asked] = requests(job)
    said = penstock("inbox", "answer", asked.id, "submit", "--value", "category=food", "--text", "as ever")
    assert said.code == 2
    for fault in ("values: 'amount' is a required property", "values.category: 'food' is not one of", "text: no text"):
        assert fault in said.err
    assert penstock("inbox", "answer", asked.id, "approve").err.startswith("action_id: 'approve' is not one of submit")
    assert requests(job)[0].is_open


def test_the_same_answer_again_changes_nothing_and_another_is_refused(penstock: Penstock) -> None:
    """Whoever comes second is told who was first, when and with what."""
    job = suspended(penstock, "refund_approval.json")
    [asked] = requests(job)
    assert [penstock("inbox", "answer", asked.id, "approve").code for _ in range(2)] == [0, 0]
    said = penstock("inbox", "answer", asked.id, "reject")
    assert said.code == 2
    assert said.err.startswith("The request was already answered by local. Decided at 20")
    assert said.err.endswith(": approve.\n")


@pytest.mark.parametrize("request_id", ["nonsense", "HumanInput-Kd8uY:5b0e1f6c-1d2a-4c3b-9f4e-7a8b9c0d1e2f"])
def test_a_request_that_is_none_is_refused(penstock: Penstock, request_id: str) -> None:
    said = penstock("inbox", "answer", request_id, "approve")
    assert (said.code, said.err) == (2, f"There is no human request {request_id}.\n")


@pytest.mark.parametrize("arguments", [(), ("some-request",), ("--value", "amount=1")])
def test_without_a_terminal_both_are_to_be_given(penstock: Penstock, desk: Path, arguments: tuple[str, ...]) -> None:
    """Nothing is opened before."""
    said = penstock("inbox", "answer", *arguments)
    assert said.code == 2
    assert said.err.startswith("Give the id of a request and an action")
    assert not (desk / ".penstock").exists()


def test_a_person_picks_a_request_and_is_asked(penstock: Penstock, terminal: Terminal) -> None:
    """A number that is none is asked for again."""
    job = suspended(penstock, "two_approvals.json", "Contract 9")
    terminal.type("3", "2", "approve")
    assert penstock("inbox", "answer", at=terminal).code == 0
    shown = terminal.until("goes on")
    assert f"1  HumanInput-Lg3aX:{job.id}  Contract 9" in shown
    assert "'3' is not a number from 1 to 2" in shown
    assert [one.is_open for one in requests(job)] == [True, False]


def test_the_only_request_is_not_picked(penstock: Penstock, terminal: Terminal) -> None:
    job = suspended(penstock, "refund_approval.json")
    terminal.type("reject")
    assert penstock("inbox", "answer", at=terminal).code == 0
    assert not requests(job)[0].is_open


def test_an_empty_inbox_says_so(penstock: Penstock, terminal: Terminal) -> None:
    assert penstock("inbox", "answer", at=terminal).code == 0
    assert "Nothing is asked." in terminal.until("\n")


def test_whoever_types_no_more_has_not_answered(penstock: Penstock, terminal: Terminal) -> None:
    job = suspended(penstock, "refund_approval.json")
    terminal.type_no_more()
    assert penstock("inbox", "answer", at=terminal).code == 2
    assert requests(job)[0].is_open
