"""One of several processes dies at a write boundary, and the others go on without it (I1, I2, I6, I12)."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from signal import SIGKILL

import pytest
from dramatiq.cli import RET_KILLED

from tests.deployments import Program
from tests.journeys.asking import Asking
from tests.journeys.checking import check_log
from tests.journeys.conftest import Rough
from tests.journeys.gated import Gate
from tests.making import chain, echo_flow
from tests.reading import Client, until

pytestmark = pytest.mark.real_services

AT_ONCE = 12
"""Jobs that are submitted at a time, until every worker that is to die has got one."""


@contextmanager
def doomed(twins: Sequence[Program]) -> Iterator[None]:
    """More processes, which have died when the block ends."""
    with ExitStack() as stack:
        for twin in twins:
            stack.callback(twin.kill)
            twin.start()
        for twin in twins:
            twin.await_ready()
        yield
        for twin in twins:
            # The parent of a worker ends so when its child was killed.
            assert twin.ended() in (-SIGKILL, RET_KILLED)


def test_web_processes_die_in_a_submit(rough: Rough, here: Client) -> None:
    """Before and after the commit, the publication and the hint: asked again under the same key, another web process
    has one job, which ends."""
    points = ("submit.written", "submit.committed", "submit.published", "hint.sent")
    web = rough.deployment.webs[0]
    twins = [web.twin(f"doomed-{point}", PENSTOCK_KILL_POINT=point) for point in points]
    with doomed(twins):
        for twin in twins:
            with closing(Client(twin.url)) as lost:
                asking = Asking(lost, echo_flow())
                asking.submit()
            assert not asking.is_answered
            asking.client = here
            asking.submit()
            check_log(here.events(asking.job_id), "completed")
            assert asking.jobs() == [asking.job_id]


def test_a_web_process_dies_in_a_stop(rough: Rough, here: Client, gate: Gate) -> None:
    """A stop that was committed and told nobody ends the run for its watchers and its worker all the same."""
    web = rough.deployment.webs[0].twin("doomed", PENSTOCK_KILL_POINT="stop.committed")
    with doomed([web]), closing(Client(web.url)) as lost:
        asking = Asking(lost, gate.flow("Gated", "Gated"))
        asking.submit()
        gate.await_lines(1)
        with here.attached(asking.job_id) as found:
            before = until(found, "end_vertex")
            asking.stop()
            check_log([*before, *found], "cancelled")
    gate.open()
    assert here.stop(asking.job_id).json()["message"].endswith("is already cancelled.")
    assert {line.vertex_id for line in gate.begun()} == {"step-1"}


def test_workers_die_in_their_runs(rough: Rough, here: Client, there: Client) -> None:
    """Three workers die around the commit of a vertex, a fourth behind the commit of an end: every run ends, whole and
    once, and no vertex that was finished is built again."""
    points = ("finish_vertex.written", "finish_vertex.committed", "finish_vertex.published", "complete.committed")
    worker, flow_id = rough.deployment.workers[0], here.store(chain(2))
    twins = [worker.twin(f"doomed-{point}", PENSTOCK_KILL_POINT=f"{point}:2") for point in points]
    with doomed(twins):
        while any(twin.is_running for twin in twins):
            job_ids = [here.submit(flow_id, input_value="x") for _ in range(AT_ONCE)]
            for job_id in job_ids:
                check_log(there.events(job_id), "completed")
