"""The report tells the figures of a run and everything that did not hold."""

from tests.chaos.checker import check
from tests.chaos.inventing import JOB, fault, flawless, interrupted, with_job
from tests.chaos.plan import FaultKind
from tests.chaos.report import markdown, report

KILLED = fault(FaultKind.KILL_WORKER, 10.6, 13.0)


def test_a_run_without_a_flaw_is_a_success() -> None:
    run = interrupted(flawless(), KILLED, 4.0)
    found = report(run, check(run))
    figures = {figure.name: figure.value for figure in found.figures}
    assert found.exit_code == 0
    assert figures["violations"] == "0"
    assert figures["next pass after kill -9"] == "1: p50 4.00 s, max 4.00 s"
    assert figures["vertices begun, and duplicates: pure"] == "2, 1"


def test_a_violation_is_told_and_makes_it_a_failure() -> None:
    run = with_job(flawless(), status="queued")
    found = report(run, check(run))
    assert found.exit_code == 1
    assert f"- I1: {JOB}: is queued" in markdown(found)


def test_a_lost_job_is_a_loss() -> None:
    run = with_job(flawless(), id="another")
    figures = {figure.name: figure.value for figure in report(run, check(run)).figures}
    assert int(figures["losses (jobs, milestones)"]) > 0
