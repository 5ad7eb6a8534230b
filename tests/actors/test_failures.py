"""What a failed run tells, and to whom."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from actors.failures import UNEXPECTED, describe
from flows.errors import FlowRefused, VertexFailed
from storage.log import EventLog
from tests.storage.situations import JobMaker, claimed

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("failure", [VertexFailed("v", "Model", "bad key sk-canary-1"), FlowRefused("sk-canary-1")])
def test_a_secret_stands_in_no_error(log: EventLog, new_job: JobMaker, failure: Exception) -> None:
    """Neither in what is stored nor in an event (I8)."""
    described = describe(claimed(log, new_job()), failure, ["sk-canary-1", "sk"], NOW, 0.1)
    told = [described.error.encode(), *(event.encode() for event in described.events)]
    assert not [text for text in told if b"canary" in text]
    assert b"***" in told[0]


def test_a_defect_is_told_without_detail_and_logged_whole(log: EventLog, new_job: JobMaker) -> None:
    with capture_logs() as lines:
        described = describe(claimed(log, new_job()), KeyError("inner matter"), [], NOW, 0.1)
    assert UNEXPECTED in described.error
    assert "inner matter" not in described.error
    assert isinstance(lines[0]["exc_info"], KeyError)
