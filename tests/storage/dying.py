"""What a process does that dies at a kill point, in the tests of kill points."""

import multiprocessing
import time
from collections.abc import Sequence
from contextlib import closing

from storage.database import Database
from storage.kill_points import KillPoint
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.stream import StreamBounds
from storage.submitting import NewJob
from tests.storage.situations import submitted

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes that share nothing but what was imported before they began."""
PROCESSES.set_forkserver_preload([__name__])


def submit_all(url: str, jobs: Sequence[NewJob], kill_point: str) -> None:
    """Submits jobs with a kill point armed."""
    with closing(Database(url)) as database, closing(MemoryStream(StreamBounds(), time.monotonic)) as stream:
        log = EventLog(database, stream, KillPoint(kill_point))
        for job in jobs:
            submitted(log, job)
