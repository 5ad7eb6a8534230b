"""I6: what a pass finds of those before it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from flows.events import Event, add_message, remove_message
from flows.messages import MessageRecord
from flows.values import Message, Source
from storage.log import EventLog
from storage.passes import announce, finish_vertex, intend
from storage.restoring import Legacy, legacy_of
from tests.storage.situations import FINISHED, JobMaker, claimed, result, submitted, taken_over

NOTHING = Legacy(finished=[], unclear=[], kept=[], asked=[], open_messages={})


def shown(id: str, state: str, vertex_id: str = "LanguageModel-1") -> Event:
    """A chat message of a vertex, `partial` while tokens are to fill it."""
    message = Message("text", "AI", "AI", "a-session", source=Source(vertex_id, "Model", "a model"))
    return add_message(MessageRecord(id, "a-job", "a-flow", datetime(2020, 1, 2, tzinfo=UTC), message, state))


@pytest.mark.parametrize("begin", [submitted, lambda log, job: claimed(log, job).job_id])
def test_a_job_that_no_pass_has_worked_on_has_left_nothing(
    log: EventLog, new_job: JobMaker, begin: Callable[..., str]
) -> None:
    assert legacy_of(log.database, begin(log, new_job())) == NOTHING


def test_finished_vertices_come_back_in_the_order_they_finished(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    finished = [result("z"), result("a"), result("m"), result("a", visit=2)]
    for one in finished:
        finish_vertex(log, owner, one, FINISHED, [])
    assert legacy_of(log.database, taken_over(log, owner).job_id).finished == finished


def test_a_vertex_is_unclear_that_was_about_to_act_and_has_no_result(log: EventLog, new_job: JobMaker) -> None:
    """Rule 6: nobody knows whether it did what must not happen twice. A visit of its own is its own question."""
    owner = claimed(log, new_job())
    for vertex_id in ("done", "unclear", "repeated"):
        intend(log, owner, vertex_id, 1)
    finish_vertex(log, owner, result("done"), FINISHED, [])
    finish_vertex(log, owner, result("repeated"), FINISHED, [])
    intend(log, owner, "repeated", 2)
    legacy = legacy_of(log.database, taken_over(log, owner).job_id)
    assert sorted(legacy.unclear) == ["repeated", "unclear"]
    assert [one.vertex_id for one in legacy.finished] == ["done", "repeated"]


@pytest.mark.parametrize(
    ("events", "open_messages"),
    [
        ([shown("m", "partial")], {"m": "LanguageModel-1"}),
        ([shown("m", "partial"), shown("m", "complete")], {}),
        ([shown("m", "complete")], {}),
        ([shown("m", "partial"), remove_message("m")], {}),
        ([shown("m", "partial"), remove_message("m"), shown("m", "partial")], {"m": "LanguageModel-1"}),
        ([shown("m", "partial", "a"), shown("n", "partial", "b"), shown("m", "complete", "a")], {"n": "b"}),
    ],
)
def test_a_message_is_open_that_tokens_were_still_to_fill(
    log: EventLog, new_job: JobMaker, events: Sequence[Event], open_messages: dict[str, str]
) -> None:
    owner = claimed(log, new_job())
    announce(log, owner, events)
    assert legacy_of(log.database, owner.job_id).open_messages == open_messages


def test_a_job_leaves_nothing_to_another(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    intend(log, owner, "a", 1)
    finish_vertex(log, owner, result("b"), [shown("m", "partial")], [])
    stranger = claimed(log, new_job())
    assert legacy_of(log.database, stranger.job_id) == NOTHING
