"""What is stored when a vertex asks, when a job waits for people, and when it ends before they answer."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.events import warning
from storage.answering import answer
from storage.asking import ask
from storage.claiming import Claimed
from storage.clock import after
from storage.errors import NotResumable, PassLost
from storage.log import EventLog
from storage.passes import complete, finish_vertex, intend
from storage.restoring import legacy_of
from storage.states import LIVE, Order, RequestState, Status
from storage.tables import Answerer, HumanRequestRow
from tests.storage.asked import (
    answering,
    asking_now,
    card_of,
    check_log,
    found,
    last_event,
    seconds_between,
    suspended,
)
from tests.storage.orders import GIVE
from tests.storage.situations import (
    END,
    WRITES,
    JobMaker,
    a_request,
    asking,
    change,
    claimed,
    contents,
    events_of,
    let_lease_expire,
    result,
    taken_over,
    value_of,
)


def test_a_question_is_stored_with_its_event_behind_others_and_its_card(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job(session_id="its-session"))
    new = a_request(owner)
    standing = ask(log, owner, new, [warning("before")])
    view = found(log, owner, new.id)
    assert (view.state, view.payload, view.digest) == (RequestState.OPEN, new.payload, new.request.digest)
    assert (view.user_id, view.flow_id) == (owner.user_id, owner.flow_id)
    assert [type for _, type, _ in events_of(log, owner.job_id)][-2:] == ["warning", "human_input_required"]
    assert last_event(log, owner.job_id)[1] == new.payload
    assert (standing.asking, standing.unapplied, standing.cursor.seq) == (1, 0, 4)
    card = card_of(log, owner, new.id)
    assert (card["request_id"], card["job_id"], card["prompt"]) == (new.id, owner.job_id, "Go on?")
    assert (card["submitted_action"], card["superseded"]) == (None, False)


def test_the_questions_of_a_job_are_read_in_the_order_in_which_they_were_asked(
    log: EventLog, new_job: JobMaker
) -> None:
    owner = claimed(log, new_job())
    asked = [asking(log, owner, vertex_id=vertex_id) for vertex_id in ("c", "a", "b", "a")]
    assert [one.request_id for one in legacy_of(log.database, owner.job_id).asked] == asked
    assert value_of(log.database, owner.job_id, "asking") == 4


def test_a_time_limit_begins_with_the_question_and_is_brought_to_mind_near_its_end(
    log: EventLog, new_job: JobMaker
) -> None:
    owner = claimed(log, new_job())
    assert _moments_of(log, owner, 100.0) == [100.0, 80.0]
    assert _moments_of(log, owner, None) == _moments_of(log, owner, 0.0) == [None, None]


def _moments_of(log: EventLog, owner: Claimed, seconds: float | None) -> list[float | None]:
    """How long after a question its deadline and its reminder come."""
    new = a_request(owner, timeout_seconds=seconds)
    ask(log, owner, new, [])
    moments = select(col(HumanRequestRow.deadline_at), col(HumanRequestRow.due_at))
    with log.database.read() as connection:
        stored = connection.execute(moments.where(col(HumanRequestRow.id) == new.id)).one()
    return [moment and seconds_between(new.asked_at, moment) for moment in stored]


def test_everybody_who_may_answer_is_stored_once(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    request_id = asking(log, owner, answerers=("ann", "bob", "ann"))
    with log.database.read() as connection:
        names = connection.execute(
            select(col(Answerer.user_name)).where(col(Answerer.request_id) == request_id)
        ).scalars()
        assert sorted(names) == ["ann", "bob"]


def test_a_question_takes_back_that_its_vertex_was_about_to_act(log: EventLog, new_job: JobMaker) -> None:
    """A vertex that asks before it acts is clear again; others stay as they are (rule 6)."""
    owner = claimed(log, new_job())
    for vertex_id in ("asks", "acts"):
        intend(log, owner, vertex_id, 1)
    asking(log, owner, vertex_id="asks")
    assert legacy_of(log.database, owner.job_id).unclear == ["acts"]


def test_a_question_records_that_its_vertex_has_gone_on_from_earlier_decisions(
    log: EventLog, new_job: JobMaker
) -> None:
    owner = claimed(log, new_job())
    first, other = asking(log, owner), asking(log, owner, vertex_id="other")
    for request_id in (first, other):
        answer(log, answering(owner, request_id))
    standing = ask(log, owner, replace(a_request(owner), applies=[first]), [])
    assert (standing.asking, standing.unapplied) == (1, 1)
    assert (found(log, owner, first).is_applied, found(log, owner, other).is_applied) == (True, False)


def test_a_decision_is_consumed_by_the_transaction_that_stores_its_vertex(log: EventLog, new_job: JobMaker) -> None:
    """Rule 8, B2: a pass that is lost before consumes nothing."""
    owner = claimed(log, new_job())
    request_id = asking(log, owner)
    answer(log, answering(owner, request_id))
    new = taken_over(log, owner)
    with pytest.raises(PassLost):
        finish_vertex(log, owner, result("asks"), [], [], applies=[request_id])
    assert not found(log, owner, request_id).is_applied
    assert finish_vertex(log, new, result("asks"), [], [], applies=[request_id]).unapplied == 0
    assert found(log, owner, request_id).is_applied


ENDS = {
    Order.STOP: LIVE,
    Order.TIME_OUT: (Status.QUEUED, Status.IN_PROGRESS),
    Order.FAIL: (Status.IN_PROGRESS,),
    Order.EXPIRE: (Status.IN_PROGRESS,),
    Order.GIVE_UP: (Status.IN_PROGRESS,),
    Order.SUPERSEDE: (Status.SUSPENDED,),
    Order.INPUT_TIME_OUT: (Status.SUSPENDED,),
}
"""All orders that end a job whose requests may be open, and the states that they end it from."""


@pytest.mark.parametrize("order", ENDS)
def test_the_end_of_a_job_withdraws_what_is_open_and_nothing_else(
    log: EventLog, new_job: JobMaker, order: Order
) -> None:
    """B23: cards say that nobody can answer any more; what was answered stays as it is."""
    for status in ENDS[order]:
        _end(log, new_job, order, status)


def _end(log: EventLog, new_job: JobMaker, order: Order, status: Status) -> None:
    owner = claimed(log, new_job())
    done, *opened = (asking(log, owner, vertex_id=vertex_id) for vertex_id in ("done", "open1", "open2"))
    answer(log, answering(owner, done))
    finish_vertex(log, owner, result("done"), [], [], applies=[done])
    if status is not Status.IN_PROGRESS:
        WRITES[Order.SUSPEND if status is Status.SUSPENDED else Order.RELEASE](log, owner)
    if order is Order.TIME_OUT:
        change(log.database, owner.job_id, deadline_at=after(-1))
    if order is Order.GIVE_UP:
        let_lease_expire(log.database, owner.job_id)
    answered = found(log, owner, done), card_of(log, owner, done)
    assert GIVE[order](log, owner)
    assert (found(log, owner, done), card_of(log, owner, done)) == answered
    assert [found(log, owner, one).state for one in opened] == [RequestState.WITHDRAWN] * 2
    assert [card_of(log, owner, one)["superseded"] for one in opened] == [True, True]
    assert value_of(log.database, owner.job_id, "asking") == 0
    with pytest.raises(NotResumable, match="ended before anybody answered") as refused:
        answer(log, answering(owner, opened[0]))
    assert refused.value.winner is None
    check_log(log, owner.job_id)


def test_the_end_of_a_job_leaves_the_requests_of_others_open(log: EventLog, new_job: JobMaker) -> None:
    owner, _ = suspended(log, new_job())
    other, asked = suspended(log, new_job(session_id="another-session"))
    assert GIVE[Order.STOP](log, owner)
    assert found(log, other, asked).is_open
    assert card_of(log, other, asked)["superseded"] is False


def test_a_question_of_a_lost_pass_is_not_asked(log: EventLog, new_job: JobMaker) -> None:
    """I3, B10."""
    owner = claimed(log, new_job())
    taken_over(log, owner)
    before = contents(log.database)
    with pytest.raises(PassLost):
        asking_now(log, owner)
    assert contents(log.database) == before


def test_a_job_that_completes_while_it_asks_takes_that_back(log: EventLog, new_job: JobMaker) -> None:
    """As an agent may that runs a flow in which somebody was asked before it failed."""
    owner = claimed(log, new_job())
    request_id = asking(log, owner)
    complete(log, owner, END, asks=True)
    assert found(log, owner, request_id).state is RequestState.WITHDRAWN
    assert value_of(log.database, owner.job_id, "asking") == 0
    check_log(log, owner.job_id)
