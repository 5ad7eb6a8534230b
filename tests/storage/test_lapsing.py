"""What becomes of a human request that nobody answers in time (contract 4.4)."""

from typing import Any

import pytest

from flows.human import FALLBACK, Decision
from storage.answering import Woken, answer, lapse, remind
from storage.asking import moment
from storage.errors import NotResumable
from storage.log import EventLog
from storage.states import LIVE, Mode, Order, RequestState, Status
from tests.storage.asked import (
    APPROVE,
    answering,
    asking_now,
    card_of,
    change_request,
    counts,
    due_in,
    found,
    last_event,
    suspended,
)
from tests.storage.situations import (
    WRITES,
    JobMaker,
    claimed,
    contents,
    events_of,
)


@pytest.mark.parametrize("has_fallback", [False, True])
def test_a_late_answer_is_recorded_as_late_and_the_fallback_or_nothing_is_taken(
    log: EventLog, new_job: JobMaker, has_fallback: bool
) -> None:
    """Contract 4.4, B17."""
    owner, asked = suspended(log, new_job(), has_fallback=has_fallback, timeout_seconds=600.0)
    due_in(log.database, asked, -1)
    assert answer(log, answering(owner, asked)).is_queued
    taken = FALLBACK if has_fallback else None
    view = found(log, owner, asked)
    assert (view.state, view.decided, view.is_late) == (RequestState.ANSWERED, APPROVE, True)
    assert view.taken == view.as_asked.decision == Decision(taken)
    type, data = last_event(log, owner.job_id)
    assert (type, data["decision"], data["late"]) == ("human_input_resolved", APPROVE.dump(), True)
    assert card_of(log, owner, asked)["submitted_action"] == taken


def test_an_answer_within_the_time_is_not_late(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job(), has_fallback=True, timeout_seconds=600.0)
    answer(log, answering(owner, asked))
    assert (found(log, owner, asked).is_late, found(log, owner, asked).taken) == (False, APPROVE)


@pytest.mark.parametrize("has_fallback", [False, True])
def test_behind_the_deadline_the_fallback_or_nothing_is_taken_with_nobodys_help(
    log: EventLog, new_job: JobMaker, has_fallback: bool
) -> None:
    for status in LIVE:
        _let_lapse(log, new_job, has_fallback, status)


def _let_lapse(log: EventLog, new_job: JobMaker, has_fallback: bool, status: Status) -> None:
    owner = claimed(log, new_job())
    asked = asking_now(log, owner, has_fallback=has_fallback, timeout_seconds=600.0)
    if status is not Status.IN_PROGRESS:
        WRITES[Order.SUSPEND if status is Status.SUSPENDED else Order.RELEASE](log, owner)
    due_in(log.database, asked, -0.001)
    stays = status is Status.IN_PROGRESS
    assert lapse(log, owner.job_id, asked) == Woken(owner.job_id, Mode.BACKGROUND, is_queued=not stays)
    taken = FALLBACK if has_fallback else None
    view = found(log, owner, asked)
    assert (view.state, view.decided, view.decided_by) == (RequestState.EXPIRED, None, None)
    assert view.as_asked.decision == Decision(taken)
    assert last_event(log, owner.job_id) == ("human_input_expired", {"request_id": asked, "action_id": taken})
    assert card_of(log, owner, asked)["submitted_action"] == taken
    assert counts(log, owner.job_id) == (0, 1)


def test_who_answers_behind_a_deadline_that_was_taken_is_told_that_the_time_is_over(
    log: EventLog, new_job: JobMaker
) -> None:
    owner, asked = suspended(log, new_job(), timeout_seconds=600.0)
    due_in(log.database, asked, -1)
    assert lapse(log, owner.job_id, asked) is not None
    before = contents(log.database)
    with pytest.raises(NotResumable, match="time to answer is over") as refused:
        answer(log, answering(owner, asked))
    decided_at = found(log, owner, asked).decided_at
    assert decided_at is not None
    assert refused.value.winner == {"by": None, "at": decided_at.isoformat(), "decision": None}
    assert lapse(log, owner.job_id, asked) is None
    assert contents(log.database) == before


@pytest.mark.parametrize("given", [{}, {"timeout_seconds": 600.0}], ids=["without deadline", "before it"])
def test_while_there_is_time_nothing_lapses_and_nobody_is_reminded(
    log: EventLog, new_job: JobMaker, given: dict[str, Any]
) -> None:
    owner, asked = suspended(log, new_job(), **given)
    before = contents(log.database)
    assert lapse(log, owner.job_id, asked) is None
    assert not remind(log, owner.job_id, asked)
    assert contents(log.database) == before


def test_most_of_the_time_being_over_is_told_once(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job(), timeout_seconds=600.0)
    change_request(log.database, asked, due_at=moment(log.database))
    assert remind(log, owner.job_id, asked)
    deadline = found(log, owner, asked).deadline_at
    assert deadline is not None
    told = {"request_id": asked, "deadline_at": deadline.isoformat()}
    assert last_event(log, owner.job_id) == ("human_input_reminder", told)
    before = contents(log.database)
    assert not remind(log, owner.job_id, asked)
    assert contents(log.database) == before
    assert answer(log, answering(owner, asked)).is_queued


def test_nobody_is_reminded_of_what_is_decided(log: EventLog, new_job: JobMaker) -> None:
    owner, asked = suspended(log, new_job(), timeout_seconds=600.0)
    answer(log, answering(owner, asked))
    change_request(log.database, asked, due_at=moment(log.database))
    assert not remind(log, owner.job_id, asked)
    assert [type for _, type, _ in events_of(log, owner.job_id)][-1] == "human_input_resolved"
