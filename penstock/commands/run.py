"""`penstock run`: one run, here and now, on the embedded set-up."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid4, uuid5

import structlog
import typer
from dramatiq import Worker

from actors.hints import Hints
from actors.workforce import make_workforce
from flows.events import vertices_sorted
from flows.text import to_text
from penstock.console import answer, complain, remark
from penstock.display import Display, display
from penstock.exports import Export, read_export
from penstock.progress import Progress
from penstock.release import release
from settings import Settings, load_settings
from storage.accounts import Account
from storage.control import Word
from storage.ending import stop
from storage.flow_store import store_version
from storage.jobs import find_job, outputs_of
from storage.requests import JobRequest, Overrides
from storage.states import Mode, Status
from storage.store import Store, open_store
from storage.submitting import NewJob, submit

IDLE_MILLISECONDS = 100
GRACE_MILLISECONDS = 5_000
WAIT_SECONDS = 1.0
"""How often the log is read even when the stream is silent: another process may have ended the job."""

EXIT_CODES = {Status.COMPLETED: 0, Status.CANCELLED: 130}
FAILED = 1


@dataclass(frozen=True)
class Asked:
    """What to run, and with what."""

    export: Export
    text: str
    session: str | None
    globals: dict[str, str]


def run(file: Path, text: str, session: str | None, globals: Sequence[str]) -> int:
    """Runs the flow in a file and prints its answer; the exit code."""
    given = dict(_assignment(written) for written in globals)
    _log_warnings_only()
    settings = load_settings().model_copy(update={"database_url": None, "redis_url": None})
    with closing(open_store(settings.store)) as store:
        asked = Asked(read_export(str(file), file.read_bytes(), store.graphs), text, session, given)
        account = release(store, settings)
        with _working(store, settings) as hints:
            job_id = _submit(store, account, asked, settings)
            hints.send_for_this_one(job_id, Mode.BACKGROUND)
            progress = Progress(asked.export.graph)
            with display() as view:
                _watch(store, account, job_id, progress, view)
        return _conclude(store, job_id, progress)


@contextmanager
def _working(store: Store, settings: Settings) -> Iterator[Hints]:
    """One worker thread for as long as the block lasts, which leaves other people's jobs to the server."""
    broker = make_workforce(store, replace(settings.workforce, threads=1, sweep_seconds=None))
    worker = Worker(broker, worker_threads=1, worker_timeout=IDLE_MILLISECONDS)
    worker.start()
    try:
        yield Hints(broker)
    finally:
        worker.stop(timeout=GRACE_MILLISECONDS)


def _submit(store: Store, account: Account, asked: Asked, settings: Settings) -> str:
    export, job_id = asked.export, str(uuid4())
    version_id = store_version(store.database, export.definition)
    flow_id = str(export.flow.id or uuid5(NAMESPACE_URL, f"penstock:{version_id}"))
    job = NewJob(
        id=job_id,
        user_id=account.user_id,
        flow_id=flow_id,
        version_id=version_id,
        mode=Mode.BACKGROUND,
        session_id=asked.session or flow_id,
        request=JobRequest(input_value=asked.text).stored(),
        overrides=Overrides(globals=asked.globals).seal(store.secrets, job_id),
        seconds_allowed=settings.job_timeout_seconds,
    )
    events = [vertices_sorted(export.graph.first_layer, list(export.graph.vertices))]
    return submit(store.log, job, events, settings.queue_bounds).job_id


def _watch(store: Store, account: Account, job_id: str, progress: Progress, view: Display) -> None:
    """Shows the run until it is over. Ctrl-C stops the job, and its end is shown like any other."""
    try:
        _follow(store, job_id, progress, view)
    except KeyboardInterrupt:
        stop(store.log, job_id, account.user_id)
        store.control.tell(Word.ENDED, job_id)
        _follow(store, job_id, progress, view)


def _follow(store: Store, job_id: str, progress: Progress, view: Display) -> None:
    while not progress.is_over:
        page = store.log.read(job_id, progress.cursor)
        for entry in page.entries:
            view.show(progress, progress.hear(entry))
        if page.is_last and not progress.is_over:
            store.stream.wait({job_id: progress.cursor}, WAIT_SECONDS)


def _conclude(store: Store, job_id: str, progress: Progress) -> int:
    job = find_job(store.database, job_id)
    assert job is not None, "a job is never deleted while it is watched"
    if job.status is not Status.COMPLETED:
        complain(progress.fault or f"The run ended as {job.status}.")
        return EXIT_CODES.get(job.status, FAILED)
    answers = [output["content"] for output in outputs_of(store.database, job_id).values()]
    texts = [to_text(content) for content in answers if content is not None]
    for text in texts:
        answer(text)
    if not texts:
        remark("The flow has no output component, so there is no answer to print.")
    return EXIT_CODES[job.status]


def _assignment(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not (name and equals):
        raise typer.BadParameter(f"{name!r} must be NAME=VALUE.", param_hint="--global")
    return name, value


def _log_warnings_only() -> None:
    """What a server would log beside a run, the display shows."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
