"""One server for the tests of the clients, and both clients behind one face."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, cast

import pytest

from penstock import AsyncClient, Client
from tests.deployments import Deployment, embedded

KINDS = (Client, AsyncClient)


class Awaited:
    """An `AsyncClient` that is waited for at each call, so that one test is for both."""

    def __init__(self, client: AsyncClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def called(*arguments: Any, **options: Any) -> Any:
            answer = method(*arguments, **options)
            if isinstance(answer, AsyncGenerator):
                return self._each(answer)
            return self._runner.run(self._of(answer)) if isawaitable(answer) else answer

        return called

    def _each(self, items: AsyncGenerator[Any]) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._runner.run(self._of(anext(items)))
                except StopAsyncIteration:
                    return
        finally:
            self._runner.run(items.aclose())

    @staticmethod
    async def _of(answer: Awaitable[Any]) -> Any:
        return await answer


@contextmanager
def connected(kind: type[Client] | type[AsyncClient], url: str, **options: Any) -> Iterator[Client]:
    """A client of either kind, to be called as `Client` is."""
    if issubclass(kind, Client):
        with kind(url, **options) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        client = cast("Client", Awaited(kind(url, **options), runner))
        yield client
        client.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """An embedded server without keys."""
    with embedded(tmp_path_factory.mktemp("client"), {}) as deployment:
        yield deployment


@pytest.fixture(params=KINDS, ids=["sync", "async"])
def client(request: pytest.FixtureRequest, server: Deployment) -> Iterator[Client]:
    """Either client, connected to the server."""
    with connected(request.param, server.url) as found:
        yield found
