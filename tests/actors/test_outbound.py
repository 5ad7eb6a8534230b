"""A flow that names what is internal fails, and its owner reads why."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from flows.outbound.policy import OutboundPolicy
from storage.states import Status
from storage.store import Store
from tests.actors.test_recovering import told
from tests.actors.workplace import QUICK, working
from tests.making import model_flow
from tests.model_stub import ModelStub


def test_a_job_whose_flow_calls_what_is_internal_fails_with_the_reason(store: Store) -> None:
    """Not with the generic error of a defect; and the refusal stands in the worker's log (fault F7)."""
    config = replace(QUICK, outbound=OutboundPolicy())
    with capture_logs() as lines, working(store, config) as workplace:
        job_id = workplace.submit(model_flow("http://169.254.169.254/v1?key=canary"))
        entries = workplace.to_end(job_id)
    assert workplace.job(job_id).status is Status.FAILED
    [(_, failure)] = told(entries, "error")
    assert failure["text"] == (
        "Error building Language Model (LanguageModelComponent-m1): 169.254.169.254:80 may not be called: its address "
        "169.254.169.254 is a cloud's metadata service. Add it to PENSTOCK_ALLOWED_HOSTS if flows should call it."
    )
    [refused] = [line for line in lines if line["event"] == "outbound_refused"]
    assert (refused["host"], refused["address"]) == ("169.254.169.254:80", "169.254.169.254")
    assert "canary" not in str(lines)


@pytest.mark.parametrize("entry", ["127.0.0.1", "localhost"])
def test_what_the_allow_list_names_is_called(entry: str, store: Store) -> None:
    """By its address or by its name."""
    with ModelStub() as stub, working(store, replace(QUICK, outbound=OutboundPolicy.allowing(entry))) as workplace:
        job_id = workplace.submit(model_flow(stub.url.replace("127.0.0.1", entry)))
        workplace.to_end(job_id)
        assert workplace.job(job_id).status is Status.COMPLETED
