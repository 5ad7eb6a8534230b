"""How a human request is decided: by exactly one person, or by its deadline (I5)."""

from collections.abc import Sequence
from functools import partial
from itertools import permutations

import pytest

from flows.human import Decision
from storage.answering import Woken, answer
from storage.asking import moment
from storage.errors import NotResumable
from storage.log import EventLog
from storage.passes import finish_vertex
from storage.states import Mode, Order, RequestState, Status
from tests.storage.asked import (
    APPROVE,
    REJECT,
    answering,
    card_of,
    check_log,
    counts,
    found,
    last_event,
    seconds_between,
    suspended,
)
from tests.storage.orders import GIVE
from tests.storage.situations import (
    WRITES,
    JobMaker,
    asking,
    at_once,
    brought_to,
    claim_again,
    claimed,
    contents,
    result,
    value_of,
)


def test_an_answer_is_stored_with_who_gave_it_what_when_and_from_where(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job())
    given = Decision("approve", {"amount": 3}, text="because")
    answer(log, answering(owner, asked, given))
    view = found(log, owner, asked)
    assert (view.state, view.decided, view.decided_by) == (RequestState.ANSWERED, given, "ann")
    assert abs(seconds_between(view.decided_at, moment(log.database))) < 30
    assert (view.is_late, view.is_applied, view.taken) == (False, False, given)
    assert "10.0.0.7" in {value for row in contents(log.database)["human_requests"] for value in row}


def test_an_answer_wakes_its_job_in_the_same_transaction(log: EventLog, new_job: JobMaker) -> None:
    """Rule 8."""
    owner, asked = suspended(log, new_job(mode=Mode.STREAM))
    assert answer(log, answering(owner, asked)) == Woken(owner.job_id, Mode.STREAM, is_queued=True)
    assert value_of(log.database, owner.job_id, "status") == Status.QUEUED
    assert counts(log, owner.job_id) == (0, 1)


def test_an_answer_is_told_and_stamped_on_the_card(log: EventLog, new_job: JobMaker) -> None:
    """Contract 4.2."""
    owner, asked = suspended(log, new_job())
    answer(log, answering(owner, asked, REJECT))
    view = found(log, owner, asked)
    assert view.decided_at is not None
    told = {"request_id": asked, "decision": REJECT.dump(), "by": "ann", "at": view.decided_at.isoformat()}
    assert last_event(log, owner.job_id) == ("human_input_resolved", {**told, "late": False})
    card = card_of(log, owner, asked)
    assert (card["submitted_action"], card["superseded"]) == ("reject", False)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.IN_PROGRESS])
def test_an_answer_to_a_job_that_moves_leaves_it_where_it_is(log: EventLog, new_job: JobMaker, status: Status) -> None:
    owner = brought_to(log, new_job(), status)
    if status is Status.QUEUED:
        owner = claim_again(log, owner.job_id)
    asked = asking(log, owner)
    if status is Status.QUEUED:
        WRITES[Order.RELEASE](log, owner)
    woken = answer(log, answering(owner, asked))
    assert (woken.is_queued, value_of(log.database, owner.job_id, "status")) == (status is Status.QUEUED, status)
    assert counts(log, owner.job_id) == (0, 1)


def test_of_sixteen_simultaneous_answers_one_is_accepted_and_the_others_are_told_who_won(
    log: EventLog, new_job: JobMaker
) -> None:
    """I5, B3."""
    owner, asked = suspended(log, new_job())
    people = [f"person-{number}" for number in range(16)]
    given = [Decision("approve", {"by": person}) for person in people]
    answers = [answering(owner, asked, one, by=person) for one, person in zip(given, people, strict=True)]
    races = at_once([partial(answer, log, one) for one in answers])
    [won] = [number for number, race in enumerate(races) if race.exception() is None]
    assert races[won].result() == Woken(owner.job_id, Mode.BACKGROUND, is_queued=True)
    view = found(log, owner, asked)
    assert (view.decided_by, view.decided) == (people[won], given[won])
    assert view.decided_at is not None
    winner = {"by": people[won], "at": view.decided_at.isoformat(), "decision": given[won].dump()}
    refusals = [race.exception() for number, race in enumerate(races) if number != won]
    assert len(refusals) == 15
    for refusal in refusals:
        assert isinstance(refusal, NotResumable)
        assert refusal.winner == winner
    assert check_log(log, owner.job_id).count("human_input_resolved") == 1
    assert counts(log, owner.job_id) == (0, 1)


def test_the_same_answer_by_the_same_person_changes_nothing_however_far_the_job_has_come(
    log: EventLog, new_job: JobMaker
) -> None:
    """I12."""
    owner, asked = suspended(log, new_job())
    given = answering(owner, asked, Decision("approve", {"amount": 3}))
    answer(log, given)

    def again() -> None:
        before = contents(log.database)
        assert not answer(log, given).is_queued
        assert contents(log.database) == before

    again()
    owner = claim_again(log, owner.job_id)
    again()
    finish_vertex(log, owner, result("asks"), [], [], applies=[asked])
    WRITES[Order.COMPLETE](log, owner)
    again()


def test_another_answer_or_one_by_another_person_is_refused_and_told_who_was_first(
    log: EventLog, new_job: JobMaker
) -> None:
    owner, asked = suspended(log, new_job())
    answer(log, answering(owner, asked, APPROVE, by="ann"))
    before = contents(log.database)
    for decision, by in ((APPROVE, "bob"), (REJECT, "ann"), (Decision("approve", {"amount": 4}), "ann")):
        with pytest.raises(NotResumable, match="already answered by ann") as refused:
            answer(log, answering(owner, asked, decision, by))
        assert refused.value.winner is not None
        assert (refused.value.winner["by"], refused.value.winner["decision"]) == ("ann", APPROVE.dump())
        assert contents(log.database) == before


def test_the_first_answer_cannot_satisfy_the_second_request(log: EventLog, new_job: JobMaker) -> None:
    """B4, B7: neither under its own id nor under that of another job's request."""
    owner, first = suspended(log, new_job())
    other, elsewhere = suspended(log, new_job(session_id="another-session"))
    answer(log, answering(owner, first))
    owner = claim_again(log, owner.job_id)
    finish_vertex(log, owner, result("asks"), [], [], applies=[first])
    second = asking(log, owner, vertex_id="asks again")
    WRITES[Order.SUSPEND](log, owner)
    before = contents(log.database)
    assert not answer(log, answering(owner, first)).is_queued
    for request_id in (first, elsewhere, "never asked"):
        with pytest.raises(NotResumable):
            answer(log, answering(owner, request_id, REJECT))
    assert contents(log.database) == before
    assert found(log, owner, second).is_open
    assert found(log, other, elsewhere).is_open
    assert answer(log, answering(owner, second)).is_queued


def test_of_several_requests_each_answer_stands_alone_in_any_order(log: EventLog, new_job: JobMaker) -> None:
    """B8: the first wakes the job, and no answer is lost."""
    for order in permutations(range(3)):
        _answer_in(log, new_job, order)


def _answer_in(log: EventLog, new_job: JobMaker, order: Sequence[int]) -> None:
    owner = claimed(log, new_job())
    asked = [asking(log, owner, vertex_id=f"asks{number}") for number in range(3)]
    WRITES[Order.SUSPEND](log, owner)
    for count, number in enumerate(order, 1):
        decision = Decision("approve", {"number": number})
        assert answer(log, answering(owner, asked[number], decision)).is_queued
        assert counts(log, owner.job_id) == (3 - count, count)
    assert [found(log, owner, one).decided for one in asked] == [
        Decision("approve", {"number": number}) for number in range(3)
    ]
    check_log(log, owner.job_id)


def test_answers_to_several_requests_at_once_are_all_accepted(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    asked = [asking(log, owner, vertex_id=f"asks{number}") for number in range(8)]
    WRITES[Order.SUSPEND](log, owner)
    races = at_once([partial(answer, log, answering(owner, one)) for one in asked])
    assert [race.exception() for race in races] == [None] * 8
    assert counts(log, owner.job_id) == (0, 8)
    check_log(log, owner.job_id)


def test_an_answer_to_a_job_that_was_stopped_changes_nothing(log: EventLog, new_job: JobMaker) -> None:
    """I7."""
    owner, asked = suspended(log, new_job())
    assert GIVE[Order.STOP](log, owner)
    before = contents(log.database)
    with pytest.raises(NotResumable, match="ended before anybody answered"):
        answer(log, answering(owner, asked))
    assert contents(log.database) == before
