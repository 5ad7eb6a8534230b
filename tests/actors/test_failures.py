"""What a failed run tells, and to whom."""

from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from actors.failures import GENERIC, UNEXPECTED, describe
from flows.errors import FlowRefused, VertexFailed, VertexTimedOut
from storage.levels import Trust
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
    """But for secrets, which are struck out of its traceback too (I8)."""
    defect = KeyError("inner matter sk-canary-1")
    defect.__cause__ = ValueError("sk-canary-1")
    with capture_logs() as lines:
        described = describe(claimed(log, new_job()), defect, ["sk-canary-1"], NOW, 0.1)
    assert UNEXPECTED in described.error
    assert "inner matter" not in described.error
    assert "KeyError: 'inner matter ***'" in lines[0]["exception"]
    assert "canary" not in repr(lines)


@pytest.mark.parametrize("trust", [Trust.CONFINED, Trust.PUBLIC])
@pytest.mark.parametrize("failure", [VertexFailed("v", "Model", "inner matter"), VertexTimedOut("v", "Model", 1.0)])
def test_who_may_not_see_into_the_flow_is_told_that_it_failed(
    log: EventLog, new_job: JobMaker, failure: Exception, trust: Trust
) -> None:
    """Neither why nor where (contract 6.5)."""
    described = describe(claimed(log, new_job(trust=trust)), failure, [], NOW, 0.1)
    told = [described.error.encode(), *(event.encode() for event in described.events)]
    assert all(GENERIC.encode() in text for text in told[:2])
    assert not [text for text in told if b"inner matter" in text or b'"v"' in text or b"Model" in text]
