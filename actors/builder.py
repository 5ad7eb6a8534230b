"""How a pass builds its flow: prepare, run, and record how it ended."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from actors.failures import describe
from actors.journal import PassJournal, interrupting
from actors.loops import Loops
from actors.running import Pass
from flows.context import Clock, RunRequest, RunTools
from flows.engine import Engine
from flows.errors import PassInterrupted
from flows.events import end
from flows.graph import Graph
from flows.models import ModelDefaults
from flows.partial import select
from flows.tweaks import apply_tweaks
from storage import passes
from storage.ending import time_out
from storage.graphs import Graphs
from storage.log import EventLog
from storage.passes import Claimed
from storage.requests import JobRequest, Overrides
from storage.secrets import Secrets
from storage.states import Status
from storage.variables import get_variable

DEADLINE_MARGIN = 0.1
"""Seconds that a pass lets its deadline lie behind, so that the database's clock agrees that it has passed."""


@dataclass(frozen=True)
class Work:
    """What one pass has to do."""

    claimed: Claimed
    graph: Graph
    request: JobRequest
    overrides: Overrides
    confided: set[str]
    """What the run was told that may stand in no error: its globals, and every variable that it looked up."""


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

    def build(self, running: Pass) -> None:
        """Takes the job of a pass to its end, from the vertices that earlier passes finished.

        Raises `PassLost` when the job was ended or taken over meanwhile, and lets errors of the database rise: the
        job then stays as it is for the next pass. Any other error would come again, so it fails the job.
        """
        claimed = running.claimed
        began = self.clock.monotonic()
        confided: set[str] = set()
        try:
            work = self._prepare(claimed, confided)
            self.loops.current().run(self._run(work, running))
        except TimeoutError:
            time_out(self.log, claimed.job_id)
        except PassInterrupted as interrupted:
            raise _cause_of(interrupted) from None
        except SQLAlchemyError:
            raise
        except Exception as failure:  # noqa: BLE001 - told to the flow's owner
            self._fail(claimed, failure, confided, self.clock.monotonic() - began)
        else:
            passes.complete(self.log, claimed, [end(Status.COMPLETED, self.clock.monotonic() - began)])

    def _prepare(self, claimed: Claimed, confided: set[str]) -> Work:
        request = JobRequest.load(claimed.request)
        overrides = Overrides.open(claimed.overrides, self.secrets, claimed.job_id)
        confided.update(overrides.globals.values())
        graph, _ = select(self.graphs.get(claimed.version_id), request.start_component_id, request.stop_component_id)
        return Work(claimed, apply_tweaks(graph, overrides.tweaks), request, overrides, confided)

    async def _run(self, work: Work, running: Pass) -> None:
        claimed = work.claimed
        seconds = claimed.seconds_left
        engine = Engine(
            work.graph,
            _run_request(work),
            self._tools(work),
            PassJournal(self.log, claimed),
            max_parallel=self.max_parallel,
        )
        finished = passes.finished_vertices(self.log.database, claimed.job_id) if claimed.fence > 1 else []
        with running.cancellable():
            async with asyncio.timeout(None if seconds is None else max(0.0, seconds) + DEADLINE_MARGIN):
                await engine.run(finished)

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

    def _fail(self, claimed: Claimed, failure: Exception, confided: Collection[str], duration: float) -> None:
        described = describe(claimed, failure, confided, self.clock.now(), duration)
        passes.fail(self.log, claimed, described.error, described.events)


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
