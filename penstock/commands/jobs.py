"""`penstock jobs`: the jobs of a server."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.client.models import JobDetail
from penstock.console import answer, shown
from penstock.server import Server


@dataclass(frozen=True)
class Wanted:
    """Which jobs, and how many of them."""

    flow_id: str | None
    status: str | None
    session_id: str | None
    limit: int


def show(server: Server, wanted: Wanted, *, as_json: bool) -> None:
    """The newest jobs: a table for a person, a line each for a program, of tab-separated cells or `as_json`."""
    with server.client() as client:
        found = client.jobs(flow_id=wanted.flow_id, status=wanted.status, session_id=wanted.session_id)
        listed = list(islice(found, wanted.limit))
    if as_json:
        for job in listed:
            answer(job.model_dump_json(exclude={"links"}))
    elif sys.stdout.isatty():
        Console().print(_table(listed))
    else:
        for job in listed:
            cells = (job.job_id, job.status, job.created_timestamp.isoformat(), job.mode, job.flow_id, job.session_id)
            answer("\t".join(cells))


def _table(jobs: Sequence[JobDetail]) -> Table:
    table = Table("Job", "Status", "Created", "Mode", "Flow")
    for job in jobs:
        created = f"{job.created_timestamp.astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(*(Text(shown(cell)) for cell in (job.job_id, job.status, created, job.mode, job.flow_id)))
    return table
