"""`penstock run`: one run, here and now, on the embedded set-up."""

import logging
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid4, uuid5

import structlog
from dramatiq import Worker

from actors.hints import Hints
from actors.workforce import make_workforce
from flows.events import vertices_sorted
from flows.execution.inputs import variables_of
from penstock.assignments import assignments
from penstock.console import complain, is_asked, remark
from penstock.display import display
from penstock.exports import Export, read_export, read_file
from penstock.outcomes import exit_code, print_answers
from penstock.progress import Progress
from penstock.questions import ask_person, lost_to
from penstock.release import release
from settings import Settings, load_settings
from storage.accounts import Account
from storage.answering import Answer, answer
from storage.auditing import Actor
from storage.control import Word
from storage.ending import stop
from storage.errors import NotResumable
from storage.flow_store import store_version
from storage.human_requests import RequestView, requests_of
from storage.jobs import JobView, find_job, outputs_of
from storage.requests import JobRequest, Overrides
from storage.states import Mode, Status
from storage.store import Store, open_store
from storage.submitting import NewJob, submit
from storage.variables import get_variables

IDLE_MILLISECONDS = 100
GRACE_MILLISECONDS = 5_000
WAIT_SECONDS = 1.0
"""How often the log is read even when the stream is silent: another process may have ended the job."""


@dataclass(frozen=True)
class Wanted:
    """What to run, and with what."""

    export: Export
    text: str
    session: str | None
    globals: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A job that is run here, for whom, and how far it is."""

    store: Store
    account: Account
    hints: Hints
    job_id: str
    progress: Progress

    @property
    def actor(self) -> Actor:
        return Actor(self.account.user_id, self.account.name)

    @property
    def job(self) -> JobView:
        found = find_job(self.store.database, self.job_id)
        assert found is not None, "a job is never deleted while it is watched"
        return found

    @property
    def stands_still(self) -> bool:
        """Whether it is suspended now: its events may tell of a pause that is over."""
        return self.progress.is_suspended and self.job.status is Status.SUSPENDED

    @property
    def asks(self) -> list[RequestView]:
        """Its open human requests, the oldest first."""
        return [asked for asked in requests_of(self.store.database, self.job_id) if asked.is_open]

    def wake(self) -> None:
        """Lets the worker of this process go on with this job, and with no other."""
        self.hints.send_for_this_one(self.job_id, Mode.BACKGROUND)


def run(file: Path, text: str, session: str | None, globals: Sequence[str]) -> int:
    """Runs the flow in a file, asks what it asks, and prints its answer; the exit code."""
    given = assignments(globals, "--global")
    _log_warnings_only()
    configured = load_settings()
    settings = configured.model_copy(update={"database_url": None, "redis_url": None})
    with closing(open_store(settings.store)) as store:
        export = read_export(str(file), read_file(file, settings.max_body_bytes), store.graphs)
        wanted = Wanted(export, text, session, given)
        account = release(store, settings)
        with _working(store, settings) as hints:
            job_id = _submit(store, account, wanted, settings)
            watched = Run(store, account, hints, job_id, Progress(wanted.export.graph))
            watched.wake()
            _watch(watched)
        return _conclude(watched, is_shared=not configured.is_embedded)


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


def _submit(store: Store, account: Account, wanted: Wanted, settings: Settings) -> str:
    export, job_id = wanted.export, str(uuid4())
    # Else the run would wait for a worker that can read them, and there is only the one here.
    given = {name.upper() for name in wanted.globals}
    names = {name for name in variables_of(export.graph) if name.upper() not in given}
    get_variables(store.database, store.secrets, account.user_id, names)
    version_id = store_version(store.database, export.definition)
    flow_id = str(export.flow.id or uuid5(NAMESPACE_URL, f"penstock:{version_id}"))
    job = NewJob(
        id=job_id,
        user_id=account.user_id,
        flow_id=flow_id,
        version_id=version_id,
        mode=Mode.BACKGROUND,
        session_id=wanted.session or flow_id,
        request=JobRequest(input_value=wanted.text).stored(),
        overrides=Overrides(globals=wanted.globals).seal(store.secrets, job_id),
        seconds_allowed=settings.job_timeout_seconds,
    )
    events = [vertices_sorted(export.graph.first_layer, list(export.graph.vertices))]
    return submit(store.log, job, events, settings.queue_bounds).job_id


def _watch(watched: Run) -> None:
    """Shows the run, and asks what it asks, until it is over or nobody here can answer. Ctrl-C stops the job, and its
    end is shown like any other."""
    try:
        _follow(watched)
        while watched.stands_still and _ask(watched):
            _follow(watched)
    except KeyboardInterrupt:
        stop(watched.store.log, watched.job_id, watched.account.user_id, watched.actor)
        watched.store.control.tell(Word.ENDED, watched.job_id)
        _follow(watched)


def _follow(watched: Run) -> None:
    """Shows the run until it is over or suspended."""
    store, job_id, progress = watched.store, watched.job_id, watched.progress
    with display() as view:
        while not (progress.is_over or watched.stands_still):
            page = store.log.read(job_id, progress.cursor)
            for entry in page.entries:
                view.show(progress, progress.hear(entry))
            if page.is_last and not (progress.is_over or watched.stands_still):
                store.stream.wait({job_id: progress.cursor}, WAIT_SECONDS)


def _ask(watched: Run) -> bool:
    """Asks the person at this terminal for one decision, stores it and wakes the job; false when nobody is there, who
    can be asked, or they do not answer now."""
    asked = next((asked for asked in watched.asks if _is_meant_for(watched.account, asked)), None)
    if asked is None or not is_asked():
        return False
    try:
        decision = ask_person(asked)
        given = Answer(watched.job_id, asked.id, decision, watched.account.name, actor=watched.actor)
        answer(watched.store.log, given)
    except EOFError:
        return False
    except NotResumable as late:
        remark(lost_to(str(late), late.winner))
    watched.wake()
    return True


def _is_meant_for(account: Account, asked: RequestView) -> bool:
    """Whether a user is asked: one who is named, the owner of the job when nobody is."""
    return account.name in asked.answerers if asked.answerers else account.user_id == asked.user_id


def _conclude(watched: Run, *, is_shared: bool) -> int:
    status = watched.job.status
    if status is Status.COMPLETED:
        print_answers(output["content"] for output in outputs_of(watched.store.database, watched.job_id).values())
    elif status is Status.SUSPENDED:
        _tell_how_to_answer(watched, is_shared=is_shared)
    else:
        complain(watched.progress.fault or f"The run ended as {status}.")
    return exit_code(status)


def _tell_how_to_answer(watched: Run, *, is_shared: bool) -> None:
    """The job, and what to type; `is_shared` when the settings name another database than the one of this run."""
    remark(f"Job {watched.job_id} is suspended.")
    for asked in watched.asks:
        first, *others = asked.payload["allowed_decisions"] or ["ACTION"]
        or_else = f"  # or: {', '.join(others)}" if others else ""
        remark(f"{asked.payload['prompt']}\n  penstock inbox answer {shlex.quote(asked.id)} {first}{or_else}")
    if not watched.asks:
        remark(f"Somebody paused it; with a server on the same database: penstock resume {watched.job_id}")
    where = ", both without DATABASE_URL and REDIS_URL" if is_shared else ""
    remark(f"It goes on in `penstock up`, at once or when that is started{where}.")


def _log_warnings_only() -> None:
    """What a server would log beside a run, the display shows."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
