"""Passes without a database: what the threads of a process do with each other needs none. And jobs of another one."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from actors.running import Pass
from actors.tenure import Tenure
from storage.claiming import Claimed
from storage.database import Database
from storage.first_user import ensure_local_user
from storage.flow_store import store_version
from storage.levels import Access, Trust
from storage.runners import Runner
from storage.secrets import Secrets, new_key
from storage.states import Mode
from storage.submitting import NewJob
from tests.storage.situations import LEASE_SECONDS, JobMaker, terms_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class HandClock:
    """A clock that goes when the test says so."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def a_claim(job_id: str = "a-job", fence: int = 1) -> Claimed:
    """What a pass was given of a job that stands nowhere."""
    return Claimed(
        job_id=job_id,
        fence=fence,
        terms=terms_of("a-worker"),
        mode=Mode.BACKGROUND,
        seq=1,
        attempts=1,
        taken_from=None,
        user_id="a-user",
        flow_id="a-flow",
        version_id="a-version",
        session_id="a-session",
        request="{}",
        overrides=None,
        trust=Trust.FULL,
        end_user=None,
        runner=Runner(Access.OWN, owns_flow=True),
        created_at=NOW,
        deadline_at=None,
        is_paused=False,
        tokens=0,
        max_tokens=None,
        claimed_at=NOW,
    )


def a_pass(
    claimed: Claimed | None = None,
    lease_seconds: float = LEASE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Pass:
    """A pass whose lease begins now, by a clock of the test's choice."""
    return Pass(claimed or a_claim(), Tenure(lease_seconds, clock, clock()))


def at_home_in(database: Database, new_job: JobMaker) -> NewJob:
    """A job of a user and a version that are stored in a database of the test's own."""
    user = ensure_local_user(database, Secrets([new_key()]), None)
    return new_job(user_id=user.user_id, version_id=store_version(database, {"nodes": []}))
