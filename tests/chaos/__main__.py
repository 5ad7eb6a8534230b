"""`python -m tests.chaos`: breaks a running Penstock in every way while jobs run, and judges what came of it."""

import random
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.chaos.checker import check
from tests.chaos.driver import run_plan
from tests.chaos.evidence import Evidence, load
from tests.chaos.plan import Plan, SetUp, make_plan
from tests.chaos.report import Report, markdown, report, table
from tests.services import missing

JOBS = 500
SECONDS = 240.0


def main(
    seed: Annotated[int | None, typer.Option(help="Makes the same jobs and faults again. Without it: any.")] = None,
    jobs: Annotated[int, typer.Option(help="Runs that are asked for, on each set-up.")] = JOBS,
    seconds: Annotated[float, typer.Option(help="For how long faults are done.")] = SECONDS,
    set_up: Annotated[SetUp | None, typer.Option(help="Break this set-up only.")] = None,
    report_file: Annotated[Path | None, typer.Option("--report", help="Also write the figures to this file.")] = None,
    again: Annotated[Path | None, typer.Option(help="Judge a run again that was kept in this folder.")] = None,
) -> None:
    """Runs jobs while Penstock and what it stands on are killed, frozen, emptied, cut off and locked."""
    console = Console()
    if again is not None:
        raise typer.Exit(_judge(load(again), console, again).exit_code)
    if lacking := missing():
        console.print(f"not installed: {', '.join(lacking)}")
        raise typer.Exit(2)
    chosen = random.randrange(10**6) if seed is None else seed
    plans = [make_plan(chosen, kind, jobs, seconds) for kind in ([set_up] if set_up else SetUp)]
    reports = [_run(plan, console) for plan in plans]
    if report_file is not None:
        report_file.write_text("\n".join(markdown(one) for one in reports))
    raise typer.Exit(max(one.exit_code for one in reports))


def _run(plan: Plan, console: Console) -> Report:
    folder = Path(tempfile.mkdtemp(prefix=f"penstock-chaos-{plan.set_up}-"))
    console.print(f"{plan.set_up}: seed {plan.seed}, {len(plan.jobs)} jobs, {len(plan.faults)} faults")
    found = _judge(run_plan(plan, folder), console, folder)
    if not found.violations:
        shutil.rmtree(folder)
    return found


def _judge(evidence: Evidence, console: Console, folder: Path) -> Report:
    found = report(evidence, check(evidence))
    console.print(table(found))
    for violation in found.violations:
        console.print(str(violation), style="red", markup=False, highlight=False, soft_wrap=True)
    if found.violations:
        console.print(f"History, ledger, contents and what the programs said: {folder}", soft_wrap=True)
    return found


if __name__ == "__main__":
    typer.run(main)
