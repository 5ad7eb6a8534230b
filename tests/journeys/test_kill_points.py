"""A process that dies at any write boundary, and comes back, has lost nothing and done nothing twice (I1, I2, I6, I12).

Each kill point is reached by a run of its own, in the embedded set-up: there one death ends everything at once.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from storage.database import Database
from storage.kill_points import KILL_POINTS
from storage.tables import VertexRow
from tests.deployments import Deployment, ForkedWeb, Web, running, unstarted_embedded
from tests.journeys.asking import Asking
from tests.journeys.checking import check_log, check_messages
from tests.journeys.conftest import QUICK, settings_of
from tests.journeys.employing import employed
from tests.journeys.gated import SETTING, Gate
from tests.making import approval_flow, edge, flow, model_flow, node
from tests.model_stub import ModelStub
from tests.reading import WORKFLOWS, Client
from tests.shapes import Exported

NO_GRACE = {"PENSTOCK_GRACE_SECONDS": "0.2"}
ARMED = "PENSTOCK_KILL_POINT"


@dataclass(frozen=True)
class Scene:
    """A run, the process that is to die with it, and the gate that holds its steps."""

    process: Web
    asking: Asking
    gate: Gate


def _open(scene: Scene) -> None:
    scene.gate.open()


def _wait(scene: Scene) -> None:
    """A limit ends the run."""


def _await_end(scene: Scene) -> None:
    """A deadline ends the wait for a person."""
    with scene.asking.client.following(f"{WORKFLOWS}/{scene.asking.job_id}/events", on_suspend="follow") as found:
        list(found)


def _stop(scene: Scene) -> None:
    scene.gate.await_lines(1)
    scene.asking.stop()


def _deploy(scene: Scene) -> None:
    scene.gate.await_lines(1)
    scene.process.ask_to_end()


def _lose(scene: Scene) -> None:
    """The job is lost with one process; the next one finds it."""
    scene.gate.await_lines(1)
    scene.process.kill()
    scene.process.start()


def _await_question(scene: Scene) -> str:
    """Waits until the run waits for a person; the id of the request."""
    client = scene.asking.client
    client.events(scene.asking.job_id)
    [asked] = client.asked(scene.asking.job_id)
    return str(asked["request_id"])


def _answer(scene: Scene) -> None:
    """Decides; the answer to that may be lost."""
    request_id = f"HumanInput-h1:{scene.asking.job_id}"
    with suppress(httpx.TransportError):
        answer = scene.asking.client.resume(scene.asking.job_id, request_id, "approve")
        assert answer.status_code == 200, answer.text
    scene.gate.open()


def _await_and_answer(scene: Scene) -> None:
    _await_question(scene)
    _answer(scene)


def _tell_of_the_effect(scene: Scene) -> None:
    """Somebody says what became of the step that must not happen twice, if nobody knows."""
    scene.gate.open()
    scene.asking.client.events(scene.asking.job_id)
    for asked in scene.asking.client.asked(scene.asking.job_id):
        assert asked["kind"] == "uncertain_effect"
        assert scene.asking.client.resume(scene.asking.job_id, asked["request_id"], "fail").status_code == 200


def _pause(scene: Scene) -> None:
    scene.gate.await_lines(1)
    with suppress(httpx.TransportError):
        scene.asking.client.pause(scene.asking.job_id)


def _pause_and_resume(scene: Scene) -> None:
    """Lets the run go on that was paused, whether or not it was resumed before."""
    with suppress(httpx.TransportError):
        scene.asking.client.pause(scene.asking.job_id)
        scene.gate.open()
        scene.asking.client.resume(scene.asking.job_id, None, None)


def _asking(gate: Gate) -> Exported:
    """ChatInput-a1 → HumanInput-h1, approved → step-1 → ChatOutput-b1."""
    person, step = node("HumanInput", "HumanInput-h1"), gate.step("step-1")
    asked, answered = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1")
    edges = [
        edge(asked, "message", person, "prompt"),
        edge(person, "branch_approve", step, "input_value"),
        edge(step, "text", answered, "input_value"),
    ]
    return flow([asked, person, step, answered], edges)


def _asking_in_vain(gate: Gate) -> Exported:
    """Asks for three seconds; then the fallback is taken."""
    return approval_flow(enable_fallback=True, timeout={"value": 0.05, "unit": "Minutes"})


def _steps(gate: Gate) -> Exported:
    return gate.flow("Gated", "Gated")


def _once(gate: Gate) -> Exported:
    return gate.flow("GatedOnce")


def _failing(gate: Gate) -> Exported:
    """ChatInput-a1 → step-1 → ConditionalRouter-bad → ChatOutput-b1, in which the router fails."""
    asked, answered, step = node("ChatInput", "ChatInput-a1"), node("ChatOutput", "ChatOutput-b1"), gate.step("step-1")
    router = node("ConditionalRouter", "ConditionalRouter-bad", operator="resembles")
    edges = [
        edge(asked, "message", step, "input_value"),
        edge(step, "text", router, "input_text"),
        edge(router, "true_result", answered, "input_value"),
    ]
    return flow([asked, step, router, answered], edges)


@dataclass(frozen=True)
class Way:
    """What leads a process to the kill points of a transition, and how the job ends all the same.

    `ends` holds when the transition was committed before the process died, `unless_committed` when it was not and that
    makes a difference.
    """

    exported: Callable[[Gate], Exported] = _steps
    provoke: Callable[[Scene], None] = _open
    """What is done once the submit was answered."""
    go_on: Callable[[Scene], None] = _open
    """What is done after the restart."""
    settings: Mapping[str, str] = field(default_factory=dict)
    ends: str = "completed"
    unless_committed: str | None = None
    told: str = ""
    """What the last events say, unless the run was completed."""
    nth: int = 1
    """Which time the point is reached."""

    def end_after(self, point: str) -> str:
        """How the job ends when its process died at a point."""
        return self.unless_committed if self.unless_committed and point.endswith(".written") else self.ends


UNCERTAIN = "somebody decided that the run fails"


def _limited(name: str) -> Way:
    return Way(provoke=_wait, go_on=_wait, settings={name: "0.3"}, ends="timed_out", told="took longer")


WAYS: Mapping[str, Way] = {
    **dict.fromkeys(("submit", "hint", "claim"), Way()),
    "announce": Way(exported=lambda gate: model_flow()),
    "announce of a recovery": Way(provoke=_lose),
    "keep": Way(exported=lambda gate: employed()),
    "intend": Way(
        exported=_once, go_on=_tell_of_the_effect, ends="failed", unless_committed="completed", told=UNCERTAIN
    ),
    "finish_vertex": Way(nth=2),
    "finish_vertex of a once step": Way(
        exported=_once, go_on=_tell_of_the_effect, nth=2, unless_committed="failed", told=UNCERTAIN
    ),
    "finish_vertex of who asked": Way(exported=_asking, provoke=_await_and_answer, go_on=_answer, nth=2),
    "ask": Way(exported=_asking, provoke=_wait, go_on=_await_and_answer),
    "suspend": Way(exported=_asking, provoke=_wait, go_on=_await_and_answer),
    "answer": Way(exported=_asking, provoke=_await_and_answer, go_on=_answer),
    "remind": Way(exported=_asking_in_vain, provoke=_wait, go_on=_await_end),
    "lapse": Way(exported=_asking_in_vain, provoke=_wait, go_on=_await_end),
    "input_time_out": Way(
        exported=_asking,
        provoke=_wait,
        go_on=_await_end,
        settings={"PENSTOCK_INPUT_DEADLINE_SECONDS": "0.5"},
        ends="failed",
        told="Nobody answered",
    ),
    "pause": Way(provoke=_pause, go_on=_pause_and_resume),
    "resume": Way(provoke=_pause_and_resume, go_on=_pause_and_resume),
    "complete": Way(),
    "fail": Way(exported=_failing, ends="failed", told="ConditionalRouter-bad"),
    "expire": _limited("PENSTOCK_VERTEX_TIMEOUT_SECONDS"),
    "release": Way(provoke=_deploy),
    "requeue": Way(provoke=_lose),
    "give_up": Way(provoke=_lose, settings={"PENSTOCK_MAX_ATTEMPTS": "1"}, ends="failed", told="lost 1 times"),
    "stop": Way(provoke=_stop, go_on=_stop, ends="cancelled", told="stopped"),
    "time_out": _limited("PENSTOCK_JOB_TIMEOUT_SECONDS"),
}


BEHIND_A_COMMIT = ("committed", "sent")
AROUND_IT = ("written", "published")
SWEEP = [
    *((name, BEHIND_A_COMMIT) for name in WAYS),
    *(pytest.param(name, AROUND_IT, marks=pytest.mark.long) for name in WAYS if name != "hint"),
]
"""Each transition with the stages of it at which a process dies."""


def _points(name: str, stages: Sequence[str]) -> list[str]:
    """The kill points that a way leads to: those of the transition that its name begins with."""
    transition = name.split(" ")[0]
    return [f"{transition}.{stage}" for stage in stages if f"{transition}.{stage}" in KILL_POINTS]


def test_every_kill_point_is_swept() -> None:
    stages = (*BEHIND_A_COMMIT, *AROUND_IT)
    assert {point for name in WAYS for point in _points(name, stages)} == set(KILL_POINTS)


@pytest.mark.parametrize(("name", "stages"), SWEEP)
def test_a_death_loses_nothing_and_repeats_nothing(
    sqlite_template: Path, tmp_path: Path, stub: ModelStub, name: str, stages: Sequence[str]
) -> None:
    """Around one transition a process dies behind the commit, another one before it, a third after the publication;
    each comes back."""
    way = WAYS[name]

    def survive(point: str) -> None:
        folder = tmp_path / point
        folder.mkdir()
        shutil.copy(sqlite_template, folder / "penstock.db")
        settings = {**QUICK, **NO_GRACE, **SETTING, **settings_of(stub), **way.settings, ARMED: f"{point}:{way.nth}"}
        try:
            deployment = unstarted_embedded(folder, settings, ForkedWeb)
            with running(deployment), closing(Client(deployment.url)) as client:
                _die_and_come_back(way, point, deployment, client, Gate(folder))
        except BaseException as error:
            error.add_note(f"at {point}")
            raise

    with ThreadPoolExecutor() as threads:
        list(threads.map(survive, _points(name, stages)))


def _die_and_come_back(way: Way, point: str, deployment: Deployment, client: Client, gate: Gate) -> None:
    """The job that was asked for is there once and ends as it must, and no vertex that was finished is built again."""
    scene = Scene(deployment.webs[0], Asking(client, way.exported(gate)), gate)
    scene.asking.submit()
    way.provoke(scene)
    assert scene.process.ended() == -SIGKILL
    stored, begun = _stored(deployment.database_url), len(gate.begun())
    deployment.start(**{ARMED: ""})
    scene.asking.submit()
    way.go_on(scene)
    seen = client.events(scene.asking.job_id)
    check_log(seen, way.end_after(point))
    check_messages(seen)
    assert way.end_after(point) == "completed" or way.told in "".join(frame.data for frame in seen[-2:])
    assert client.job(scene.asking.job_id)["status"] == way.end_after(point)
    assert scene.asking.jobs() == [scene.asking.job_id]
    assert not stored & {line.vertex_id for line in gate.begun()[begun:]}
    assert way.exported is not _once or len(gate.begun()) <= 1
    scene.process.kill()


def _stored(database_url: str) -> set[str]:
    """The vertices whose result is stored."""
    with closing(Database(database_url)) as database, database.read() as connection:
        return set(connection.execute(select(col(VertexRow.vertex_id))).scalars())
