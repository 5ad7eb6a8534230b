"""Steps that a test holds: each tells the ledger that it begins, waits for its gate, and tells that it ends."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.values import Message
from tests.chaos.ledger import Line, What, append

LOOK_SECONDS = 0.02


class GatedFields(Inputs):
    input_value: Text = ""
    ledger: str
    gate: str
    """A file that a test makes when the step may go on."""


class _Awaits:
    """The build of a step that awaits its gate."""

    inputs: ClassVar[type[Inputs]] = GatedFields
    outputs: ClassVar[Mapping[str, Port]] = {"text": Port(("Message",))}
    effect: ClassVar[Effect]

    async def build(self, inputs: GatedFields, context: VertexContext) -> Outputs:
        tell(What.BEGIN, inputs, context, self.effect)
        while not Path(inputs.gate).exists():  # noqa: ASYNC110, ASYNC240 - the test is another process
            await asyncio.sleep(LOOK_SECONDS)
        tell(What.END, inputs, context, self.effect)
        return {"text": Message(inputs.input_value)}


class Gated(_Awaits, Component[GatedFields]):
    types = ("Gated",)
    effect = Effect.PURE


class GatedOnce(_Awaits, Component[GatedFields]):
    types = ("GatedOnce",)
    effect = Effect.ONCE


class GatedBlocking(Component[GatedFields]):
    types = ("GatedBlocking",)
    inputs = GatedFields
    outputs: ClassVar = {"text": Port(("Message",))}

    def build(self, inputs: GatedFields, context: VertexContext) -> Outputs:
        tell(What.BEGIN, inputs, context, self.effect)
        while not Path(inputs.gate).exists():
            time.sleep(LOOK_SECONDS)
        tell(What.END, inputs, context, self.effect)
        return {"text": Message(inputs.input_value)}


def tell(what: What, inputs: GatedFields, context: VertexContext, effect: Effect) -> None:
    """Writes one line."""
    line = Line(
        at=time.time(),
        what=what,
        job_id=context.run.job_id,
        vertex_id=context.vertex_id,
        visit=context.visit,
        key=context.idempotency_key,
        effect=effect,
        nonce=uuid4().hex,
        pid=os.getpid(),
        group=os.getpgrp(),
    )
    append(Path(inputs.ledger), line)
