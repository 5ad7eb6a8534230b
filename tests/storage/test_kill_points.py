"""The places at which a test lets a process die: that they are where they are said to be."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from storage.cursor import START
from storage.database import Database
from storage.errors import PassLost
from storage.kill_points import HINT_SENT, KILL_POINTS, SUBMIT, KillPoint
from storage.log import EventLog
from storage.passes import announce
from storage.states import Order
from storage.stream import Entry
from tests.storage.dying import PROCESSES, submit_all
from tests.storage.orders import GIVE, ready_for
from tests.storage.situations import Contents, JobMaker, contents, submitted, taken_over


@dataclass
class Watch:
    """What everybody else sees at each kill point."""

    log: EventLog
    job_id: str = ""
    points: list[str] = field(default_factory=list)
    stored: list[Contents] = field(default_factory=list)
    shown: list[list[Entry]] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        self.points.append(point)
        self.stored.append(contents(self.log.database))
        self.shown.append(self.log.stream.range(self.job_id, START, 100))


STAGES = ("written", "committed", "published")
AT_ONCE = (Order.ANNOUNCE, Order.FINISH_VERTEX, Order.COMPLETE, Order.SUSPEND, Order.RELEASE)
"""What PostgreSQL writes and commits in one statement."""


def _submitting(log: EventLog, new_job: JobMaker) -> tuple[str, Callable[[EventLog], object]]:
    job = new_job()
    return job.id, lambda watched: submitted(watched, job)


def _ordering(order: Order) -> Callable[[EventLog, JobMaker], tuple[str, Callable[[EventLog], object]]]:
    def prepare(log: EventLog, new_job: JobMaker) -> tuple[str, Callable[[EventLog], object]]:
        owner = ready_for(log, new_job, order)
        return owner.job_id, lambda watched: GIVE[order](watched, owner)

    return prepare


TRANSITIONS: Mapping[str, Callable[[EventLog, JobMaker], tuple[str, Callable[[EventLog], object]]]] = {
    SUBMIT: _submitting,
    **{str(order): _ordering(order) for order in Order if order is not Order.SUPERSEDE},
}
"""Prepares a job for each transition; tells its id and how to make the transition."""


def test_there_is_a_kill_point_at_each_stage_of_each_transition_and_behind_the_hint() -> None:
    assert sorted(KILL_POINTS) == sorted([*(f"{name}.{stage}" for name in TRANSITIONS for stage in STAGES), HINT_SENT])


@pytest.mark.parametrize("name", TRANSITIONS)
def test_a_transition_is_written_then_committed_then_published(log: EventLog, new_job: JobMaker, name: str) -> None:
    """C6: a process that dies between two of them has told nobody what may yet be undone."""
    job_id, make = TRANSITIONS[name](log, new_job)
    before, shown_before = contents(log.database), log.stream.range(job_id, START, 100)
    watch = Watch(log, job_id)
    make(EventLog(log.database, log.stream, watch))
    after, shown_after = contents(log.database), log.stream.range(job_id, START, 100)
    stages = ["committed", "published"] if name in AT_ONCE and not log.database.is_sqlite else list(STAGES)
    assert watch.points == [f"{name}.{stage}" for stage in stages]
    assert watch.stored == [before, after, after][-len(stages) :]
    assert watch.shown == [shown_before, shown_before, shown_after][-len(stages) :]
    assert after != before
    assert shown_after == log.stored(job_id, 0)


def test_a_transition_that_fails_reaches_no_kill_point(log: EventLog, new_job: JobMaker) -> None:
    old = ready_for(log, new_job, Order.ANNOUNCE)
    taken_over(log, old)
    watch = Watch(log)
    with pytest.raises(PassLost):
        announce(EventLog(log.database, log.stream, watch), old, [])
    assert watch.points == []


@pytest.mark.parametrize(("stage", "stored"), [("written", 1), ("committed", 2), ("published", 2)])
def test_a_kill_point_ends_its_process_when_it_is_reached_as_often_as_was_asked(
    database: Database, new_job: JobMaker, stage: str, stored: int
) -> None:
    """What was not committed is gone, and the third job was never submitted."""
    url = database.url.render_as_string(hide_password=False)
    jobs = [new_job() for _ in range(3)]
    process = PROCESSES.Process(target=submit_all, args=(url, jobs, f"{SUBMIT}.{stage}:2"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert {row[0] for row in contents(database)["jobs"]} == {job.id for job in jobs[:stored]}


def test_a_kill_point_leaves_a_process_alone_that_reaches_others() -> None:
    armed = KillPoint(f"{SUBMIT}.written:2")
    for point in KILL_POINTS:
        armed(point)


@pytest.mark.parametrize("spec", ["", "submit", "nowhere.written", "submit.written.2"])
def test_a_kill_point_that_nobody_reaches_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="is no kill point"):
        KillPoint(spec)
