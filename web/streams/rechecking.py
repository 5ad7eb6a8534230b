"""Streams that last: they end when their reader may not see them any more (fault F14)."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from web.errors import Refusal, Unauthenticated

T = TypeVar("T")

Right: TypeAlias = Callable[[], Awaitable[object]]
"""Asks whether somebody may still read; raises what the route would refuse them with."""

_DIFFERS_FOR_NOTHING = frozenset({b"last-event-id", b"traceparent", b"tracestate", b"x-request-id"})
"""Headers that tell one connection of a reader from another, and nothing of who they are."""


def reader_of(request: Request, *given: Hashable) -> Hashable:
    """All that the right to read depends on: what the request shows, from where it comes, and what is `given` beside
    it. Of two readers that are equal the one may read exactly as long as the other."""
    scope = request.scope
    headers = tuple((name, value) for name, value in scope["headers"] if name not in _DIFFERS_FOR_NOTHING)
    address = request.client.host if request.client else None
    return scope["method"], scope["path"], scope["query_string"], headers, address, given


@dataclass(eq=False)
class _Question:
    """Whether a right stands, and when that was asked."""

    asked_at: float
    answer: "asyncio.Task[bool]"


class Rechecks:
    """Asks again whether those may read who read for long: once for all streams of a reader, however many there are.
    Belongs to the event loop.

    A question is kept for as long as a stream relies on its answer: one that was answered with no is forgotten with
    the streams that it ended.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`seconds` is how long a stream goes on without asking."""
        self._seconds = seconds
        self._clock = clock
        self._newest: WeakValueDictionary[Hashable, _Question] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._newest)

    async def while_allowed(self, stream: AsyncGenerator[T], reader: Hashable, right: Right) -> AsyncGenerator[T]:
        """What a stream yields, up to the first thing that its reader may not see: the right is asked again before what
        comes `seconds` after it was asked last. Who cannot be asked about is let go as well: whoever comes back is told
        why. A stream that is silent tells nothing, and is not looked at.

        Price: what the route itself costs to admit somebody, for each reader to whom something happens.
        """
        stands_since = self._clock()
        async with aclosing(stream):
            async for one in stream:
                now = self._clock()
                if now - stands_since >= self._seconds:
                    question = self._question(reader, right, now)
                    # Other streams wait for the answer too, and still do when this one is closed.
                    if not await asyncio.shield(question.answer):
                        return
                    stands_since = question.asked_at
                yield one

    def _question(self, reader: Hashable, right: Right, now: float) -> _Question:
        """The newest question, or another one when that was asked too long ago."""
        question = self._newest.get(reader)
        if question is None or now - question.asked_at >= self._seconds:
            question = self._newest[reader] = _Question(now, asyncio.create_task(_stands(right)))
        return question


async def _stands(right: Right) -> bool:
    try:
        await right()
    except (Refusal, Unauthenticated, SQLAlchemyError):
        return False
    return True
