"""The places at which a test lets a process die: before and after each commit, after each publication and hint.

Armed by PENSTOCK_KILL_POINT only. What survives a death at every one of them survives a death anywhere: between two of
them nothing that outlives the process is written. A write that is a single statement has none before its commit.
"""

import os
import signal
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeAlias

from storage.states import Order

SUBMIT = "submit"
"""The transition that makes a job; all others are orders."""
HINT_SENT = "hint.sent"
_ALONE = tuple(order for order in Order if order is not Order.SUPERSEDE)
"""The orders with a transaction of their own; a job is superseded in the one that submits another."""

Reached: TypeAlias = Callable[[str], None]
"""Is told the name of each kill point that is reached."""

KILL_POINTS: Sequence[str] = (
    *(f"{name}.{stage}" for name in (SUBMIT, *_ALONE) for stage in ("written", "committed", "published")),
    HINT_SENT,
)


def unarmed(point: str) -> None:
    """Does nothing: how every process runs outside of tests."""


class KillPoint:
    """Ends this process without a word (SIGKILL) when a kill point is reached for the n-th time.

    `spec` is `name` or `name:n`. Raises `ValueError` for a name that is none of `KILL_POINTS`.
    """

    def __init__(self, spec: str) -> None:
        self._name, _, count = spec.partition(":")
        if self._name not in KILL_POINTS:
            raise ValueError(f"{self._name!r} is no kill point")
        self._left = int(count or 1)
        self._lock = Lock()

    def __call__(self, point: str) -> None:
        if point != self._name:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
