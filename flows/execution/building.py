"""How a component's `build` is called, whether it is a coroutine or a plain function."""

import asyncio
from collections.abc import Awaitable
from typing import cast

from flows.blocking import in_own_thread
from flows.component import AnyComponent, Inputs, Outputs
from flows.context import VertexContext


async def built(component: AnyComponent, inputs: Inputs, context: VertexContext) -> Outputs:
    """What a build puts out. One that is a plain function is told when nobody waits for it any more."""
    if component.is_async():
        return await cast("Awaitable[Outputs]", component.build(inputs, context))
    try:
        return cast("Outputs", await in_own_thread(component.build, inputs, context))
    except asyncio.CancelledError:
        context.abandon()
        raise
