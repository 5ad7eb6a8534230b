"""The two queues: a sync or stream run never waits behind a backlog of background runs."""

from collections.abc import Mapping
from enum import StrEnum

from storage.states import Mode


class Lane(StrEnum):
    """A queue of hints."""

    INTERACTIVE = "interactive"
    """Runs that somebody waits for."""
    BACKGROUND = "background"


def lane_of(mode: Mode) -> Lane:
    """The queue that runs of a mode take."""
    return Lane.BACKGROUND if mode is Mode.BACKGROUND else Lane.INTERACTIVE


def bounds(worker_threads: int) -> Mapping[Lane, int]:
    """How many runs of each lane a worker process takes at most, the running ones counted.

    Background runs leave a quarter of the threads free, so that an interactive run finds one at once.
    """
    reserved = max(1, worker_threads // 4)
    return {Lane.INTERACTIVE: worker_threads, Lane.BACKGROUND: max(1, worker_threads - reserved)}
