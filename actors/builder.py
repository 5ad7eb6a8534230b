"""How a pass builds its flow: prepare, run, and record how it ended."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from actors.failures import describe
from actors.journal import PassJournal, interrupting
from actors.loops import Loops
from actors.running import Pass, PassCut
from flows.context import Clock, RunRequest, RunTools
from flows.engine import Engine, Pace
from flows.errors import EffectUncertain, PassInterrupted, VertexTimedOut
from flows.events import end
from flows.graph import Graph
from flows.models import ModelDefaults
from flows.partial import select
from flows.recovery import abandoned_messages, recovery_events
from flows.tweaks import apply_tweaks
from storage import passes
from storage.claiming import Claimed
from storage.database import may_pass
from storage.ending import time_out
from storage.graphs import Graphs
from storage.log import EventLog
from storage.requests import JobRequest, Overrides
from storage.restoring import Legacy, legacy_of
from storage.secrets import Secrets
from storage.states import Mode, Status
from storage.variables import get_variable

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
    """What the run was told that may stand in no error: its globals, and every variable that it looked up."""

    @property
    def claimed(self) -> Claimed:
        return self.running.claimed


@dataclass(frozen=True)
class FlowBuilder:
    """Builds the flow of a pass. Shared by the threads of a process; holds no state of a run."""

    log: EventLog
    graphs: Graphs
    secrets: Secrets
    loops: Loops
    clock: Clock
    model_defaults: ModelDefaults
    max_parallel: int
    hand_on: Callable[[str, Mode], None]
    """Tells the workers of other processes about a job that this one releases."""

    def build(self, running: Pass) -> None:
        """Takes the job of a pass to its end, from the vertices that earlier passes finished; or hands it on, when the
        process ends before.

        Raises `PassLost` when the job was ended or taken over meanwhile, and lets errors of the database rise that may
        pass: the job then stays as it is for the next pass. Any other error would come again, so it fails the job.
        """
        journal = PassJournal(self.log, running)
        try:
            self._build(running, journal)
        except PassInterrupted as interrupted:
            raise _cause_of(interrupted) from None
        finally:
            journal.close()

    def _build(self, running: Pass, journal: PassJournal) -> None:
        claimed, began = running.claimed, self.clock.monotonic()
        confided: set[str] = set()
        try:
            work = self._prepare(running, journal, confided)
            is_whole = self.loops.current().run(self._run(work))
        except TimeoutError:
            time_out(self.log, claimed.job_id)
        except PassCut:
            self._release(claimed, cut_off=True)
        except Exception as failure:
            if isinstance(failure, SQLAlchemyError) and may_pass(failure):
                raise
            described = describe(claimed, failure, confided, self.clock.now(), self.clock.monotonic() - began)
            record = journal.expire if isinstance(failure, VertexTimedOut) else journal.fail
            record(described.error, described.events)
        else:
            if is_whole:
                journal.complete([end(Status.COMPLETED, self.clock.monotonic() - began)])
            else:
                self._release(claimed, cut_off=False)

    def _release(self, claimed: Claimed, *, cut_off: bool) -> None:
        passes.release(self.log, claimed, cut_off=cut_off)
        self.hand_on(claimed.job_id, claimed.mode)

    def _prepare(self, running: Pass, journal: PassJournal, confided: set[str]) -> Work:
        claimed = running.claimed
        request = JobRequest.load(claimed.request)
        overrides = Overrides.open(claimed.overrides, self.secrets, claimed.job_id)
        confided.update(overrides.globals.values())
        graph, _ = select(self.graphs.get(claimed.version_id), request.start_component_id, request.stop_component_id)
        return Work(running, journal, apply_tweaks(graph, overrides.tweaks), request, overrides, confided)

    async def _run(self, work: Work) -> bool:
        """Builds what is missing; false when the process ends before all of it is built."""
        claimed, running = work.claimed, work.running
        seconds = claimed.seconds_left
        pace = Pace(self.max_parallel, claimed.terms.vertex_seconds, running.may_start)
        engine = Engine(work.graph, _run_request(work), self._tools(work), work.journal, pace)
        ready = self._take_up(work, engine)
        limit = asyncio.timeout(None if seconds is None else max(0.0, seconds) + DEADLINE_MARGIN)
        with running.cancellable():
            try:
                async with limit:
                    return await engine.run(ready)
            except Exception:
                # Whatever a component raised when it was cancelled for it.
                if limit.expired():
                    raise TimeoutError from None
                raise

    def _take_up(self, work: Work, engine: Engine) -> list[str]:
        """The vertices to begin with: the first ones, or those that follow what earlier passes left."""
        claimed = work.claimed
        if claimed.fence == 1:
            return engine.restore()
        with interrupting():
            legacy = legacy_of(self.log.database, claimed.job_id)
        _check_effects(work.graph, legacy)
        ready = engine.restore(legacy.finished)
        if claimed.taken_from is not None:
            abandoned = abandoned_messages(legacy.open_messages, {result.vertex_id for result in legacy.finished})
            work.journal.announce(recovery_events(ready, claimed.attempts, abandoned))
        return ready

    def _tools(self, work: Work) -> RunTools:
        return RunTools(self.clock, self._variables(work), self.loops.current().models, self.model_defaults)

    def _variables(self, work: Work) -> Callable[[str], str | None]:
        given = {name.upper(): value for name, value in work.overrides.globals.items()}

        def lookup(name: str) -> str | None:
            if name.upper() in given:
                return given[name.upper()]
            with interrupting():
                found = get_variable(self.log.database, self.secrets, work.claimed.user_id, name)
            if found is not None:
                work.confided.add(found)
            return found

        return lookup


def _check_effects(graph: Graph, legacy: Legacy) -> None:
    """Raises `EffectUncertain` for a vertex that may have done what must not happen twice (rule 6)."""
    for vertex_id in legacy.unclear:
        raise EffectUncertain(vertex_id, graph.vertices[vertex_id].display_name)


def _cause_of(interrupted: PassInterrupted) -> BaseException:
    return interrupted.__cause__ or interrupted


def _run_request(work: Work) -> RunRequest:
    claimed = work.claimed
    return RunRequest(
        job_id=claimed.job_id,
        flow_id=claimed.flow_id,
        session_id=claimed.session_id,
        input_value=work.request.input_value,
        files=work.request.files,
    )
