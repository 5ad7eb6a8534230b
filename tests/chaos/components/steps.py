"""Steps that write into the side-effect ledger: one component for each effect class, waiting or blocking."""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from flows.component import Component, Effect, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.values import Message
from tests.chaos.ledger import Line, What, append


class StepFields(Inputs):
    input_value: Any = ""
    ledger: str
    seconds: float = 0.2


_TEXT = {"text": Port(("Message",))}


class _Waits:
    """The build of a step that awaits."""

    effect: ClassVar[Effect]
    inputs: ClassVar[type[Inputs]] = StepFields
    outputs: ClassVar[Mapping[str, Port]] = _TEXT

    async def build(self, inputs: StepFields, context: VertexContext) -> Outputs:
        with _entered(inputs, context, self.effect) as nonce:
            await asyncio.sleep(inputs.seconds)
        return {"text": Message(nonce)}


class _Blocks:
    """The build of a step that blocks its thread."""

    effect: ClassVar[Effect]
    inputs: ClassVar[type[Inputs]] = StepFields
    outputs: ClassVar[Mapping[str, Port]] = _TEXT

    def build(self, inputs: StepFields, context: VertexContext) -> Outputs:
        with _entered(inputs, context, self.effect) as nonce:
            time.sleep(inputs.seconds)
        return {"text": Message(nonce)}


class PureStep(_Waits, Component[StepFields]):
    types = ("PureStep",)
    effect = Effect.PURE


class IdempotentStep(_Waits, Component[StepFields]):
    types = ("IdempotentStep",)
    effect = Effect.IDEMPOTENT


class OnceStep(_Waits, Component[StepFields]):
    types = ("OnceStep",)
    effect = Effect.ONCE


class BlockingPureStep(_Blocks, Component[StepFields]):
    types = ("BlockingPureStep",)
    effect = Effect.PURE


class BlockingIdempotentStep(_Blocks, Component[StepFields]):
    types = ("BlockingIdempotentStep",)
    effect = Effect.IDEMPOTENT


class BlockingOnceStep(_Blocks, Component[StepFields]):
    types = ("BlockingOnceStep",)
    effect = Effect.ONCE


@contextmanager
def _entered(inputs: StepFields, context: VertexContext, effect: Effect) -> Iterator[str]:
    """Writes the beginning, and the end unless the step is cancelled; gives the nonce of this build."""
    nonce = uuid4().hex
    _write(What.BEGIN, inputs, context, effect, nonce)
    yield nonce
    _write(What.END, inputs, context, effect, nonce)


def _write(what: What, inputs: StepFields, context: VertexContext, effect: Effect, nonce: str) -> None:
    line = Line(
        at=time.time(),
        what=what,
        job_id=context.run.job_id,
        vertex_id=context.vertex_id,
        visit=context.visit,
        key=context.idempotency_key,
        effect=effect,
        nonce=nonce,
        pid=os.getpid(),
        group=os.getpgrp(),
    )
    append(Path(inputs.ledger), line)
