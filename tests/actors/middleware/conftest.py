"""The parts of the middleware, which do not depend on where events are shown."""

import time

import pytest

from storage.memory_stream import MemoryStream
from storage.stream import EventStream, StreamBounds


@pytest.fixture
def stream() -> EventStream:
    return MemoryStream(StreamBounds(), time.monotonic)
