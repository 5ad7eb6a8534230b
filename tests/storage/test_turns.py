"""In which order waiting jobs are claimed: users take turns, and who was cut off comes first."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.events import build_start
from storage.claiming import Claimed, claim_next
from storage.database import Database
from storage.ending import stop
from storage.lanes import Lane
from storage.log import EventLog
from storage.losing import requeue
from storage.passes import complete, release
from storage.states import Mode
from tests.storage.situations import END, JobMaker, another_user, claim_again, lost, submitted, terms_of

Submit = Callable[..., str]


@pytest.fixture
def users(database: Database, user_id: str) -> list[str]:
    return [user_id, another_user(database), another_user(database)]


@pytest.fixture
def submit_of(log: EventLog, new_job: JobMaker) -> Submit:
    """Submits a job of a user."""

    def submit(user_id: str, mode: Mode = Mode.BACKGROUND) -> str:
        return submitted(log, new_job(user_id=user_id, mode=mode))

    return submit


def served(log: EventLog, count: int, lane: Lane = Lane.BACKGROUND) -> list[Claimed]:
    """The next passes of a lane."""
    won = [claim_next(log, lane, terms_of("a-worker"), [build_start()]) for _ in range(count)]
    return [one for one in won if one is not None]


def owners(won: Sequence[Claimed]) -> list[str]:
    return [one.user_id for one in won]


def test_the_jobs_of_one_user_are_served_in_the_order_they_came(
    log: EventLog, users: list[str], submit_of: Submit
) -> None:
    jobs = [submit_of(users[0]) for _ in range(5)]
    assert [one.job_id for one in served(log, 5)] == jobs


def test_users_with_backlogs_alternate(log: EventLog, users: list[str], submit_of: Submit) -> None:
    a, b, c = users
    for user, count in ((a, 5), (b, 3), (c, 2)):
        for _ in range(count):
            submit_of(user)
    assert owners(served(log, 10)) == [a, b, c, a, b, c, a, b, a, a]


def test_a_newcomer_waits_behind_one_job_of_each_user_not_behind_their_backlogs(
    log: EventLog, users: list[str], submit_of: Submit
) -> None:
    a, b, c = users
    for user in [a] * 10 + [b] * 10:
        submit_of(user)
    served(log, 7)
    submit_of(c)
    assert c in owners(served(log, 3))


def test_a_user_who_comes_back_for_each_job_gets_no_more_turns_than_the_others(
    log: EventLog, users: list[str], submit_of: Submit
) -> None:
    a, b, _ = users
    for _ in range(4):
        submit_of(a)
    turns: list[str] = []
    for _ in range(4):
        submit_of(b)
        turns += owners(served(log, 2))
    assert [len(list(same)) for _, same in groupby(turns)] == [1] * 8


@dataclass
class Watch:
    """Looks at whom a lane serves while users come and go and passes are cut off, by the two promises of turns."""

    waiting: Counter[str] = field(default_factory=Counter)
    """New jobs by user."""
    passed_by: dict[str, Counter[str]] = field(default_factory=dict)
    """For the first waiting job of a user, whom it waited behind and how often."""
    cut_off: set[str] = field(default_factory=set)

    def submitted(self, user_id: str) -> None:
        self.waiting[user_id] += 1
        if self.waiting[user_id] == 1:
            self.passed_by[user_id] = Counter()

    def served(self, won: Claimed) -> None:
        if self.cut_off:
            assert won.job_id in self.cut_off, "a new job was served before one that was cut off"
            self.cut_off.remove(won.job_id)
            return
        self.waiting[won.user_id] -= 1
        self.passed_by.pop(won.user_id, None)
        for others in self.passed_by.values():
            others[won.user_id] += 1
            assert others[won.user_id] == 1, "a user was served twice before another's first job"


BEGINNING = [*[("submit", number % 2) for number in range(4)], *[("serve", 0)] * 3]
REST = [("serve", 0)] * 16
what_happens = st.sampled_from(["submit", "serve", "cut off"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(what_happens, st.integers(0, 2)), max_size=12))
def test_whoever_was_cut_off_comes_first_and_then_nobody_comes_twice_before_the_first_job_of_another(
    log: EventLog, users: list[str], submit_of: Submit, steps: list[tuple[str, int]]
) -> None:
    watch = Watch()
    running: list[Claimed] = []
    for order, number in [*BEGINNING, *steps, *REST]:
        if order == "submit":
            submit_of(users[number])
            watch.submitted(users[number])
        elif order == "serve":
            for won in served(log, 1):
                watch.served(won)
                running.append(won)
        elif running:
            release(log, cut_off := running.pop(0), cut_off=True)
            watch.cut_off.add(cut_off.job_id)
    assert not +watch.waiting


def test_the_lanes_take_turns_of_their_own(log: EventLog, users: list[str], submit_of: Submit) -> None:
    """A backlog in the background gives nobody a later turn where somebody waits."""
    a, b, _ = users
    for _ in range(3):
        submit_of(a)
    for user in (a, a, b):
        submit_of(user, Mode.SYNC)
    assert owners(served(log, 3, Lane.INTERACTIVE)) == [a, b, a]


def _cut_off(log: EventLog, owner: Claimed) -> None:
    release(log, owner, cut_off=True)


def _lost(log: EventLog, owner: Claimed) -> None:
    assert requeue(log, lost(log, owner).job_id)


@pytest.mark.parametrize("lose", [_cut_off, _lost])
def test_a_job_that_was_cut_off_is_served_before_all_others(
    log: EventLog, users: list[str], submit_of: Submit, lose: Callable[[EventLog, Claimed], None]
) -> None:
    """Before those that waited longer and before newcomers."""
    a, b, c = users
    for user in (a, a, b, b, a):
        submit_of(user)
    running = served(log, 3)
    for one in running:
        lose(log, one)
    newcomer = submit_of(c)
    jobs = [one.job_id for one in served(log, 6)]
    assert sorted(jobs[:3]) == sorted(one.job_id for one in running)
    assert newcomer in jobs[3:]


@pytest.mark.parametrize("lose", [_cut_off, _lost])
def test_a_job_that_was_cut_off_gives_its_user_no_later_turn(
    log: EventLog, users: list[str], submit_of: Submit, lose: Callable[[EventLog, Claimed], None]
) -> None:
    a, b, _ = users
    submit_of(a)
    [first] = served(log, 1)
    lose(log, first)
    second = submit_of(a)
    for _ in range(3):
        submit_of(b)
    assert second in [one.job_id for one in served(log, 3)]


def test_a_turn_is_kept_by_nobody_who_has_left(log: EventLog, users: list[str], submit_of: Submit) -> None:
    """A user whose jobs were served or stopped begins anew, at the number that is being served."""
    a, b, _ = users
    done = claim_again(log, submit_of(a))
    complete(log, done, END)
    for _ in range(3):
        stop(log, submit_of(a), a)
    for _ in range(3):
        submit_of(b)
    submit_of(a)
    assert owners(served(log, 2)) == [b, a]
