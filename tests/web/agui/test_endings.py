"""However a run ends, the AG-UI client takes what it is told: while it runs, and whenever it is told again."""

from collections.abc import Callable, Iterator, Mapping
from threading import Event
from typing import Any, TypeAlias

import pytest
from sqlalchemy import update
from sqlmodel import col

from storage.clock import after
from storage.database import Database
from storage.tables import HumanRequestRow
from tests.journeys.employing import Agency
from tests.making import approval_flow, echo_flow, failing_flow, model_flow
from tests.model_wires import OPENAI
from tests.node.agui_client import Outcome
from tests.scripted_models import Exchange
from tests.storage.situations import change
from tests.web.agui.telling import WIRES, Teller, last_id

Ending: TypeAlias = Callable[[Teller, Database, str], object]
MODEL = "LanguageModelComponent-m1"


@pytest.fixture
def stammering(agency: Agency) -> Iterator[Event]:
    """Lets the model say the beginning of an answer; the rest breaks off when the event is set."""
    over = Event()

    def act(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(OPENAI.chunk({"content": "Hel"}))
        over.wait(60)
        exchange.break_off()

    agency.script([act])
    yield over
    over.set()


def test_a_run_that_completes(teller: Teller) -> None:
    """Its text is told once, all its nodes are done, and only `agui-interrupt` names the outcome."""
    told = teller.over(teller.submit(echo_flow(), input_value="hello"))
    assert told.full.said == ["hello"]
    assert set(told.statuses.values()) == {"success"}
    for wire in WIRES:
        [finished] = told[wire].of("RUN_FINISHED")
        assert finished.get("outcome") == ({"type": "success"} if wire.protocol == "agui-interrupt" else None)


def test_a_run_that_fails(teller: Teller) -> None:
    """The error is the last event, it says why, and the node that failed shows it."""
    told = teller.over(teller.submit(failing_flow()))
    for wire in WIRES:
        [error] = told[wire].of("RUN_ERROR")
        assert "unknown operator 'resembles'" in error["message"]
    assert told.full.said == []
    assert told.statuses == {
        "ChatInput-a1": "success", "ConditionalRouter-bad": "error", "ChatOutput-b1": "pending",
    }  # fmt: skip


def test_a_run_that_fails_while_it_speaks(teller: Teller, stammering: Event) -> None:
    """The text that the client reads ends as it is, before the error."""
    job_id = teller.submit(model_flow())
    begun = teller.half_said(job_id)
    stammering.set()
    rest = teller.body(job_id, last_id(begun))
    seen = teller.read(begun, rest)
    assert seen.types[-2:] == ["TEXT_MESSAGE_END", "RUN_ERROR"]
    assert seen.said == ["Hel"]
    assert "broke off" in seen.events[-1]["message"]
    assert teller.over(job_id).statuses[MODEL] == "error"


def _stop(teller: Teller, beside: Database, job_id: str) -> None:
    assert teller.client.stop(job_id).status_code == 200


def _run_out(column: str) -> Ending:
    return lambda teller, beside, job_id: change(beside, job_id, **{column: after(-1)})


def _lose_the_worker(teller: Teller, beside: Database, job_id: str) -> None:
    while teller.client.job(job_id)["status"] == "in_progress":  # its worker still renews the lease
        change(beside, job_id, attempts=99, lease_until=after(-1))


ENDINGS: Mapping[str, tuple[Ending, Mapping[str, Any]]] = {
    "stopped": (_stop, {"type": "RUN_FINISHED", "outcome": {"type": "cancelled"}}),
    "timed out": (_run_out("deadline_at"), {"type": "RUN_ERROR", "code": "timed_out"}),
    "a vertex timed out": (_run_out("vertex_deadline_at"), {"type": "RUN_ERROR", "code": "timed_out"}),
    "its worker is lost": (_lose_the_worker, {"type": "RUN_ERROR", "code": "worker_lost"}),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_a_run_that_is_ended_while_it_speaks(teller: Teller, beside: Database, stammering: Event, how: str) -> None:
    """Its end is told as AG-UI has it, behind that of the text, and the same to whoever comes later."""
    end, last = ENDINGS[how]
    job_id = teller.submit(model_flow())
    begun = teller.half_said(job_id)
    end(teller, beside, job_id)
    seen = teller.read(begun, teller.body(job_id, last_id(begun)))
    assert seen.said == ["Hel"]
    assert "TEXT_MESSAGE_END" in seen.types
    check_ended(seen, last)
    told = teller.over(job_id)
    for wire in WIRES:
        check_ended(told[wire], last)


def test_a_run_that_nobody_answered(teller: Teller, beside: Database) -> None:
    """It was told as waiting, and then as failed."""
    job_id = teller.submit(approval_flow())
    begun = teller.body(job_id)
    with beside.durable() as connection:
        long_ago = update(HumanRequestRow).where(col(HumanRequestRow.job_id) == job_id).values(asked_at=after(-7_200))
        connection.execute(long_ago)
    last = {"type": "RUN_ERROR", "code": "input_timed_out"}
    check_ended(teller.read(begun, teller.body(job_id, last_id(begun), on_suspend="follow")), last)
    told = teller.over(job_id)
    for wire in WIRES:
        check_ended(told[wire], last)


def test_a_stopped_run_says_so_by_its_own_name_too(teller: Teller) -> None:
    """`langflow.run.cancelled`, behind which the run is finished (contract 3.2)."""
    job_id = teller.submit(approval_flow())
    teller.body(job_id)
    assert teller.client.stop(job_id).status_code == 200
    told = teller.over(job_id)
    for wire in WIRES:
        assert told[wire].custom("langflow.run.cancelled") == [{"message": "The run was stopped."}], wire


def check_ended(outcome: Outcome, last: Mapping[str, Any]) -> None:
    assert {name: outcome.events[-1].get(name) for name in last} == last
