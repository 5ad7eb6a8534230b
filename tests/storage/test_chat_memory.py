"""The memory of a session: who may recall which messages, in which order, and how many."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import col

from flows.memory import EVERYBODY, Speaker
from storage import chat_memory
from storage.chat_memory import recall
from storage.claiming import Claimed
from storage.levels import Trust
from storage.log import EventLog
from storage.states import Order
from storage.tables import Job
from tests.storage.asked import asking_now
from tests.storage.conversations import said
from tests.storage.situations import WRITES, JobMaker, another_user, claimed

MANY = 100


def recalled(log: EventLog, asker: Claimed, count: int = MANY, speaker: Speaker = EVERYBODY) -> Sequence[str]:
    return [record.message.text for record in recall(log.database, asker, count, speaker)]


def test_a_run_recalls_what_earlier_runs_said_as_it_was_said(log: EventLog, new_job: JobMaker) -> None:
    first, second, asker = (claimed(log, new_job()) for _ in range(3))
    later = said(log, second, "c", at=10, sender="Machine", sender_name="AI")
    earlier = said(log, first, "a", "b", files=("u/a.png", "https://example.org/b.png"))
    assert recall(log.database, asker, MANY, EVERYBODY) == [*earlier, *later]


def test_only_the_newest_are_recalled(log: EventLog, new_job: JobMaker) -> None:
    said(log, claimed(log, new_job()), "a", "b", "c")
    asker = claimed(log, new_job())
    assert [recalled(log, asker, count) for count in (0, 1, 2, 3, 4)] == [
        [],
        ["c"],
        ["b", "c"],
        ["a", "b", "c"],
        ["a", "b", "c"],
    ]


def test_what_a_run_says_itself_is_no_memory_of_it(log: EventLog, new_job: JobMaker) -> None:
    """Whether a vertex beside the asking one has spoken already makes no difference."""
    owner, other = claimed(log, new_job()), claimed(log, new_job())
    said(log, owner, "mine")
    assert (recalled(log, owner), recalled(log, other)) == ([], ["mine"])


@pytest.mark.parametrize(
    "other",
    [
        {"session_id": "another-session"},
        {"flow_id": "another-flow"},
        {"end_user": "ben"},
        {"end_user": "ann"},
        {"trust": Trust.PUBLIC},
    ],
    ids=lambda other: next(iter(other)),
)
def test_nobody_recalls_what_was_said_elsewhere_or_to_somebody_else(
    log: EventLog, new_job: JobMaker, other: dict[str, Any]
) -> None:
    """I9: another session, another flow, the people behind one key, and the visitors of a public flow, who stand in the
    name of its owner."""
    here, there = claimed(log, new_job()), claimed(log, new_job(**other))
    said(log, here, "here")
    said(log, there, "there")
    assert recalled(log, claimed(log, new_job())) == ["here"]
    assert recalled(log, claimed(log, new_job(**other))) == ["there"]


def test_another_user_recalls_nothing(log: EventLog, new_job: JobMaker) -> None:
    """I9: though they run the same flow in a session of the same name."""
    said(log, claimed(log, new_job()), "mine")
    stranger = new_job(user_id=another_user(log.database), trust=Trust.CONFINED)
    assert recalled(log, claimed(log, stranger)) == []


def test_whoever_is_trusted_less_by_now_recalls_what_they_were_told(log: EventLog, new_job: JobMaker) -> None:
    said(log, claimed(log, new_job()), "mine")
    assert recalled(log, replace(claimed(log, new_job()), trust=Trust.CONFINED)) == ["mine"]


@pytest.mark.parametrize(
    ("speaker", "texts"),
    [
        (EVERYBODY, ["a", "b", "c"]),
        (Speaker(sender="User"), ["a", "c"]),
        (Speaker(name="Ann"), ["a", "b"]),
        (Speaker("User", "Ann"), ["a"]),
        (Speaker(name="'; --"), []),
        (Speaker(name="An\x00n"), ["a", "b"]),
    ],
)
def test_a_speaker_may_be_named(log: EventLog, new_job: JobMaker, speaker: Speaker, texts: Sequence[str]) -> None:
    owner = claimed(log, new_job())
    for at, (text, sender, name) in enumerate([("a", "User", "Ann"), ("b", "Machine", "Ann"), ("c", "User", "Ben")]):
        said(log, owner, text, at=at, sender=sender, sender_name=name)
    assert recalled(log, claimed(log, new_job()), speaker=speaker) == texts


def test_the_count_counts_the_messages_of_the_speaker(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    said(log, owner, "a", "b")
    said(log, owner, "x", "y", at=10, sender="Machine")
    assert recalled(log, claimed(log, new_job()), 1, Speaker(sender="User")) == ["b"]


def test_the_card_of_a_human_request_is_no_message(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    said(log, owner, "Human input required")
    asking_now(log, owner)
    assert recalled(log, claimed(log, new_job())) == ["Human input required"]


def test_texts_are_recalled_up_to_a_length(log: EventLog, new_job: JobMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10: the older ones stay away, whatever the count."""
    said(log, claimed(log, new_job()), "aaa", "bb", "cc")
    asker = claimed(log, new_job())
    for limit, texts in ((1, []), (2, ["cc"]), (6, ["bb", "cc"]), (7, ["aaa", "bb", "cc"])):
        monkeypatch.setattr(chat_memory, "MAX_TEXT", limit)
        assert recalled(log, asker) == texts


def test_messages_of_a_deleted_job_are_gone(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    said(log, owner, "a")
    WRITES[Order.COMPLETE](log, owner)
    with log.database.durable() as connection:
        connection.execute(delete(Job).where(col(Job.id) == owner.job_id))
    assert recalled(log, claimed(log, new_job())) == []
