"""Sending a call until it is answered: what comes of each try, and when the next one is due. It does no I/O."""

from typing import Generic, TypeVar

import httpx

from penstock.client.call import Call
from penstock.client.errors import TOO_MANY, Busy, ConnectionLost, refusal_of
from penstock.client.patience import Patience

T = TypeVar("T")

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before the server has seen anything of a request."""


class Sending(Generic[T]):
    """One call on its way. Whoever drives it waits `delay` seconds before each try, and tells what came of it."""

    def __init__(self, call: Call[T], patience: Patience) -> None:
        self.call = call
        self.delay = 0.0
        self.answers: list[T] = []
        """The answer, when it is there."""
        self._patience = patience

    def heard(self, response: httpx.Response) -> None:
        """Takes an answer. Raises what the server refuses the call with, unless it may take it later."""
        if response.is_success:
            self.answers.append(self.call.read(response))
            return
        refused = refusal_of(response)
        if not isinstance(refused, Busy) or not (self.call.repeatable or refused.status == TOO_MANY):
            raise refused
        self.delay = self._patience.after(refused, refused.retry_after)

    def lost(self, error: httpx.RequestError) -> None:
        """Takes note that there was no answer. Raises `ConnectionLost` when it must not, or cannot, be tried again."""
        fault = lost_connection(error)
        if not (self.call.repeatable or isinstance(error, _NEVER_SENT)):
            raise fault from error
        self.delay = self._patience.after(fault)


def lost_connection(error: httpx.RequestError) -> ConnectionLost:
    """That no answer came, why, and what to do about it."""
    url, why = error.request.url, str(error) or type(error).__name__
    if isinstance(error, _NEVER_SENT):
        return ConnectionLost(f"{url.scheme}://{url.netloc.decode()} cannot be reached: {why}. Is `penstock up` there?")
    return ConnectionLost(f"{url.copy_with(query=None)} broke off: {why}. Try again.")
