"""web/protocols/langflow_frames.py: what the document of the API says of frames is what runs send."""

from typing import Any

import orjson
import pytest
from pydantic import TypeAdapter

from flows.events import Event, EventType
from tests.web.protocols.test_langflow import EVENTS
from web.protocols.langflow_frames import LangflowFrame

FRAME: TypeAdapter[Any] = TypeAdapter(LangflowFrame)
PARTS = {EventType.END_VERTEX, EventType.OUTPUT, EventType.HUMAN_INPUT_REQUIRED}
"""What those tests make up in part only."""


@pytest.mark.parametrize(
    "event", [event for event in EVENTS if event.type not in PARTS], ids=lambda event: str(event.type)
)
def test_all_that_a_frame_holds_is_described(event: Event) -> None:
    """Every field of it, and no other."""
    sent = orjson.loads(event.encode())
    assert FRAME.validate_python(sent).model_dump(mode="json") == sent
