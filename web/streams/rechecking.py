"""Streams that last: they end when their reader may not see them any more (fault F14)."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from web.errors import Refusal, Unauthenticated

T = TypeVar("T")

Right: TypeAlias = Callable[[], Awaitable[object]]
"""Asks whether somebody may still read; raises what the route would refuse them with."""


async def while_allowed(
    stream: AsyncGenerator[T], right: Right, seconds: float, clock: Callable[[], float] = time.monotonic
) -> AsyncGenerator[T]:
    """What a stream yields, up to the first thing that its reader may not see: the right is asked again before what
    comes `seconds` after the last time. Who cannot be asked about is let go as well: whoever comes back is told why. A
    stream that is silent tells nothing, and is not looked at.

    Price: what the route itself costs to admit somebody, for each open stream on which something happens.
    """
    asked = clock()
    async with aclosing(stream):
        async for one in stream:
            if clock() - asked >= seconds:
                if not await _stands(right):
                    return
                asked = clock()
            yield one


async def _stands(right: Right) -> bool:
    try:
        await right()
    except (Refusal, Unauthenticated, SQLAlchemyError):
        return False
    return True
