"""How a process shares its threads between the lanes."""

from collections.abc import Mapping

from storage.lanes import Lane


def bounds(worker_threads: int) -> Mapping[Lane, int]:
    """How many runs of each lane a worker process takes at most, the running ones counted.

    Background runs leave a quarter of the threads free, so that an interactive run finds one at once.
    """
    reserved = max(1, worker_threads // 4)
    return {Lane.INTERACTIVE: worker_threads, Lane.BACKGROUND: max(1, worker_threads - reserved)}
