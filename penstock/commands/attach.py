"""`penstock attach`: a job of a server, watched as `penstock run` watches its own."""

import shlex
from collections.abc import Iterable

import orjson
import typer

from penstock.client.events import Event
from penstock.client.models import JobDetail, Status
from penstock.console import complain, remark
from penstock.display import display
from penstock.outcomes import STOPPED, exit_code, print_answers
from penstock.progress import Progress
from penstock.server import Server
from storage.cursor import START, Cursor
from storage.stream import Entry

PATIENCE_SECONDS = 120.0
"""How long a server may be away while its job is watched: a deploy is shorter."""


def attach(server: Server, job_id: str, cursor: str | None, *, as_json: bool, across_pauses: bool) -> int:
    """Shows a job until it is over or waits for somebody; the exit code."""
    with server.client() as near:
        near.job(job_id)
    with server.client(PATIENCE_SECONDS) as client:
        events = client.attach(job_id, cursor, across_pauses=across_pauses)
        try:
            if as_json:
                _print(events)
            else:
                _show(events)
        except KeyboardInterrupt:
            remark(f"It goes on. To watch it again: penstock attach {shlex.quote(job_id)}")
            return STOPPED
        job = client.job(job_id)
    if not as_json:
        _conclude(job)
    return exit_code(job.status)


def _print(events: Iterable[Event]) -> None:
    """One line for each event: its cursor, its type and its data."""
    for event in events:
        typer.echo(orjson.dumps({"cursor": event.cursor, **orjson.loads(event.frame)}))


def _show(events: Iterable[Event]) -> None:
    progress = Progress()
    with display() as view:
        for event in events:
            view.show(progress, progress.hear(_entry(event)))


def _entry(event: Event) -> Entry:
    return Entry(Cursor.parse(event.cursor) or START, event.event, event.frame.encode(), event.is_terminal)


def _conclude(job: JobDetail) -> None:
    if job.status is Status.COMPLETED and job.result is not None:
        print_answers(output["content"] for output in job.result.outputs.values())
    elif job.status is Status.SUSPENDED:
        _tell_how_to_answer(job)
    else:
        complain(str((job.error or {}).get("message") or f"The run ended as {job.status}."))


def _tell_how_to_answer(job: JobDetail) -> None:
    remark(f"Job {job.job_id} is suspended.")
    for asked in job.human_requests:
        first, *others = asked.allowed_decisions or ["ACTION"]
        or_else = f"  # or: {', '.join(others)}" if others else ""
        typed = shlex.join(["penstock", "resume", job.job_id, asked.request_id, first])
        remark(f"{asked.prompt}\n  {typed}{or_else}")
    if job.is_paused:
        remark(f"Somebody paused it: penstock resume {job.job_id}")
