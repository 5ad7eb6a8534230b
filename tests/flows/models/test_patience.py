"""patience.py and transport.py: how long a model is waited for, and how often it is asked again."""

import asyncio
import socket
import time
from collections.abc import Mapping

import pytest

from flows.components import language_model
from flows.errors import VertexFailed
from flows.models.asking import ModelCall, ModelTools
from flows.models.failures import MAX_QUOTED, ModelFailed
from flows.models.patience import Patience, asked_wait
from flows.outbound.client import Outbound
from flows.values import LanguageModel, Usage
from tests.flows.models.misbehaving import FINE, refuses
from tests.flows.models.test_misbehaving import BOUNDED, HURRIED, Watched, ask
from tests.flows.running import HERE
from tests.model_stub import ModelRequest
from tests.model_wires import OPENAI
from tests.scripted_models import PATIENCE, Act, Exchange, ScriptedModels

KEY = "sk-canary-0123456789"
SAID = "Thu, 26 Nov 2026 08:00:00 GMT"

WAITS: Mapping[str, tuple[Mapping[str, str], float | None]] = {
    "nothing": ({}, None),
    "seconds": ({"retry-after": "7"}, 7.0),
    "none at all": ({"retry-after": "0"}, 0.0),
    "a part of a second": ({"retry-after": "0.5"}, 0.5),
    "milliseconds": ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
    "a date": ({"retry-after": "Thu, 26 Nov 2026 08:00:09 GMT", "date": SAID}, 9.0),
    "a date that has passed": ({"retry-after": "Thu, 26 Nov 2026 07:00:00 GMT", "date": SAID}, 0.0),
    "a date by an unknown clock": ({"retry-after": "Thu, 26 Nov 2026 08:00:09 GMT"}, None),
    "words": ({"retry-after": "soon"}, None),
    "less than nothing": ({"retry-after": "-5"}, None),
    "no number": ({"retry-after": "nan"}, None),
    "no end": ({"retry-after": "inf"}, None),
}


@pytest.mark.parametrize("case", WAITS)
def test_what_an_answer_asks_to_wait(case: str) -> None:
    """A date counts from that of the answer; what cannot be read is not asked."""
    headers, seconds = WAITS[case]
    assert asked_wait(headers) == seconds


async def answer(models: ScriptedModels, patience: Patience) -> list[str | Usage]:
    outbound = Outbound(HERE)
    call = ModelCall(LanguageModel("m", "stub-model", models.url), KEY, system="", prompt="hello", idempotency_key="i")
    try:
        return [piece async for piece in ModelTools(outbound, patience).stream(call)]
    finally:
        await outbound.close()


def test_every_try_has_the_same_idempotency_key() -> None:
    """So an endpoint that knows it does the work once (rule 6)."""
    with ScriptedModels([refuses(500), Exchange.reset, FINE]) as models:
        assert asyncio.run(answer(models, HURRIED))[:-1] == ["All ", "good"]
    assert [(asked.headers["idempotency-key"], asked.body) for asked in models.requests] == [
        ("i", models.requests[0].body)
    ] * 3


ASKED = {"Retry-After": "0.4"}
ASKED_BY_DATE = {"Retry-After": "Thu, 26 Nov 2026 08:00:01 GMT", "Date": SAID}


@pytest.mark.parametrize(("headers", "seconds"), [(ASKED, 0.4), (ASKED_BY_DATE, 1.0)])
def test_it_is_not_asked_again_before_it_wants_to(headers: Mapping[str, str], seconds: float) -> None:
    """Whatever the wait would be without its word."""
    came: list[float] = []

    def script(request: ModelRequest) -> Act:
        came.append(time.monotonic())
        return FINE if len(came) > 1 else refuses(429, headers=headers)

    with ScriptedModels(script) as models:
        asyncio.run(answer(models, HURRIED))
    assert came[1] - came[0] >= seconds


def test_who_wants_no_retries_gets_none() -> None:
    """And is not told of any."""
    with ScriptedModels([refuses(500)]) as models, pytest.raises(ModelFailed) as caught:
        asyncio.run(answer(models, Patience(retries=0)))
    assert len(models.requests) == 1
    assert "failed: it is out of order. Run it again later." in str(caught.value)


def test_waiting_ends_at_once_when_the_run_is_stopped() -> None:
    """Nothing is asked again, and no connection is left."""

    async def stop(models: ScriptedModels) -> None:
        asking = asyncio.create_task(answer(models, Patience()))
        await asyncio.to_thread(models.wait_for_requests, 1)
        await asyncio.to_thread(models.wait_until_at_rest)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with ScriptedModels([refuses(429, headers={"Retry-After": "50"})]) as models:
        began = time.monotonic()
        asyncio.run(stop(models))
        assert time.monotonic() - began < PATIENCE
        models.wait_until_closed()
        assert len(models.requests) == 1


def test_an_answer_that_trickles_ends_in_time() -> None:
    """However small its pieces are: each of them comes in time (I10)."""

    def trickle(exchange: Exchange) -> None:
        exchange.begin()
        for _ in range(200):
            if exchange.is_gone(0.02):
                break
            exchange.piece(b": still here\n\n")
        exchange.break_off()

    with ScriptedModels([trickle]) as models, pytest.raises(ModelFailed, match="or its answer did not end"):
        asyncio.run(answer(models, Patience(wait_seconds=5.0, answer_seconds=0.3)))
    models.wait_until_at_rest()


def test_an_endpoint_where_nothing_listens() -> None:
    """It is tried again, then told with the remedy."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        outbound = Watched(BOUNDED)
        with pytest.raises(
            VertexFailed, match=r"it cannot be reached\. Check the base URL, and that something answers"
        ):
            ask(url, outbound)
    assert outbound.in_use == 0


def test_an_answer_that_is_too_long_to_keep_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vertex fails, and its connection is closed with it."""
    monkeypatch.setattr(language_model, "MAX_TEXT", 10)

    def on_and_on(exchange: Exchange) -> None:
        exchange.begin()
        exchange.event(OPENAI.chunk({"content": "more than ten"}))
        exchange.wait_until_gone()

    outbound = Watched(BOUNDED)
    with ScriptedModels([on_and_on]) as models:
        with pytest.raises(VertexFailed, match="the answer grows beyond 10 characters"):
            ask(models.url, outbound)
        models.wait_until_at_rest()
    assert outbound.in_use == 0


def test_a_providers_own_words_are_quoted_in_short_and_without_the_key() -> None:
    """Not even a part of it, where the quotation ends."""
    said = f"bad\n key {KEY} " + "x" * (MAX_QUOTED - 15) + KEY * 100
    with ScriptedModels([refuses(400, said)]) as models, pytest.raises(ModelFailed) as caught:
        asyncio.run(answer(models, HURRIED))
    assert 'It says: "bad key *** xxx' in str(caught.value)
    assert len(str(caught.value)) < MAX_QUOTED + 300
    assert "sk-" not in str(caught.value)
