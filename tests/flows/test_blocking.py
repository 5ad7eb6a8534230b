"""flows/blocking.py: plain functions beside the event loop, each in a thread that nobody waits for in vain."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator

import pytest

from flows.blocking import in_own_thread
from tests.flows.steps import PATIENCE


class Ended(BaseException):
    """The control flow of a pass, as a journal raises it in the thread of a component."""


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """What a function waits for, so that none is left when the test has ended."""
    event = threading.Event()
    yield event
    event.set()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "vertex"]


def no_thread_is_left() -> None:
    for thread in threads():
        thread.join(PATIENCE)
    assert threads() == []


def test_the_result_comes_back() -> None:
    assert asyncio.run(in_own_thread(divmod, 17, 5)) == (3, 2)


def test_every_call_has_a_thread_of_its_own() -> None:
    """However many there are: each waits until all have begun."""
    barrier = threading.Barrier(40)

    async def scenario() -> list[int]:
        return await asyncio.gather(*(in_own_thread(barrier.wait, PATIENCE) for _ in range(40)))

    assert sorted(asyncio.run(scenario())) == list(range(40))
    no_thread_is_left()


@pytest.mark.parametrize("error", [ValueError("no"), Ended("lost"), SystemExit(2)])
def test_what_it_raises_rises_where_it_is_awaited(error: BaseException) -> None:
    def fail() -> None:
        raise error

    async def scenario() -> BaseException:
        try:
            await in_own_thread(fail)
        except BaseException as caught:  # noqa: BLE001 - it is what the test asks for
            return caught
        raise AssertionError("it raised nothing")

    assert asyncio.run(scenario()) is error


def test_the_end_of_an_iterator_is_an_error_too() -> None:
    """No future can hold a `StopIteration`; whoever awaits it must not wait for ever."""

    def first_of_none() -> int:
        return next(iter(()))

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(asyncio.wait_for(in_own_thread(first_of_none), PATIENCE))


def test_it_sees_the_context_of_its_caller() -> None:
    where: contextvars.ContextVar[str] = contextvars.ContextVar("where")

    async def scenario() -> str:
        where.set("here")
        return await in_own_thread(where.get)

    assert asyncio.run(scenario()) == "here"


def test_one_that_is_cancelled_is_left_behind(let_go: threading.Event) -> None:
    """The caller goes on at once; the function goes on too, and its result reaches nobody."""
    began, ended = threading.Event(), threading.Event()

    def block() -> str:
        began.set()
        assert let_go.wait(PATIENCE)
        ended.set()
        return "late"

    async def scenario() -> str:
        task = asyncio.create_task(in_own_thread(block))
        await asyncio.to_thread(began.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not ended.is_set()
        let_go.set()
        await asyncio.to_thread(ended.wait, PATIENCE)
        await asyncio.sleep(0)
        return "went on"

    assert asyncio.run(scenario()) == "went on"
    no_thread_is_left()


def test_a_loop_that_was_closed_meanwhile_is_left_alone(let_go: threading.Event) -> None:
    """The function ends without a word, and nothing rises in its thread."""
    began = threading.Event()

    def block() -> None:
        began.set()
        assert let_go.wait(PATIENCE)

    async def scenario() -> None:
        task = asyncio.create_task(in_own_thread(block))
        await asyncio.to_thread(began.wait, PATIENCE)
        task.cancel()

    asyncio.run(scenario())
    let_go.set()
    no_thread_is_left()
