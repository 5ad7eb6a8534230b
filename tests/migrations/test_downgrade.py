"""Back to the release before there were rights: nobody may do more there than here."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from storage.auditing import Actor
from storage.clock import after
from storage.database import Database
from storage.flow_store import NewFlow, create_flow
from storage.keys import create_key
from storage.levels import Trust
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.secrets import Secrets
from storage.states import LIVE, TERMINAL, Status
from storage.stream import StreamBounds
from storage.submitting import NewJob
from storage.users import create_user, deactivate
from tests.migrations.upgrading import config
from tests.storage.situations import another_user, brought_to

BEFORE_RIGHTS = "0003"
DESK = Actor()


@pytest.fixture
def log(database: Database) -> EventLog:
    return EventLog(database, MemoryStream(StreamBounds(), lambda: 0.0))


def downgraded(database: Database) -> Callable[[str], list[Any]]:
    """Asks the downgraded database."""
    command.downgrade(config(database), BEFORE_RIGHTS)

    def ask(statement: str) -> list[Any]:
        with closing(Database(database.url.render_as_string(hide_password=False))) as fresh, fresh.read() as connection:
            return list(connection.execute(text(statement)).scalars())

    return ask


def test_keys_that_prove_nothing_are_gone(database: Database, secrets: Secrets, user_id: str) -> None:
    """The release before knows neither expiry nor inactive users; it takes all other keys as before."""
    inactive = create_user(database, "inactive", DESK)
    kept = [create_key(database, secrets, user_id, "a key", DESK, end).id for end in (None, after(3600))]
    create_key(database, secrets, user_id, "expired", DESK, after(-1))
    create_key(database, secrets, inactive, "of somebody inactive", DESK)
    deactivate(database, inactive, DESK)
    assert sorted(downgraded(database)("SELECT id FROM api_keys")) == sorted(kept)


def test_an_endpoint_name_of_two_is_nobodys(database: Database, user_id: str) -> None:
    """It would be one flow's for everybody."""
    for owner, name in ((user_id, "same"), (another_user(database), "same"), (user_id, "own"), (user_id, None)):
        create_flow(database, NewFlow(f"{owner}-{name}", owner, "a flow", {"nodes": []}, endpoint_name=name))
    found = downgraded(database)("SELECT endpoint_name FROM flows")
    assert sorted(found, key=str) == [None, None, None, "own"]


@pytest.mark.parametrize("status", LIVE)
@pytest.mark.parametrize("trust", [Trust.CONFINED, Trust.PUBLIC])
def test_jobs_that_are_held_back_must_be_over(
    log: EventLog, new_job: Callable[..., NewJob], trust: Trust, status: Status
) -> None:
    """The release before would trust them with everything; nothing is changed, and they are named."""
    job_id = brought_to(log, new_job(trust=trust), status).job_id
    with pytest.raises(RuntimeError, match=f"Stop them first: {job_id}"):
        command.downgrade(config(log.database), BEFORE_RIGHTS)
    with log.database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() != BEFORE_RIGHTS


def test_jobs_that_are_over_and_trusted_ones_stay(log: EventLog, new_job: Callable[..., NewJob]) -> None:
    jobs = [new_job(trust=Trust.PUBLIC), new_job(), new_job(end_user="ann")]
    states = (TERMINAL[0], LIVE[0], LIVE[2])
    for job, status in zip(jobs, states, strict=True):
        brought_to(log, job, status)
    assert sorted(downgraded(log.database)("SELECT id FROM jobs")) == sorted(job.id for job in jobs)
