"""The log of the tests of transitions, which do not depend on where their events are shown: `test_log.py` joins both
streams to both databases."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from storage.database import Database
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.stream import StreamBounds


@pytest.fixture
def log(database: Database) -> Iterator[EventLog]:
    with closing(MemoryStream(StreamBounds(), time.monotonic)) as stream:
        yield EventLog(database, stream)
