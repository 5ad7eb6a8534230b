"""The messages of a user: whose they are, in which order and how many they come, and what deleting them leaves."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col

from flows.memory import EVERYBODY
from storage import chat_history
from storage.chat_history import (
    Listener,
    MessageFilter,
    Page,
    delete_messages,
    delete_session,
    list_messages,
    list_sessions,
)
from storage.chat_memory import recall
from storage.flow_store import NewFlow, create_flows
from storage.log import EventLog
from storage.tables import Flow
from tests.storage.asked import asking_now, card_of
from tests.storage.conversations import said
from tests.storage.situations import JobMaker, another_user, claimed

ALL = MessageFilter()
MANY = Page(100)


def texts(log: EventLog, listener: Listener, wanted: MessageFilter = ALL, page: Page = MANY, **order: Any) -> list[str]:
    return [record.message.text for record in list_messages(log.database, listener, wanted, page, **order)]


@pytest.fixture
def ann(user_id: str) -> Listener:
    return Listener(user_id)


def test_messages_come_as_they_were_said_in_order(log: EventLog, new_job: JobMaker, ann: Listener) -> None:
    first, second = claimed(log, new_job()), claimed(log, new_job(session_id="another-session"))
    later = said(log, second, "c", at=10, sender="Machine", sender_name="AI")
    earlier = said(log, first, "a", "b", files=("u/a.png",))
    assert list_messages(log.database, ann, ALL, MANY) == [*earlier, *later]
    assert list_messages(log.database, ann, ALL, MANY, newest_first=True) == [*later, *reversed(earlier)]


def test_a_card_comes_with_its_block(log: EventLog, new_job: JobMaker, ann: Listener) -> None:
    owner = claimed(log, new_job())
    request_id = asking_now(log, owner)
    [found] = list_messages(log.database, ann, ALL, MANY)
    assert found.content_blocks[0]["contents"] == [card_of(log, owner, request_id)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (MessageFilter(flow_id="a-flow"), ["a", "b"]),
        (MessageFilter(session_id="a-session"), ["a", "b", "c"]),
        (MessageFilter(sender="Machine"), ["b"]),
        (MessageFilter(sender_name="Cat"), ["c"]),
        (MessageFilter("a-flow", "a-session", "User", "Ann"), ["a"]),
        (MessageFilter(sender="'; --"), []),
    ],
)
def test_messages_are_found_by_what_they_have(
    log: EventLog, new_job: JobMaker, ann: Listener, wanted: MessageFilter, found: Sequence[str]
) -> None:
    here, there = claimed(log, new_job()), claimed(log, new_job(flow_id="another-flow"))
    said(log, here, "a")
    said(log, here, "b", at=1, sender="Machine", sender_name="AI")
    said(log, there, "c", at=2, sender_name="Cat")
    assert texts(log, ann, wanted) == found


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_hold_every_message_once(log: EventLog, new_job: JobMaker, ann: Listener, newest_first: bool) -> None:
    """Those of one moment among them."""
    for _ in range(3):
        said(log, claimed(log, new_job()), "a", "b")
    paged = [
        record.id
        for offset in range(7)
        for record in list_messages(log.database, ann, ALL, Page(1, offset), newest_first=newest_first)
    ]
    whole = [record.id for record in list_messages(log.database, ann, ALL, MANY, newest_first=newest_first)]
    assert paged == whole
    assert len(set(paged)) == 6


def test_a_page_ends_where_its_texts_are_long(
    log: EventLog, new_job: JobMaker, ann: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I10: and goes on from there with the next offset, however long the one message is."""
    monkeypatch.setattr(chat_history, "MAX_TEXT", 10)
    said(log, claimed(log, new_job()), "a" * 50, "b", "c", "d", "e", "f")
    assert [texts(log, ann, page=Page(100, offset)) for offset in (0, 1, 5)] == [
        ["a" * 50],
        ["b", "c", "d", "e"],
        ["f"],
    ]


OTHERS = [{"end_user": "ben"}, {"user": "another"}]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_nobody_reads_or_deletes_what_was_said_to_somebody_else(
    log: EventLog, new_job: JobMaker, ann: Listener, other: dict[str, str]
) -> None:
    """I9: another user, or another person behind the key of the same one."""
    job = new_job()
    if "user" in other:
        other = {"user_id": another_user(log.database)}
    theirs = said(log, claimed(log, new_job(**other)), "theirs")
    mine = said(log, claimed(log, job), "mine")
    them = Listener(other.get("user_id", ann.user_id), other.get("end_user"))
    assert (texts(log, ann), texts(log, them)) == (["mine"], ["theirs"])
    ids = [record.id for record in (*mine, *theirs)]
    assert delete_messages(log.database, ann, ids) == 1
    assert delete_session(log.database, ann, "a-session") == 0
    assert (texts(log, ann), texts(log, them)) == ([], ["theirs"])


def test_what_a_flow_said_that_one_may_no_longer_see_is_hidden(log: EventLog, new_job: JobMaker, user_id: str) -> None:
    """I9: until its owner deletes it, which hides nothing."""
    ben = Listener(another_user(log.database))
    [flow] = create_flows(log.database, [NewFlow(id="a-flow", user_id=user_id, name="a flow", definition={})])
    said(log, claimed(log, new_job(user_id=ben.user_id, flow_id=flow.id)), "seen once")
    assert texts(log, ben) == []
    assert list_sessions(log.database, ben, ALL, MANY) == []
    assert delete_session(log.database, ben, "a-session") == 0
    with log.database.durable() as connection:
        connection.execute(delete(Flow).where(col(Flow.id) == flow.id))
    assert texts(log, ben) == ["seen once"]


def test_sessions_come_once_each_the_latest_first(log: EventLog, new_job: JobMaker, ann: Listener) -> None:
    for at, (session_id, flow_id) in enumerate([("one", "a-flow"), ("two", "a-flow"), ("one", "a-flow"), ("two", "b")]):
        said(log, claimed(log, new_job(session_id=session_id, flow_id=flow_id)), "x", at=at)
    assert list_sessions(log.database, ann, ALL, MANY) == ["two", "one"]
    assert list_sessions(log.database, ann, MessageFilter("a-flow"), MANY) == ["one", "two"]
    assert list_sessions(log.database, ann, ALL, Page(1, 1)) == ["one"]


def test_a_session_is_deleted_in_one_flow_or_in_all(log: EventLog, new_job: JobMaker, ann: Listener) -> None:
    for at, flow_id in enumerate(("a-flow", "b-flow")):
        said(log, claimed(log, new_job(flow_id=flow_id)), flow_id, at=at)
    said(log, claimed(log, new_job(session_id="another")), "stays", at=5)
    assert delete_session(log.database, ann, "a-session", "b-flow") == 1
    assert texts(log, ann) == ["a-flow", "stays"]
    assert delete_session(log.database, ann, "a-session") == 1
    assert texts(log, ann) == ["stays"]


def test_what_is_deleted_is_recalled_no_more(log: EventLog, new_job: JobMaker, ann: Listener) -> None:
    kept, gone = said(log, claimed(log, new_job()), "kept", "gone")
    assert delete_messages(log.database, ann, [gone.id, "no-id"]) == 1
    assert recall(log.database, claimed(log, new_job()), 100, EVERYBODY) == [kept]
