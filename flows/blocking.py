"""Plain functions beside the event loop."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the function returns or raises, computed in a thread of its own.

    When the caller is cancelled the function is abandoned: it goes on, nobody hears of its result, and it keeps
    neither the process nor a place in a pool from anybody. Price: starting a thread, some 50 µs.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    outcome: Future[T] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            outcome.set_result(context.run(function, *args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - it rises where it is awaited
            outcome.set_exception(error)
        with suppress(RuntimeError):  # A loop that was closed meanwhile has nobody who waits.
            loop.call_soon_threadsafe(ended.set)

    Thread(target=work, name="vertex", daemon=True).start()
    await ended.wait()
    return outcome.result()
