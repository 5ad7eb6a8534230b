"""How a pass builds its flow: prepare, run, and record how it ended."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from actors.databases import RunDatabases
from actors.failures import describe, tellable
from actors.journal import PassJournal, interrupting
from actors.loops import Loops
from actors.run_files import RunFiles
from actors.run_flows import RunFlows, author_of
from actors.run_knowledge import RunKnowledge
from actors.run_memory import RunMemory
from actors.running import Pass, PassCut
from flows.budget import Budget
from flows.errors import PassInterrupted, VertexTimedOut
from flows.events import build_start, end, vertices_sorted
from flows.execution.engine import Engine, Pace, Progress
from flows.execution.inputs import variables_of
from flows.execution.recovery import abandoned_messages, recovery_events
from flows.graph import Graph
from flows.models.defaults import ModelDefaults
from flows.partial import select
from flows.run import Clock, RunRequest, RunTools
from flows.secrets import hidden_secrets, without_secrets
from flows.tweaks import apply_tweaks
from storage import passes
from storage.claiming import Claimed
from storage.database import may_pass
from storage.ending import time_out
from storage.errors import RunForbidden, SecretUnreadable
from storage.files import Files
from storage.graphs import Graphs
from storage.human_requests import requests_of
from storage.knowledge_index import Indexes
from storage.levels import Trust
from storage.log import EventLog
from storage.requests import JobRequest, Overrides
from storage.restoring import legacy_of
from storage.secrets import Secrets
from storage.states import Mode, Status
from storage.variables import get_variable, get_variables

logger = structlog.get_logger(__name__)

DEADLINE_MARGIN = 0.1
"""Seconds that a pass lets its deadline lie behind, so that the database's clock agrees that it has passed."""


@dataclass(frozen=True)
class Work:
    """What one pass has to do."""

    running: Pass
    journal: PassJournal
    graph: Graph
    request: JobRequest
    overrides: Overrides
    confided: set[str]
    """What may stand in no error: its globals, what its flow's password fields and its tweaks of them hold, every
    variable that it looked up, and the settings' own keys."""
    has_variables: bool
    """Whether it may look up the variables of its user: in a flow of their own only, for whoever owns a flow decides
    where it sends what it is given."""

    @property
    def claimed(self) -> Claimed:
        return self.running.claimed

    @cached_property
    def given(self) -> Mapping[str, str]:
        """The globals, which stand before the variables of the same name, upper-cased."""
        return {name.upper(): value for name, value in self.overrides.globals.items()}


@dataclass(frozen=True)
class FlowBuilder:
    """Builds the flow of a pass. Shared by the threads of a process; holds no state of a run."""

    log: EventLog
    graphs: Graphs
    files: Files
    secrets: Secrets
    loops: Loops
    clock: Clock
    model_defaults: ModelDefaults
    search_endpoint: str | None
    arxiv_endpoint: str | None
    sql_folder: Path | None
    indexes: Indexes
    embedding_model: str
    max_parallel: int
    hand_on: Callable[[str, Mode], None]
    """Tells the workers of other processes about a job that this one releases."""

    def build(self, running: Pass, journal: PassJournal) -> Progress:
        """Takes the job of a pass to its end, from the vertices that are finished; or hands it on, when the process
        ends before: then the pass is done. Else the job is to be suspended, or, when that is refused, built again.

        Raises `PassLost` when the job was ended or taken over meanwhile, and lets errors of the database rise that may
        pass: the job then stays as it is for the next pass. Any other error would come again, so it fails the job.
        """
        claimed, began = running.claimed, self.clock.monotonic()
        confided: set[str] = set()
        try:
            work = self._prepare(running, journal, confided)
            progress = self.loops.current().run(self._run(work))
        except TimeoutError:
            time_out(self.log, claimed.job_id)
        except PassCut:
            self._release(claimed, cut_off=True)
        except PassInterrupted as interrupted:
            self._set_aside(claimed, interrupted, cut_off=journal.has_written)
        except Exception as failure:
            if isinstance(failure, SQLAlchemyError) and may_pass(failure):
                raise
            described = describe(claimed, failure, confided, self.clock.now(), self.clock.monotonic() - began)
            record = journal.expire if isinstance(failure, VertexTimedOut) else journal.fail
            record(described.error, described.events)
        else:
            if progress is Progress.DONE:
                journal.complete([end(Status.COMPLETED, self.clock.monotonic() - began)])
            elif progress is Progress.WAITING or not running.is_draining:
                return progress
            else:
                self._release(claimed, cut_off=False)
        return Progress.DONE

    def _release(self, claimed: Claimed, *, cut_off: bool) -> None:
        passes.release(self.log, claimed, cut_off=cut_off)
        self.hand_on(claimed.job_id, claimed.mode)

    def _set_aside(self, claimed: Claimed, interrupted: PassInterrupted, *, cut_off: bool) -> None:
        """Leaves a job whose secrets cannot be read here to a worker that has their key; any other interruption
        rises."""
        if not isinstance(interrupted.__cause__, SecretUnreadable):
            raise interrupted
        logger.error("secrets_unreadable", job_id=claimed.job_id, reason=str(interrupted.__cause__))
        passes.set_aside(self.log, claimed, cut_off=cut_off)

    def _prepare(self, running: Pass, journal: PassJournal, confided: set[str]) -> Work:
        claimed = running.claimed
        request = JobRequest.load(claimed.request)
        if not claimed.runner.may_run:
            raise RunForbidden(str(RunForbidden.__doc__))
        with interrupting():
            overrides = Overrides.open(claimed.overrides, self.secrets, claimed.job_id)
        confided.update(overrides.globals.values())
        graph, _ = select(self.graphs.get(claimed.version_id), request.start_component_id, request.stop_component_id)
        graph = apply_tweaks(graph, overrides.tweaks)
        if claimed.trust is Trust.PUBLIC:
            graph = without_secrets(graph)
        hidden = hidden_secrets(graph)
        confided.update(hidden, self.model_defaults.secrets)
        has_variables = claimed.trust is not Trust.PUBLIC and claimed.runner.owns_flow
        work = Work(running, journal, graph, request, overrides, confided, has_variables)
        self._check_variables(work)
        return work

    def _check_variables(self, work: Work) -> None:
        """Whether the variables that the flow names can be read, before anything is written of the run."""
        if work.has_variables:
            names = {name for name in variables_of(work.graph) if name.upper() not in work.given}
            with interrupting():
                get_variables(self.log.database, self.secrets, work.claimed.user_id, names)

    async def _run(self, work: Work) -> Progress:
        """Builds what is missing, as far as it goes."""
        claimed, running = work.claimed, work.running
        seconds = claimed.seconds_left
        pace = Pace(self.max_parallel, claimed.terms.vertex_seconds, running.may_start)
        journal, past = work.journal, (work.journal.dialogues, work.journal.checkpoints)
        engine = Engine(work.graph, _run_request(work), self._tools(work), journal, pace, *past)
        ready = self._take_up(work, engine)
        limit = asyncio.timeout(None if seconds is None else max(0.0, seconds) + DEADLINE_MARGIN)
        with running.cancellable(), running.hearing(lambda: self._hear(work, engine)):
            try:
                async with limit:
                    return await engine.run(ready)
            except Exception:
                # Whatever a component raised when it was cancelled for it.
                if limit.expired():
                    raise TimeoutError from None
                raise

    def _take_up(self, work: Work, engine: Engine) -> list[str]:
        """The vertices to begin with: the first ones, or those that follow what is there already."""
        claimed, journal = work.claimed, work.journal
        if journal.is_first:
            return engine.restore()
        with interrupting():
            legacy = legacy_of(self.log.database, claimed.job_id)
        journal.dialogues.update(legacy.asked)
        journal.checkpoints.update(legacy.kept)
        ready = engine.restore(legacy.finished)
        layer = [id for id in ready if not journal.dialogues.is_open(id)]
        events = [vertices_sorted(layer, engine.unfinished), build_start()]
        if claimed.taken_from is not None:
            inside = {result.vertex_id for result in legacy.finished} - work.graph.vertices.keys()
            finished = (work.graph.vertices.keys() - set(engine.unfinished)) | inside
            abandoned = abandoned_messages(legacy.open_messages, finished)
            events += recovery_events(layer, claimed.attempts, abandoned)
        journal.announce(events)
        for vertex_id in legacy.unclear:
            engine.doubt(vertex_id)
        return ready

    def _hear(self, work: Work, engine: Engine) -> None:
        """Takes answers into a run that is under way."""
        try:
            asked = requests_of(self.log.database, work.claimed.job_id)
        except SQLAlchemyError as error:
            # The next write of the pass tells again that there are answers.
            logger.warning("answers_unread", job_id=work.claimed.job_id, error=str(error))
            return
        engine.go_on([request.as_asked for request in asked])

    def _tools(self, work: Work) -> RunTools:
        files = RunFiles(self.files, work.claimed)
        outbound, variable = self.loops.current().outbound, self._variables(work)
        author = author_of(self.log.database, work.claimed)
        return RunTools(
            self.clock,
            variable,
            outbound,
            self.model_defaults,
            files,
            search_endpoint=self.search_endpoint,
            arxiv_endpoint=self.arxiv_endpoint,
            memory=RunMemory(self.log.database, work.claimed),
            databases=RunDatabases(outbound, self.sql_folder),
            flows=RunFlows(
                self.log.database,
                self.graphs,
                work.claimed,
                author,
                variable,
                work.confided,
                is_changeable=work.claimed.trust is Trust.FULL,
            ),
            budget=Budget(work.claimed.tokens, work.claimed.max_tokens),
            knowledge=RunKnowledge(self.log.database, self.indexes, work.claimed, self.embedding_model),
            struck=lambda text: tellable(text, work.confided),
        )

    def _variables(self, work: Work) -> Callable[[str], str | None]:
        def lookup(name: str) -> str | None:
            if name.upper() in work.given:
                return work.given[name.upper()]
            if not work.has_variables:
                return None
            with interrupting():
                found = get_variable(self.log.database, self.secrets, work.claimed.user_id, name)
            if found is not None:
                work.confided.add(found)
            return found

        return lookup


def _run_request(work: Work) -> RunRequest:
    claimed = work.claimed
    return RunRequest(
        job_id=claimed.job_id,
        flow_id=claimed.flow_id,
        session_id=claimed.session_id,
        input_value=work.request.input_value,
        files=work.request.files,
        is_remembered=work.request.is_remembered,
    )
