"""What an AG-UI client reads over the loss of the process, and of all the tokens that it held."""

from dataclasses import dataclass
from threading import Event

import pytest

from tests.journeys.employing import Agency, employed, tool
from tests.journeys.gated import Gate
from tests.making import model_flow
from tests.model_wires import OPENAI, ToolUse
from tests.node.agui_client import Outcome
from tests.scripted_models import Exchange
from tests.web.agui.telling import Teller, last_id


@dataclass(frozen=True)
class Before:
    """Three runs, as their clients had them when the process was lost."""

    speaking: str
    half: bytes
    """Of the run that was speaking, and in the midst of a text."""
    spoken: str
    whole: Outcome
    begun: bytes
    """Of a run that was over, up to the first piece of its text."""
    called: str
    answered: Outcome


@pytest.fixture(scope="module")
def before(teller: Teller, agency: Agency, tmp_path_factory: pytest.TempPathFactory) -> Before:
    gate, over = Gate(tmp_path_factory.mktemp("gate")), Event()
    gate.open()

    def breaks_off(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(OPENAI.chunk({"content": "Hel"}))
        over.wait(60)
        exchange.break_off()

    agency.script([OPENAI.says(*"Hello, world")])
    spoken = teller.submit(model_flow())
    whole, begun = teller.told(spoken), teller.half_said(spoken)
    agency.script([OPENAI.calls(ToolUse("first", {"input_value": "a"}, "c1")), OPENAI.says(*"All done")])
    called = teller.submit(employed(tool(gate, "first")))
    answered = teller.told(called)
    agency.script([breaks_off, OPENAI.says("Good ", "day")])
    speaking = teller.submit(model_flow())
    half = teller.half_said(speaking)
    agency.crash()
    over.set()
    return Before(speaking, half, spoken, whole, begun, called, answered)


def test_a_process_that_is_lost_while_it_speaks(teller: Teller, before: Before) -> None:
    """The text that the client has begun to read ends as it is, the client is told that it does not count, and the
    answer is whole behind it; whoever comes later is told the answer alone."""
    seen = teller.read(before.half, teller.body(before.speaking, last_id(before.half)))
    assert seen.said == ["Hel", "Good day"]
    [half, whole] = [one["id"] for one in seen.messages]
    assert seen.custom("langflow.message.removed") == [{"message_id": half}]
    assert seen.custom("penstock.run_recovered")
    told = teller.over(before.speaking)
    assert told.full.said == ["Good day"]
    assert told.full.messages[0]["id"] == whole
    assert set(told.statuses.values()) == {"success"}


def test_a_run_that_is_told_when_its_tokens_are_gone(teller: Teller, before: Before) -> None:
    """Every text is told in one piece, as it is stored, and every call with its result (gap G4)."""
    told, live = teller.over(before.called), before.answered
    assert told.full.messages == live.messages
    assert (len(live.of("TEXT_MESSAGE_CONTENT")), len(told.full.of("TEXT_MESSAGE_CONTENT"))) == (8, 1)


def test_whoever_had_half_a_text_gets_the_rest(teller: Teller, before: Before) -> None:
    """And nothing twice, though the tokens that they lack are gone."""
    seen = teller.read(before.begun, teller.body(before.spoken, last_id(before.begun)))
    assert seen.messages == before.whole.messages
    assert [event["delta"] for event in seen.of("TEXT_MESSAGE_CONTENT")] == ["H", "ello, world"]
