"""Human requests as they are read: by whom, in which order, and when their time has come."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.human import FALLBACK, Decision, RequestKind
from storage.answering import answer, lapse
from storage.asking import ask, moment
from storage.human_requests import (
    DueRequest,
    RequestFilter,
    due_requests,
    find_request,
    open_requests,
    pending_of_flow,
    requests_of,
    waiting_too_long,
)
from storage.log import EventLog
from storage.passes import finish_vertex
from storage.states import Order
from storage.tables import User
from tests.storage.asked import APPROVE, answering, asking_now, change_request, due_in, found, suspended
from tests.storage.orders import GIVE
from tests.storage.situations import WRITES, JobMaker, a_request, another_user, asking, claimed, result


@pytest.fixture
def owned(log: EventLog, user_id: str) -> RequestFilter:
    """What is asked of the owner of the jobs."""
    return inbox_of(log, user_id)


def inbox_of(log: EventLog, user_id: str) -> RequestFilter:
    with log.database.read() as connection:
        name = connection.execute(select(col(User.name)).where(col(User.id) == user_id)).scalar_one()
    return RequestFilter(user_id, name)


def listed(log: EventLog, wanted: RequestFilter, **narrower: Any) -> list[str]:
    return [request.id for request in open_requests(log.database, replace(wanted, **narrower))]


def pages(log: EventLog, wanted: RequestFilter) -> Iterator[list[str]]:
    """The inbox page by page, as a client turns them."""
    page = listed(log, wanted)
    while page:
        yield page
        page = listed(log, wanted, behind=page[-1])


def test_who_is_named_may_answer_and_the_owner_where_nobody_is(
    log: EventLog, new_job: JobMaker, owned: RequestFilter
) -> None:
    """F6: being the owner is not enough where others are named."""
    stranger = inbox_of(log, another_user(log.database))
    owner = claimed(log, new_job())
    nobody = asking(log, owner, vertex_id="a")
    others = asking(log, owner, vertex_id="b", answerers=(stranger.user_name, "carl"))
    both = asking(log, owner, vertex_id="c", answerers=(owned.user_name, stranger.user_name))
    assert sorted(listed(log, owned)) == sorted([nobody, both])
    assert sorted(listed(log, stranger)) == sorted([others, both])


def test_the_name_of_a_user_is_not_their_id(log: EventLog, new_job: JobMaker, owned: RequestFilter) -> None:
    """Somebody who is called as another's id is called sees nothing of theirs."""
    asking(log, claimed(log, new_job()))
    assert listed(log, RequestFilter("another-id", owned.user_id)) == []


def test_only_open_requests_are_listed(log: EventLog, new_job: JobMaker, owned: RequestFilter) -> None:
    owner, answered = suspended(log, new_job())
    answer(log, answering(owner, answered))
    late, expired = suspended(log, new_job(session_id="s2"), timeout_seconds=60.0)
    due_in(log.database, expired, -1)
    lapse(log, late.job_id, expired)
    stopped, _ = suspended(log, new_job(session_id="s3"))
    GIVE[Order.STOP](log, stopped)
    _, waits = suspended(log, new_job(session_id="s4"))
    assert listed(log, owned) == [waits]


def test_the_inbox_is_narrowed_by_flow_kind_and_what_is_overdue(
    log: EventLog, new_job: JobMaker, owned: RequestFilter
) -> None:
    owner = claimed(log, new_job(flow_id="flow-1"))
    plain = asking(log, owner, vertex_id="a")
    approval = asking(log, owner, vertex_id="b", kind=RequestKind.TOOL_APPROVAL)
    timed = asking_now(log, owner, vertex_id="c", timeout_seconds=600.0)
    elsewhere = asking(log, claimed(log, new_job(flow_id="flow-2")))
    due_in(log.database, approval, -1)
    assert sorted(listed(log, owned, flow_id="flow-1")) == sorted([plain, approval, timed])
    assert listed(log, owned, flow_id="flow-2") == [elsewhere]
    assert listed(log, owned, kind=RequestKind.TOOL_APPROVAL) == listed(log, owned, overdue=True) == [approval]
    assert listed(log, owned, flow_id="flow-2", overdue=True) == []


def test_pages_show_every_request_once_the_oldest_first(log: EventLog, new_job: JobMaker, owned: RequestFilter) -> None:
    """Also those that were asked in the same moment, which the order of their ids then decides."""
    owner = claimed(log, new_job())
    first = moment(log.database)
    moments = [first + timedelta(seconds=second) for second in (0, 1, 1, 1, 1, 2, 2)]
    asked = []
    for number, asked_at in enumerate(moments):
        new = replace(a_request(owner, f"v{number}"), asked_at=asked_at)
        ask(log, owner, new, [])
        asked.append((asked_at, new.id))
    expected = [request_id for _, request_id in sorted(asked)]
    for limit in (1, 2, 3, 7, 8):
        shown = list(pages(log, replace(owned, limit=limit)))
        assert [request_id for page in shown for request_id in page] == expected
        assert all(len(page) <= limit for page in shown)


def test_what_is_answered_and_asked_between_two_pages_makes_no_hole_and_no_repeat(
    log: EventLog, new_job: JobMaker, owned: RequestFilter
) -> None:
    """The last one of a page may be answered before the next page is turned to: it still says where that begins."""
    owner = claimed(log, new_job())
    asked = [asking_now(log, owner, vertex_id=f"v{number}") for number in range(6)]
    for number, request_id in enumerate(asked):
        change_request(log.database, request_id, asked_at=found(log, owner, request_id).asked_at + timedelta(number))
    turning = pages(log, replace(owned, limit=2))
    assert next(turning) == asked[:2]
    for request_id in (asked[1], asked[3]):
        answer(log, answering(owner, request_id))
    newest = asking_now(log, owner, vertex_id="newest")
    change_request(log.database, newest, asked_at=found(log, owner, asked[5]).asked_at + timedelta(1))
    assert list(turning) == [[asked[2], asked[4]], [asked[5], newest]]


def test_what_suspended_jobs_of_a_flow_ask_is_told_with_their_sessions(
    log: EventLog, new_job: JobMaker, user_id: str
) -> None:
    """Contract 1.5: not what a job asks that still runs."""
    asking(log, claimed(log, new_job()))
    owner, asked = suspended(log, new_job(session_id="its-session"))
    suspended(log, new_job(flow_id="another-flow"))
    [pending] = pending_of_flow(log.database, user_id, "a-flow")
    assert (pending.request, pending.session_id) == (found(log, owner, asked), "its-session")
    assert pending_of_flow(log.database, "somebody-else", "a-flow") == []


def test_the_requests_of_a_job_are_its_own(log: EventLog, new_job: JobMaker) -> None:
    owner, other = claimed(log, new_job()), claimed(log, new_job())
    asked, elsewhere = asking(log, owner), asking(log, other)
    assert [request.id for request in requests_of(log.database, owner.job_id)] == [asked]
    assert find_request(log.database, owner.job_id, elsewhere) is None


def test_a_vertex_goes_on_from_what_was_decided_or_stands_in_for_it(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    asked = {
        name: asking_now(log, owner, vertex_id=name, has_fallback=True, timeout_seconds=600.0)
        for name in ("open", "answered", "late", "expired")
    }
    for name in ("late", "expired"):
        due_in(log.database, asked[name], -1)
    for name in ("answered", "late"):
        answer(log, answering(owner, asked[name]))
    lapse(log, owner.job_id, asked["expired"])
    finish_vertex(log, owner, result("answered"), [], [], applies=[asked["answered"]])
    seen = {name: found(log, owner, request_id).as_asked for name, request_id in asked.items()}
    assert {name: one.decision for name, one in seen.items()} == {
        "open": None,
        "answered": APPROVE,
        "late": Decision(FALLBACK),
        "expired": Decision(FALLBACK),
    }
    assert {name for name, one in seen.items() if one.is_applied} == {"answered"}


def test_requests_whose_time_has_come_are_found_the_longest_overdue_first(log: EventLog, new_job: JobMaker) -> None:
    """A reminder that is due, and a time that is over; neither what has time nor what nobody can answer."""
    owner = claimed(log, new_job())
    asked = {
        name: asking_now(log, owner, vertex_id=name, timeout_seconds=600.0)
        for name in ("early", "reminder", "over", "answered")
    }
    asking(log, owner, vertex_id="for ever")
    due_in(log.database, asked["over"], -10)
    due_in(log.database, asked["answered"], -20)
    change_request(log.database, asked["reminder"], due_at=moment(log.database) - timedelta(seconds=5))
    answer(log, answering(owner, asked["answered"]))
    ended, gone = suspended(log, new_job(session_id="s2"), timeout_seconds=600.0)
    due_in(log.database, gone, -30)
    GIVE[Order.STOP](log, ended)
    assert due_requests(log.database) == [
        DueRequest(owner.job_id, asked["over"], is_over=True),
        DueRequest(owner.job_id, asked["reminder"], is_over=False),
    ]


def test_only_suspended_jobs_have_waited_too_long(log: EventLog, new_job: JobMaker) -> None:
    """One that still does something else does not wait, and one that was woken does not any more."""
    running = claimed(log, new_job(session_id="running"))
    asking(log, running)
    waiting, _ = suspended(log, new_job(session_id="waiting"))
    woken, asked = suspended(log, new_job(session_id="woken"))
    answer(log, answering(woken, asked))
    for request in (*requests_of(log.database, running.job_id), *requests_of(log.database, waiting.job_id)):
        change_request(log.database, request.id, asked_at=moment(log.database) - timedelta(seconds=100))
    assert list(waiting_too_long(log.database, 90)) == [waiting.job_id]
    assert list(waiting_too_long(log.database, 200)) == []


def test_a_job_that_asks_several_people_waits_once(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    for vertex_id in ("a", "b"):
        request_id = asking(log, owner, vertex_id=vertex_id)
        change_request(log.database, request_id, asked_at=moment(log.database) - timedelta(seconds=100))
    WRITES[Order.SUSPEND](log, owner)
    assert list(waiting_too_long(log.database, 90)) == [owner.job_id]


def test_a_job_that_ends_takes_its_requests_out_of_every_list(
    log: EventLog, new_job: JobMaker, owned: RequestFilter
) -> None:
    owner, asked = suspended(log, new_job(), timeout_seconds=600.0)
    due_in(log.database, asked, -1)
    assert GIVE[Order.STOP](log, owner)
    assert (listed(log, owned), due_requests(log.database)) == ([], [])
    assert pending_of_flow(log.database, owner.user_id, owner.flow_id) == []
