"""Whatever meets at a human request at the same moment: one of them wins, and no job that ended comes back (I2, I5,
I7)."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import combinations
from uuid import uuid4

import pytest

from storage.answering import answer, lapse
from storage.asking import ask, moment, suspend
from storage.claiming import Claimed, claim
from storage.ending import stop, time_input_out
from storage.errors import NotResumable, PassLost
from storage.log import EventLog
from storage.states import Mode, Order, RequestState, Status
from storage.submitting import submit
from tests.storage.asked import answering, asking_now, card_of, check_log, found, seconds_between, suspended
from tests.storage.situations import (
    FIRST,
    JobMaker,
    a_request,
    another_user,
    at_once,
    claimed,
    submitted,
    terms_of,
    value_of,
)

ROUNDS = (12, pytest.param(1_000, marks=pytest.mark.long))
"""How often each pair meets, on each database."""
DECIDE = (Order.ANSWER, Order.LAPSE)
"""Of these exactly one decides a request."""
LEAVE_ALONE = (Order.SUPERSEDE, Order.INPUT_TIME_OUT)
"""These end a job only while it waits."""
PAIRS = list(combinations((Order.STOP, Order.SUPERSEDE, *DECIDE), 2))


@dataclass(frozen=True)
class Stage:
    """A job that waits for a person, whose time to answer ends about now."""

    log: EventLog
    new_job: JobMaker
    owner: Claimed
    request_id: str

    def answer(self) -> bool:
        try:
            answer(self.log, answering(self.owner, self.request_id))
        except NotResumable:
            return False
        return True

    def lapse(self) -> bool:
        return lapse(self.log, self.owner.job_id, self.request_id) is not None

    def stop(self) -> bool:
        return stop(self.log, self.owner.job_id, self.owner.user_id).changed

    def supersede(self) -> bool:
        """Submits another job of the session; whether it took the place of this one."""
        session = value_of(self.log.database, self.owner.job_id, "session_id")
        submitted(self.log, self.new_job(session_id=session))
        return "superseded" in self.ends()

    def time_input_out(self) -> bool:
        return time_input_out(self.log, self.owner.job_id)

    def ends(self) -> list[str]:
        """What the terminal events of the job say, in short."""
        told = [entry.payload for entry in self.log.stored(self.owner.job_id, 0) if entry.terminal]
        return ["superseded" if b"took its place" in payload else "other" for payload in told]


GIVE: Mapping[Order, Callable[[Stage], bool]] = {
    Order.ANSWER: Stage.answer,
    Order.LAPSE: Stage.lapse,
    Order.STOP: Stage.stop,
    Order.SUPERSEDE: Stage.supersede,
    Order.INPUT_TIME_OUT: Stage.time_input_out,
}
TIME_LIMIT = 600.0
CLOCK_SECONDS = 0.001
"""How far the clock of PostgreSQL may go on within one statement."""
ENDS = {Order.STOP: Status.CANCELLED, Order.SUPERSEDE: Status.CANCELLED, Order.INPUT_TIME_OUT: Status.FAILED}


def staged(log: EventLog, new_job: JobMaker, seconds: float = -1.0) -> Stage:
    owner = claimed(log, new_job(session_id=str(uuid4())))
    asked_at = moment(log.database) + timedelta(seconds=seconds - TIME_LIMIT)
    new = replace(a_request(owner, has_fallback=True, timeout_seconds=TIME_LIMIT), asked_at=asked_at)
    ask(log, owner, new, [])
    suspend(log, owner)
    return Stage(log, new_job, owner, new.id)


def meet(stage: Stage, *orders: Order) -> set[Order]:
    """Gives orders at the same moment; those that took effect."""
    races = at_once([partial(GIVE[order], stage) for order in orders])
    return {order for order, race in zip(orders, races, strict=True) if race.result()}


def check(stage: Stage, effective: set[Order]) -> None:
    """Holds the rows and the log against what everybody was told."""
    log, job_id = stage.log, stage.owner.job_id
    decided, ended = effective & set(DECIDE), effective & set(ENDS)
    assert len(decided) <= 1
    assert len(ended) <= 1
    events = Counter(check_log(log, job_id))
    assert events["human_input_resolved"] == (Order.ANSWER in decided)
    assert events["human_input_expired"] == (Order.LAPSE in decided)
    state = {Order.ANSWER: RequestState.ANSWERED, Order.LAPSE: RequestState.EXPIRED}
    view = found(log, stage.owner, stage.request_id)
    assert view.state is (state[decided.pop()] if decided else RequestState.WITHDRAWN)
    card = card_of(log, stage.owner, stage.request_id)
    assert card["superseded"] == (view.state is RequestState.WITHDRAWN)
    assert card["submitted_action"] == (view.taken.action_id if not card["superseded"] else None)
    assert value_of(log.database, job_id, "asking") == 0
    revived = claim(log, job_id, terms_of("somebody"), [])
    assert (revived is None) == bool(ended)
    for order in ended:
        assert value_of(log.database, job_id, "status") == ENDS[order]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_two_that_meet_at_a_request_one_wins(
    log: EventLog, new_job: JobMaker, pair: tuple[Order, Order], rounds: int
) -> None:
    """A stop ends the job either way: also one that a decision has just woken."""
    for _ in range(rounds):
        stage = staged(log, new_job)
        effective = meet(stage, *pair)
        assert Order.STOP in effective or len(effective) == 1
        if Order.STOP in pair:
            assert Order.STOP in effective or effective & set(LEAVE_ALONE)
        check(stage, effective)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_of_all_that_meet_at_a_request_one_decides_or_ends_it(log: EventLog, new_job: JobMaker, rounds: int) -> None:
    for _ in range(rounds):
        stage = staged(log, new_job)
        effective = meet(stage, *GIVE)
        assert effective
        check(stage, effective)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_at_the_deadline_exactly_one_of_answer_and_lapse_wins(log: EventLog, new_job: JobMaker, rounds: int) -> None:
    """B17: an answer that won is late or not as the database's clock had it, and the other side is told."""
    for round in range(rounds):
        stage = staged(log, new_job, seconds=(round % 8 - 2) / 1000)
        effective = meet(stage, *DECIDE)
        assert len(effective) == 1
        view = found(log, stage.owner, stage.request_id)
        behind = seconds_between(view.deadline_at, view.decided_at)
        if Order.LAPSE in effective:
            assert behind >= 0
        elif abs(behind) > CLOCK_SECONDS:
            assert view.is_late == (behind > 0)
        check(stage, effective)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_an_answer_meets_a_pass_that_is_about_to_suspend_and_the_job_does_not_sleep_over_it(
    log: EventLog, new_job: JobMaker, rounds: int
) -> None:
    """B10, B11: whichever comes first, the job runs or waits for a worker."""
    for _ in range(rounds):
        owner = claimed(log, new_job(session_id=str(uuid4())))
        request_id = asking_now(log, owner)
        answers, suspends = at_once(
            [lambda: answer(log, answering(owner, request_id)).is_queued, lambda: bool(suspend(log, owner))]  # noqa: B023
        )
        slept = suspends.exception() is None
        assert slept or isinstance(suspends.exception(), PassLost)
        assert answers.result() == slept
        assert value_of(log.database, owner.job_id, "status") == (Status.QUEUED if slept else Status.IN_PROGRESS)
        check_log(log, owner.job_id)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_stop_meets_a_pass_that_is_about_to_suspend_and_the_job_stays_stopped(
    log: EventLog, new_job: JobMaker, rounds: int
) -> None:
    """B10."""
    for _ in range(rounds):
        owner = claimed(log, new_job(session_id=str(uuid4())))
        request_id = asking_now(log, owner)
        stops, _ = at_once(
            [lambda: stop(log, owner.job_id, owner.user_id).changed, lambda: bool(suspend(log, owner))]  # noqa: B023
        )
        assert stops.result()
        assert value_of(log.database, owner.job_id, "status") == Status.CANCELLED
        assert found(log, owner, request_id).state is RequestState.WITHDRAWN
        check_log(log, owner.job_id)


def test_a_background_run_of_the_same_flow_user_and_session_takes_the_place_of_what_waits(
    log: EventLog, new_job: JobMaker
) -> None:
    """Contract 1.1: not that of a job that still runs."""
    running = claimed(log, new_job())
    owner, asked = suspended(log, new_job())
    submitted(log, new_job())
    assert value_of(log.database, owner.job_id, "status") == Status.CANCELLED
    assert found(log, owner, asked).state is RequestState.WITHDRAWN
    assert value_of(log.database, running.job_id, "status") == Status.IN_PROGRESS


@pytest.mark.parametrize(
    "given",
    [{"session_id": "another-session"}, {"flow_id": "another-flow"}, {"mode": Mode.SYNC}, {"mode": Mode.STREAM}],
    ids=["another session", "another flow", "sync", "stream"],
)
def test_any_other_run_takes_nobodys_place(log: EventLog, new_job: JobMaker, given: dict[str, str]) -> None:
    owner, asked = suspended(log, new_job())
    submitted(log, new_job(**given))
    assert value_of(log.database, owner.job_id, "status") == Status.SUSPENDED
    assert found(log, owner, asked).is_open


def test_a_run_of_another_user_takes_nobodys_place(log: EventLog, new_job: JobMaker) -> None:
    owner, _ = suspended(log, new_job())
    submitted(log, new_job(user_id=another_user(log.database)))
    assert value_of(log.database, owner.job_id, "status") == Status.SUSPENDED


def test_a_submit_that_finds_its_job_takes_nobodys_place(log: EventLog, new_job: JobMaker) -> None:
    """Contract 1.1: an idempotent hit, also on the very job that waits."""
    owner, _ = suspended(log, new_job(idempotency_key="k", fingerprint="f"))
    other, _ = suspended(log, new_job(session_id="another-session"))
    for session in ("a-session", "another-session"):
        again = new_job(session_id=session, idempotency_key="k", fingerprint="f")
        assert not submit(log, again, FIRST).is_new
    statuses = [value_of(log.database, one.job_id, "status") for one in (owner, other)]
    assert statuses == [Status.SUSPENDED, Status.SUSPENDED]


def test_simultaneous_runs_of_a_session_take_the_place_of_what_waits_once(log: EventLog, new_job: JobMaker) -> None:
    waiting = [claimed(log, new_job()) for _ in range(3)]
    for owner in waiting:
        asking_now(log, owner)
        suspend(log, owner)
    races = at_once([partial(submitted, log, new_job()) for _ in range(4)])
    assert [race.exception() for race in races] == [None] * 4
    for owner in waiting:
        assert check_log(log, owner.job_id)[-1] == "cancelled"
