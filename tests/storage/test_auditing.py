"""The audit log: a deed and its record are both there or neither, and everybody finds theirs again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from flows.human import Decision
from storage.answering import Answer, answer
from storage.auditing import MAX_TEXT, Action, Actor, Deed, DeedFilter, Recorded, deeds, record
from storage.claiming import Claimed
from storage.database import Database
from storage.ending import stop
from storage.errors import NotPaused, NotResumable
from storage.log import EventLog
from storage.pausing import pause, resume
from storage.states import TERMINAL, Status
from tests.storage.asked import suspended
from tests.storage.situations import JobMaker, brought_to, contents

ANN = Actor("ann-1", "ann", "10.0.0.7")
BOB = Actor("bob-1", "bob", "10.0.0.8")


def noted(database: Database, *given: Deed) -> None:
    with database.durable() as connection:
        for deed in given:
            record(connection, deed)


def found(database: Database, **wanted: object) -> list[Recorded]:
    return deeds(database, DeedFilter(**wanted))  # type: ignore[arg-type]


def subjects(database: Database, **wanted: object) -> list[str]:
    return [entry.subject for entry in found(database, **wanted)]


def test_an_entry_tells_who_did_what_to_what_when_and_from_where(database: Database) -> None:
    noted(database, Deed(Action.FLOW_SHARED, "a-flow", ANN, {"with": "bob", "level": "read", "again": False}))
    [entry] = found(database)
    assert (entry.user_id, entry.user_name, entry.address) == ("ann-1", "ann", "10.0.0.7")
    assert (entry.action, entry.subject) == ("flow_shared", "a-flow")
    assert entry.detail == {"with": "bob", "level": "read", "again": False}
    assert abs(entry.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_is_undone_was_never_recorded(database: Database) -> None:
    """Rule 3: the record is part of the transaction that does the deed."""
    with pytest.raises(ZeroDivisionError):
        _fail_after(database, Deed(Action.KEY_CREATED, "a-key", ANN))
    assert found(database) == []


def _fail_after(database: Database, deed: Deed) -> None:
    with database.durable() as connection:
        record(connection, deed)
        raise ZeroDivisionError


HOSTILE = {
    "NUL": "\0",
    "lone surrogate": "\ud800",
    "terminal codes": "a\nb\x1b[2J",
    "long": "x" * 10_000,
    "of many bytes": "œ" * 300,
    "right to left": "\u202e",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_whatever_name_somebody_gives_is_stored_bounded_and_harmless(database: Database, name: str) -> None:
    """A refused login names anything at all (I10)."""
    noted(database, Deed(Action.LOGIN_REFUSED, name, Actor(None, name, name), {name: name}))
    [entry] = found(database)
    for text in (entry.subject, entry.user_name, entry.address, *entry.detail.keys(), *entry.detail.values()):
        assert isinstance(text, str)
        assert text.isprintable()
        assert 0 < len(text) <= MAX_TEXT
    assert found(database, subject=name) == [entry]


def test_details_are_few(database: Database) -> None:
    noted(database, Deed(Action.USER_CHANGED, "ann-1", ANN, {str(number): number for number in range(1_000)}))
    [entry] = found(database)
    assert len(entry.detail) < 20


def test_the_person_behind_a_service_is_told(database: Database) -> None:
    """Contract 6.4."""
    noted(database, Deed(Action.JOB_STOPPED, "a-job", Actor("s-1", "service", end_user="carl"), {"why": "late"}))
    assert [entry.detail for entry in found(database)] == [{"why": "late", "end_user": "carl"}]


def test_entries_are_found_by_who_what_whom_and_when(database: Database) -> None:
    noted(
        database,
        Deed(Action.LOGIN, "1", ANN),
        Deed(Action.LOGOUT, "2", ANN),
        Deed(Action.LOGIN, "3", BOB),
        Deed(Action.LOGIN_REFUSED, "4", Actor()),
    )
    assert subjects(database) == ["4", "3", "2", "1"]
    assert subjects(database, user="ann") == subjects(database, user="ann-1") == ["2", "1"]
    assert subjects(database, only_of="ann-1", user="bob") == []
    assert subjects(database, action=Action.LOGIN) == ["3", "1"]
    assert subjects(database, subject="2") == ["2"]
    assert subjects(database, user="ann", action=Action.LOGIN) == ["1"]
    [latest, *_] = found(database)
    assert subjects(database, since=latest.at)[0] == "4"
    assert subjects(database, since=latest.at + timedelta(seconds=1)) == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_follow_each_other_without_a_gap(database: Database, limit: int) -> None:
    noted(database, *(Deed(Action.LOGIN, str(number), ANN) for number in range(7)))
    read: list[str] = []
    before = None
    while page := found(database, before=before, limit=limit):
        assert len(page) <= limit
        read += [entry.subject for entry in page]
        before = page[-1].id
    assert read == ["6", "5", "4", "3", "2", "1", "0"]


ORDERS: Sequence[tuple[Action, Callable[[EventLog, Claimed, Actor | None], object]]] = (
    (Action.JOB_STOPPED, lambda log, owner, by: stop(log, owner.job_id, owner.user_id, by)),
    (Action.JOB_PAUSED, lambda log, owner, by: pause(log, owner.job_id, owner.user_id, by)),
)


@pytest.mark.parametrize(("action", "give"), ORDERS, ids=[action for action, _ in ORDERS])
def test_an_order_that_changes_a_job_is_recorded(
    log: EventLog,
    new_job: JobMaker,
    action: Action,
    give: Callable[[EventLog, Claimed, Actor | None], object],
) -> None:
    """Once, with whose it was; of one that comes too late nothing is told."""
    owner = brought_to(log, new_job(), Status.IN_PROGRESS)
    give(log, owner, ANN)
    [entry] = found(log.database)
    assert (entry.action, entry.subject, entry.user_name, entry.address) == (action, owner.job_id, "ann", "10.0.0.7")
    for status in TERMINAL:
        give(log, brought_to(log, new_job(), status), ANN)
    assert len(found(log.database)) == 1


def test_letting_a_job_go_on_is_recorded(log: EventLog, new_job: JobMaker) -> None:
    owner = brought_to(log, new_job(), Status.QUEUED)
    pause(log, owner.job_id, owner.user_id)
    resume(log, owner.job_id, owner.user_id, BOB)
    with pytest.raises(NotPaused):
        resume(log, owner.job_id, owner.user_id, ANN)
    assert [(entry.action, entry.subject, entry.user_name) for entry in found(log.database)] == [
        (Action.JOB_RESUMED, owner.job_id, "bob")
    ]


def test_a_decision_is_recorded_without_what_was_filled_in(log: EventLog, new_job: JobMaker) -> None:
    """I5, I8: the winner's alone, and its values stand with the request only."""
    owner, asked = suspended(log, new_job())
    decision = Decision("approve", {"iban": "canary"}, "canary")
    answer(log, Answer(owner.job_id, asked, decision, "ann", ANN.address, ANN))
    answer(log, Answer(owner.job_id, asked, decision, "ann", ANN.address, ANN))
    with pytest.raises(NotResumable):
        answer(log, Answer(owner.job_id, asked, Decision("reject"), "bob", BOB.address, BOB))
    [entry] = found(log.database)
    assert (entry.action, entry.subject, entry.user_name) == (Action.REQUEST_DECIDED, asked, "ann")
    assert entry.detail == {"job_id": owner.job_id, "action_id": "approve"}
    assert "canary" not in repr(contents(log.database)["audit_log"])


def test_nobody_in_particular_leaves_no_entry(log: EventLog, new_job: JobMaker) -> None:
    """What the program does by itself costs no statement."""
    owner, asked = suspended(log, new_job())
    answer(log, Answer(owner.job_id, asked, Decision("approve"), "ann"))
    pause(log, owner.job_id, owner.user_id)
    stop(log, owner.job_id, owner.user_id)
    assert found(log.database) == []
