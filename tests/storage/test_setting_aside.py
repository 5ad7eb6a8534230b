"""A job whose secrets the worker that has it cannot read: it is handed back as it was, and rests."""

from storage.claiming import claim_next
from storage.clock import after
from storage.lanes import Lane
from storage.log import EventLog
from storage.passes import set_aside
from storage.sweeping import take_due
from tests.storage.situations import (
    JobMaker,
    change,
    claim_again,
    claimed,
    events_of,
    lies_in_the_future,
    submitted,
    taken_over,
    terms_of,
    value_of,
)

KEPT = ("status", "attempts", "worker", "error", "lease_until", "overrides", "finished_at")


def columns(log: EventLog, job_id: str) -> list[object]:
    return [value_of(log.database, job_id, name) for name in KEPT]


def test_a_job_that_is_set_aside_is_as_it_was(log: EventLog, new_job: JobMaker) -> None:
    """But for its fence, and that it rests."""
    job_id = submitted(log, new_job(overrides=b"sealed"))
    before = columns(log, job_id)
    owner = claim_again(log, job_id)
    events = events_of(log, job_id)
    set_aside(log, owner, cut_off=False)
    assert columns(log, job_id) == before
    assert events_of(log, job_id) == events
    assert lies_in_the_future(log.database, job_id, "wake_at")


def test_a_job_that_was_cut_off_before_still_was(log: EventLog, new_job: JobMaker) -> None:
    """The next pass that can read its secrets tells what starts over."""
    owner = claimed(log, new_job(), worker="first")
    again = taken_over(log, owner)
    set_aside(log, again, cut_off=False)
    assert claim_again(log, owner.job_id).taken_from == "first"


def test_a_job_that_was_cut_off_by_it_was(log: EventLog, new_job: JobMaker) -> None:
    owner = claimed(log, new_job(), worker="first")
    set_aside(log, owner, cut_off=True)
    assert claim_again(log, owner.job_id).taken_from == "first"


def test_a_job_that_rests_has_no_turn(log: EventLog, new_job: JobMaker) -> None:
    """Those behind it are claimed, it is not hinted; when it has rested it is the first again."""
    owner = claimed(log, new_job())
    resting = owner.job_id
    set_aside(log, owner, cut_off=False)
    other = submitted(log, new_job())
    assert [due.job_id for due in take_due(log.database, Lane.BACKGROUND, -1.0)] == [other]
    found = claim_next(log, Lane.BACKGROUND, terms_of("w"), [])
    assert found is not None
    assert found.job_id == other
    assert claim_next(log, Lane.BACKGROUND, terms_of("w"), []) is None
    change(log.database, resting, wake_at=after(-1))
    submitted(log, new_job())
    assert resting in [due.job_id for due in take_due(log.database, Lane.BACKGROUND, -1.0)]
    again = claim_next(log, Lane.BACKGROUND, terms_of("w"), [])
    assert again is not None
    assert again.job_id == resting
    assert value_of(log.database, resting, "wake_at") is None
