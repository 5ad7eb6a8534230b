"""I1-I3, I6, I7 over random histories of one job: every order in every state, by the pass that owns the job, by those
that did, and by everybody else. `job_model.py` says what must come of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import bindparam, select

from flows.events import build_start, warning
from storage.claiming import Claimed, claim, claim_next
from storage.clock import after, now
from storage.cursor import START
from storage.ending import stop, time_out
from storage.errors import PassLost
from storage.lanes import Lane
from storage.log import EventLog
from storage.losing import Lost, give_up, lost_jobs, requeue
from storage.passes import announce, finish_vertex, intend, release, renew
from storage.restoring import legacy_of
from storage.states import TERMINAL, Mode, Order, Status
from storage.submitting import NewJob, submit
from storage.sweeping import overdue
from storage.tables import ExecutionSignal, Job, JobEvent, VertexIntent, VertexRow, table_of
from tests.storage.job_model import JobModel, Row
from tests.storage.orders import moved
from tests.storage.situations import (
    FINISHED,
    FIRST,
    WRITES,
    JobMaker,
    change,
    result,
    terms_of,
)

BRIEFLY = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ENDS: Mapping[Order, Sequence[str]] = {
    Order.COMPLETE: ["end"],
    Order.FAIL: ["warning", "end"],
    Order.EXPIRE: ["timed_out"],
}
"""The orders by which a pass ends its job, with their events."""
AGREES = {
    Status.COMPLETED: {"end"},
    Status.FAILED: {"end", "worker_lost"},
    Status.CANCELLED: {"cancelled"},
    Status.TIMED_OUT: {"timed_out"},
}
"""The terminal events that each terminal status may have."""
VERTEX_SECONDS = 600.0

_jobs = table_of(Job).c
_SEEN = select(
    *(_jobs[name] for name in ("status", "fence", "attempts", "seq", "worker", "taken_from")),
    (_jobs.lease_until > now()).label("lease_holds"),
    _jobs.vertex_deadline_at.is_not(None).label("has_vertex_deadline"),
    _jobs.overrides.is_not(None).label("has_secrets"),
    _jobs.started_at.is_not(None).label("has_started"),
    _jobs.finished_at.is_not(None).label("has_finished"),
).where(_jobs.id == bindparam("of_job"))
_STORED = [
    select(table_of(Job)).where(_jobs.id == bindparam("of_job")),
    *(
        select(table_of(model)).where(table_of(model).c.job_id == bindparam("of_job"))
        for model in (JobEvent, VertexRow, VertexIntent, ExecutionSignal)
    ),
]


WORKERS = st.sampled_from(["w1", "w2"])
any_pass = st.runner().flatmap(lambda machine: st.sampled_from([*machine.passes, *[machine.passes[-1]] * 3]))
"""A pass that ever claimed a job, often the newest."""


class JobMachine(RuleBasedStateMachine):
    """One job and its model, side by side; after its end the next one."""

    def __init__(self, log: EventLog, new_job: JobMaker) -> None:
        super().__init__()
        self.log = log
        self.new_job = new_job
        self.passes: list[Claimed] = []
        self.ended: dict[str, object] = {}
        """The rows of the jobs that have ended, as they were then."""

    @initialize()
    def begin(self) -> None:
        job_id = str(uuid4())
        self._begin(self._keyed(id=job_id, idempotency_key=job_id))
        self.claim("w1")

    def _begin(self, job: NewJob) -> None:
        assert submit(self.log, job, FIRST).is_new
        self.job, self.model, self.visits = job, JobModel(), 0

    def _keyed(self, **given: object) -> NewJob:
        return self.new_job(overrides=b"sealed", seconds_allowed=600, fingerprint="f", **given)

    @rule()
    def submit_again(self) -> None:
        """I12: under the same key; a job that has freed it is followed by the next one."""
        again = self._keyed(idempotency_key=self.job.idempotency_key)
        if self.model.holds_key:
            answer = submit(self.log, again, FIRST)
            assert (answer.job_id, answer.is_new) == (self.job.id, False)
        else:
            self._begin(again)

    @precondition(lambda self: self.model.status in TERMINAL)
    @rule()
    def submit_another(self) -> None:
        self._begin(self._keyed(idempotency_key=str(uuid4())))

    @rule(worker=WORKERS)
    def claim(self, worker: str) -> None:
        self._claimed(worker, claim(self.log, self.job.id, terms_of(worker, VERTEX_SECONDS), [build_start()]))

    @rule(worker=WORKERS)
    def claim_next(self, worker: str) -> None:
        self._claimed(worker, claim_next(self.log, Lane.BACKGROUND, terms_of(worker, VERTEX_SECONDS), [build_start()]))

    def _claimed(self, worker: str, won: Claimed | None) -> None:
        assert (won is not None) == self.model.claim(worker)
        if won is None:
            return
        row = self.model.row
        assert (won.job_id, won.fence, won.seq) == (self.job.id, row.fence, row.seq)
        assert (won.attempts, won.taken_from) == (row.attempts, row.taken_from)
        legacy = legacy_of(self.log.database, self.job.id)
        assert [one.visit for one in legacy.finished] == self.model.finished
        assert len(legacy.unclear) == len(self.model.unclear)
        self.passes.append(won)

    @rule(owner=any_pass, count=st.integers(0, 2))
    def announce(self, owner: Claimed, count: int) -> None:
        events = [warning("announced")] * count
        self._write(
            self.model.announce(self._fence(owner), *["warning"] * count), lambda: announce(self.log, owner, events)
        )

    @rule(owner=any_pass)
    def intend(self, owner: Claimed) -> None:
        self.visits += 1
        self._write(
            self.model.intend(self._fence(owner), self.visits), lambda: intend(self.log, owner, "v", self.visits)
        )

    @rule(owner=any_pass, was_intended=st.booleans())
    def finish_vertex(self, owner: Claimed, was_intended: bool) -> None:
        self.visits += 1
        visit = self.model.unclear[0] if was_intended and self.model.unclear else self.visits
        self._write(
            self.model.finish_vertex(self._fence(owner), visit, *(event.type for event in FINISHED)),
            lambda: finish_vertex(self.log, owner, result("v", visit), FINISHED, []),
        )

    @rule(owner=any_pass, order=st.sampled_from(sorted(ENDS)))
    def end(self, owner: Claimed, order: Order) -> None:
        self._write(
            self.model.end(self._fence(owner), moved(Status.IN_PROGRESS, order), *ENDS[order]),
            lambda: WRITES[order](self.log, owner),
        )

    @rule(owner=any_pass, cut_off=st.booleans())
    def release(self, owner: Claimed, cut_off: bool) -> None:
        self._write(
            self.model.release(self._fence(owner), cut_off=cut_off), lambda: release(self.log, owner, cut_off=cut_off)
        )

    @rule(owner=any_pass)
    def heartbeat(self, owner: Claimed) -> None:
        owned = renew(self.log.database, [owner], owner.terms)
        assert owned == ({self.job.id} if self.model.heartbeat(self._fence(owner)) else set())

    @precondition(lambda self: self.model.lease_holds is not None)
    @rule(then=st.sampled_from([None, Order.REQUEUE, Order.GIVE_UP]))
    def lease_runs_out(self, then: Order | None) -> None:
        change(self.log.database, self.job.id, lease_until=after(-1))
        self.model.lease_holds = False
        if then is not None:
            self.order_from_outside(then)

    @precondition(lambda self: self.model.lease_holds is not None)
    @rule(worker=WORKERS)
    def take_over(self, worker: str) -> None:
        self.lease_runs_out(Order.REQUEUE)
        self.claim(worker)

    @precondition(lambda self: self.model.status not in TERMINAL)
    @rule(of_vertex=st.booleans(), then=st.sampled_from([None, Order.TIME_OUT]))
    def deadline_passes(self, of_vertex: bool, then: Order | None) -> None:
        if not of_vertex:
            change(self.log.database, self.job.id, deadline_at=after(-1))
            self.model.deadline_is_over = True
        elif self.model.lease_holds is not None:
            change(self.log.database, self.job.id, vertex_deadline_at=after(-1))
            self.model.vertex_is_late = True
        if then is not None:
            self.order_from_outside(then)

    @rule(order=st.sampled_from([Order.REQUEUE, Order.GIVE_UP, Order.TIME_OUT, Order.STOP]))
    def order_from_outside(self, order: Order) -> None:
        """I1: a sweeper finds the job when it has to, and only then."""
        assert [lost.job_id for lost in lost_jobs(self.log.database)] == [self.job.id] * self.model.is_lost
        assert overdue(self.log.database) == [self.job.id] * self.model.is_overdue
        orders: Mapping[Order, tuple[Callable[[], bool], Callable[[], bool]]] = {
            Order.REQUEUE: (lambda: requeue(self.log, self.job.id), self.model.requeue),
            Order.GIVE_UP: (lambda: give_up(self.log, self._lost(0)), self.model.give_up),
            Order.TIME_OUT: (lambda: time_out(self.log, self.job.id), self.model.time_out),
            Order.STOP: (lambda: stop(self.log, self.job.id, self.job.user_id).changed, self.model.stop),
        }
        give, expected = orders[order]
        assert give() == expected()

    @rule()
    def give_up_after_one_attempt_less(self) -> None:
        """By a sweeper that was frozen since."""
        assert not give_up(self.log, self._lost(1))

    def _lost(self, fewer: int) -> Lost:
        return Lost(self.job.id, Mode.BACKGROUND, self.model.attempts - fewer)

    def _fence(self, owner: Claimed) -> int:
        """The fence of a pass over this job; over an earlier one it is none of this job's."""
        return owner.fence if owner.job_id == self.job.id else -1

    def _write(self, is_owner: bool, write: Callable[[], object]) -> None:
        """I3: a write with an old fence changes no row and ends its author."""
        if is_owner:
            write()
            return
        before = self._rows()
        with pytest.raises(PassLost):
            write()
        assert self._rows() == before

    @invariant()
    def the_row_is_what_it_must_be(self) -> None:
        assert self._row() == self.model.row

    @invariant()
    def the_log_is_dense_and_shown_and_ends_with_the_one_terminal_event(self) -> None:
        """I2, I4."""
        entries = self.log.stored(self.job.id, 0)
        assert [(entry.cursor.seq, entry.type) for entry in entries] == list(enumerate(self.model.events, 1))
        is_over = self.model.status in TERMINAL
        assert [entry.terminal for entry in entries] == [False] * (len(entries) - is_over) + [True] * is_over
        if is_over:
            assert entries[-1].type in AGREES[self.model.status]
        assert self.log.stream.range(self.job.id, START, 1_000) == entries

    @invariant()
    def nothing_changes_after_the_end(self) -> None:
        """I2, I7."""
        if self.model.status in TERMINAL:
            assert self._rows() == self.ended.setdefault(self.job.id, self._rows())

    def _row(self) -> Row:
        with self.log.database.read() as connection:
            return Row(**connection.execute(_SEEN, {"of_job": self.job.id}).one()._mapping)

    def _rows(self) -> list[list[Any]]:
        """Every row that belongs to the job."""
        return self._rows_of(self.job.id)

    def _rows_of(self, job_id: str) -> list[list[Any]]:
        with self.log.database.read() as connection:
            return [sorted(connection.execute(statement, {"of_job": job_id}).all()) for statement in _STORED]

    def teardown(self) -> None:
        """Leaves nothing that the next example could claim."""
        stop(self.log, self.job.id, self.job.user_id)
        for job_id, rows in self.ended.items():
            assert self._rows_of(job_id) == rows


def test_a_job_goes_through_its_states_as_the_design_says(log: EventLog, new_job: JobMaker) -> None:
    class OfThisTest(JobMachine):
        def __init__(self) -> None:
            super().__init__(log, new_job)

    run_state_machine_as_test(OfThisTest, settings=BRIEFLY)
