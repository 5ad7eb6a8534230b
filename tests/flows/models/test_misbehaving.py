"""A model server that is slow, fails, hangs up or sends garbage: every case ends in a clear error or an answer."""

import time

import pydantic_ai.models.openai  # noqa: F401 - it takes seconds, which are not measured
import pytest

from flows.errors import VertexFailed
from flows.models.defaults import ModelDefaults
from flows.models.patience import Patience
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundBounds, OutboundPolicy
from flows.values import Message
from tests.flows.components.producing import produce
from tests.flows.models.misbehaving import MISBEHAVIOURS
from tests.flows.running import HERE, RecordingJournal, tools
from tests.making import node, template
from tests.scripted_models import PATIENCE, ScriptedModels
from tests.shapes import Exported

KEY = "sk-canary-0123456789"
HURRIED = Patience(wait_seconds=0.3, backoff_seconds=0.01)
BOUNDED = OutboundPolicy(HERE.allowed, OutboundBounds(model_bytes=100_000))


class Watched(Outbound):
    """Tells which connections were still in use when the run was over."""

    in_use: int | None = None

    async def close(self) -> None:
        pool = self._checked()._pool  # type: ignore[attr-defined]
        self.in_use = sum(not (connection.is_idle() or connection.is_closed()) for connection in pool.connections)
        await super().close()


def asking(base_url: str) -> Exported:
    exported = node("LanguageModelComponent", "m", model_name="stub-model", base_url=base_url, api_key=KEY)
    template(exported)["api_key"]["load_from_db"] = False
    return exported


def ask(base_url: str, outbound: Outbound) -> RecordingJournal:
    borrowed = tools(outbound=outbound, defaults=ModelDefaults(patience=HURRIED))
    return produce(asking(base_url), borrowed=borrowed, input_value="hello")


@pytest.mark.parametrize("case", MISBEHAVIOURS)
def test_every_misbehaviour_ends_in_a_clear_error_or_in_an_answer(case: str) -> None:
    """In time, after as many requests as it should, without the key, and with no connection left behind."""
    expected, outbound = MISBEHAVIOURS[case], Watched(BOUNDED)
    began = time.monotonic()
    with ScriptedModels(expected.script) as models:
        if expected.ends_well:
            message = ask(models.url, outbound).outputs("m")["text_output"]
            assert isinstance(message, Message)
            assert message.text == "All good"
        else:
            with pytest.raises(VertexFailed) as caught:
                ask(models.url, outbound)
            assert expected.told in caught.value.reason
            assert KEY not in caught.value.reason
        assert time.monotonic() - began < PATIENCE
        assert outbound.in_use == 0
        models.wait_until_at_rest()
        models.wait_until_closed()
        assert len(models.requests) == expected.tries
