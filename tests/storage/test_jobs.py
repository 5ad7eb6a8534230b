from datetime import UTC, datetime, timedelta
from itertools import chain

import orjson
import pytest

from flows.events import Event, EventType
from storage.jobs import JobFilter, LogState, find_job, list_jobs, log_states, outputs_of
from storage.log import EventLog
from storage.passes import announce
from storage.states import TERMINAL, Mode, Status
from tests.storage.situations import JobMaker, another_user, brought_to, change, claimed, submitted

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def paged(log: EventLog, wanted: JobFilter) -> list[list[str]]:
    """The ids of all jobs, page by page."""
    pages: list[list[str]] = []
    before: str | None = None
    while page := list_jobs(log.database, JobFilter(wanted.user_id, before=before, limit=wanted.limit)):
        pages.append([job.id for job in page])
        before = page[-1].id
    return pages


def test_a_job_is_found_as_it_was_asked_for(log: EventLog, new_job: JobMaker) -> None:
    job = new_job(mode=Mode.SYNC, request='{"input_value":"x"}', stream_protocol="agui", expose_graph_state=False)
    submitted(log, job)
    found = find_job(log.database, job.id)
    assert found is not None
    assert (found.mode, found.status, found.request) == (Mode.SYNC, Status.QUEUED, job.request)
    assert (found.stream_protocol, found.expose_graph_state) == ("agui", False)
    assert found.created_at.utcoffset() is not None


def test_a_job_that_does_not_exist_is_not_found(log: EventLog) -> None:
    assert find_job(log.database, "nowhere") is None


@pytest.mark.parametrize("status", Status)
def test_a_job_is_over_in_its_terminal_states(log: EventLog, new_job: JobMaker, status: Status) -> None:
    owner = brought_to(log, new_job(), status)
    found = find_job(log.database, owner.job_id)
    assert found is not None
    assert found.is_over == (status in TERMINAL) == (found.finished_at is not None)


def test_pages_have_no_hole_and_no_repetition_among_jobs_of_one_moment(log: EventLog, new_job: JobMaker) -> None:
    """Five jobs each of three moments, in pages that end in the middle of a moment."""
    moments = {submitted(log, new_job()): BEGINNING + timedelta(seconds=number // 5) for number in range(15)}
    for job_id, moment in moments.items():
        change(log.database, job_id, created_at=moment)
    pages = paged(log, JobFilter(new_job().user_id, limit=4))
    assert [len(page) for page in pages] == [4, 4, 4, 3]
    newest_first = sorted(moments, key=lambda job_id: (moments[job_id], job_id), reverse=True)
    assert list(chain.from_iterable(pages)) == newest_first


def test_jobs_that_come_between_two_pages_move_nothing(log: EventLog, new_job: JobMaker) -> None:
    user_id = new_job().user_id
    old = [submitted(log, new_job()) for _ in range(4)]
    first = list_jobs(log.database, JobFilter(user_id, limit=2))
    submitted(log, new_job())
    second = list_jobs(log.database, JobFilter(user_id, limit=2, before=first[-1].id))
    assert {job.id for job in [*first, *second]} == set(old)


def test_behind_a_job_that_does_not_exist_comes_nothing(log: EventLog, new_job: JobMaker) -> None:
    submitted(log, new_job())
    assert list_jobs(log.database, JobFilter(new_job().user_id, before="nowhere")) == []


def test_a_list_holds_only_the_jobs_that_are_wanted(log: EventLog, new_job: JobMaker) -> None:
    wanted = new_job(flow_id="f", session_id="s")
    for other in (
        new_job(flow_id="g", session_id="s"),
        new_job(flow_id="f", session_id="t"),
        new_job(flow_id="f", session_id="s", user_id=another_user(log.database)),
    ):
        submitted(log, other)
    brought_to(log, new_job(flow_id="f", session_id="s"), Status.FAILED)
    submitted(log, wanted)
    asked = JobFilter(wanted.user_id, flow_id="f", session_id="s", status=Status.QUEUED)
    assert [job.id for job in list_jobs(log.database, asked)] == [wanted.id]


def test_outputs_are_told_in_the_order_they_came(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job())
    for name in ("z", "a"):
        announce(log, owner, [Event(EventType.OUTPUT, {"component_id": name, "content": name.upper()})])
    outputs = outputs_of(log.database, owner.job_id)
    assert orjson.dumps(outputs) == b'{"z":{"content":"Z"},"a":{"content":"A"}}'


def test_logs_tell_how_far_they_have_come(log: EventLog, new_job: JobMaker) -> None:
    one, two = submitted(log, new_job()), claimed(log, new_job()).job_id
    assert log_states(log.database, [one, two, "nowhere"]) == {one: LogState(1, False), two: LogState(2, False)}
    assert log_states(log.database, []) == {}
