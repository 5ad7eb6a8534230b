"""A new secret key takes the place of an old one, and everything that was encrypted stays readable."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from sqlalchemy import update
from sqlmodel import col

from storage import rotation
from storage.ending import stop
from storage.hash_key import hashing_secrets
from storage.jobs import overrides_of
from storage.log import EventLog
from storage.requests import Overrides
from storage.rotation import Rotated, examine, forget_unreadable, rotate
from storage.secrets import Secrets, new_key
from storage.states import Status
from storage.tables import Variable
from storage.variables import get_variable, set_variable
from tests.storage.situations import JobMaker, brought_to, contents

OLD, NEW, OTHER = new_key(), new_key(), new_key()
GIVEN = Overrides(tweaks={"a": {"api_key": "hunter2"}}, globals={"TOKEN": "hunter3"})
LIVING = (Status.QUEUED, Status.IN_PROGRESS, Status.SUSPENDED)


@pytest.fixture
def jobs(log: EventLog, new_job: JobMaker) -> Sequence[str]:
    """Live jobs with overrides, and one that has none; variables, and the key of hashes: all under the old key."""
    old = hashing_secrets(log.database, [OLD])
    old.digest("a key")
    ids = []
    for status in LIVING:
        job = new_job()
        brought_to(log, new_job(id=job.id, session_id=status, overrides=GIVEN.seal(old, job.id)), status)
        ids.append(job.id)
    brought_to(log, new_job(), Status.QUEUED)
    for name in ("a", "b", "c"):
        set_variable(log.database, old, new_job().user_id, name, f"{name}'s value")
    return ids


def test_after_a_rotation_the_old_key_may_be_taken_away(log: EventLog, jobs: Sequence[str], user_id: str) -> None:
    """Overrides and variables open with the new key alone, and the hash of an API key is what it was."""
    before = hashing_secrets(log.database, [OLD]).digest("a key")
    assert rotate(log.database, Secrets([NEW, OLD])) == Rotated(renewed=7)
    alone = hashing_secrets(log.database, [NEW])
    for job_id in jobs:
        assert Overrides.open(overrides_of(log.database, job_id), alone, job_id) == GIVEN
    assert [get_variable(log.database, alone, user_id, name) for name in "abc"] == [f"{name}'s value" for name in "abc"]
    assert alone.digest("a key") == before


def test_a_rotation_done_again_changes_nothing(log: EventLog, jobs: Sequence[str]) -> None:
    rotate(log.database, Secrets([NEW, OLD]))
    before = contents(log.database)
    assert rotate(log.database, Secrets([NEW, OLD])) == Rotated(current=7)
    assert contents(log.database) == before


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("done", [0, 1, 3])
def test_a_rotation_that_was_killed_is_taken_up(
    log: EventLog, jobs: Sequence[str], done: int, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it had come to, the next one does the rest."""
    monkeypatch.setattr(rotation, "BATCH", batch)
    replace, left = rotation._replace, iter([True] * done)

    def dies(*arguments: object) -> None:
        if not next(left, False):
            raise KeyboardInterrupt
        replace(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(rotation, "_replace", dies)
        rotate(log.database, Secrets([NEW, OLD]))
    rotate(log.database, Secrets([NEW, OLD]))
    assert examine(log.database, Secrets([NEW])) == Rotated(current=7)


def test_a_value_that_changes_meanwhile_is_not_overwritten(
    log: EventLog, jobs: Sequence[str], user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody else stores between the look and the write stands, and comes under the new key too."""
    replace, both = rotation._replace, Secrets([NEW, OLD])
    changes = iter(["newer"])

    def late(*arguments: object) -> None:
        for value in changes:
            set_variable(log.database, Secrets([OLD]), user_id, "b", value)
        replace(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rotation, "_replace", late)
    rotate(log.database, both)
    assert get_variable(log.database, Secrets([NEW]), user_id, "b") == "newer"


def test_a_job_that_ends_meanwhile_gets_no_secrets_back(
    log: EventLog, new_job: JobMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()
    overrides = GIVEN.seal(Secrets([OLD]), job.id)
    owner = brought_to(log, new_job(id=job.id, overrides=overrides), Status.IN_PROGRESS)
    replace = rotation._replace

    def late(*arguments: object) -> None:
        stop(log, owner.job_id, owner.user_id)
        replace(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(rotation, "_replace", late)
    rotate(log.database, Secrets([NEW, OLD]))
    assert overrides_of(log.database, job.id) is None


def test_what_no_key_opens_is_counted_and_left(log: EventLog, jobs: Sequence[str], user_id: str) -> None:
    """The rest is renewed all the same."""
    with log.database.durable() as connection:
        lost = Secrets([OTHER]).seal("x", f"variable:{user_id}:a")
        connection.execute(update(Variable).where(col(Variable.name) == "a").values(value=lost))
    assert rotate(log.database, Secrets([NEW, OLD])) == Rotated(renewed=6, unreadable=1)
    assert get_variable(log.database, Secrets([OTHER]), user_id, "a") == "x"


def test_what_is_lost_for_good_is_given_up(log: EventLog, jobs: Sequence[str], user_id: str) -> None:
    """What can be read stays, and so do jobs, whose overrides somebody may find the key of."""
    set_variable(log.database, Secrets([NEW]), user_id, "b", "readable")
    assert forget_unreadable(log.database, Secrets([NEW])) == 3
    assert get_variable(log.database, Secrets([NEW]), user_id, "b") == "readable"
    assert [get_variable(log.database, Secrets([NEW]), user_id, name) for name in "ac"] == [None, None]
    assert len(contents(log.database)["jobs"]) == 4
    assert all(overrides_of(log.database, job_id) for job_id in jobs)


def test_looking_changes_nothing(log: EventLog, jobs: Sequence[str]) -> None:
    before = contents(log.database)
    assert examine(log.database, Secrets([NEW, OLD])) == Rotated(renewed=7)
    assert examine(log.database, Secrets([NEW])) == Rotated(unreadable=7)
    assert contents(log.database) == before
