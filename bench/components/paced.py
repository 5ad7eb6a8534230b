"""Paced: events that say when they were written, at a steady pace."""

import asyncio
import time
from typing import ClassVar

from bench.model import MARK
from flows.component import Component, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.events import warning
from flows.values import Message

MILESTONES = 5
"""Every fifth event is a milestone, which is stored before it is told; the others are tokens."""


class PacedFields(Inputs):
    input_value: Text = ""
    events: int
    pace: int


class Paced(Component[PacedFields]):
    """Tells `events` events, `pace` of them in a second."""

    types = ("Paced",)
    inputs = PacedFields
    outputs: ClassVar = {"text": Port(("Message",))}

    async def build(self, inputs: PacedFields, context: VertexContext) -> Outputs:
        message_id = context.message_id()
        began = time.monotonic()
        for number in range(inputs.events):
            await asyncio.sleep(max(0, began + number / inputs.pace - time.monotonic()))
            written = f"{MARK}{time.monotonic_ns()} "
            if number % MILESTONES:
                context.token(written, message_id)
            else:
                context.announce([warning(written)])
        return {"text": Message("done")}
