"""What the events of a run hold in each protocol: the type of one event's data. A protocol that is added to
`web.protocols` is added here."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from ag_ui.core import Event as AguiEvent

from web.openapi.operation import Answer
from web.protocols.langflow_frames import LangflowFrame

EVENTS: Mapping[str, Any] = {"agui": AguiEvent, "agui-interrupt": AguiEvent, "langflow": LangflowFrame}
"""By the name of the protocol."""
ANY_EVENT: Any = reduce(or_, EVENTS.values())
JOB_ID = {"X-Job-Id": "The job whose events these are."}


def run_events(means: str, headers: Mapping[str, str] = JOB_ID) -> Answer:
    """The answer of a route that streams the events of a run."""
    return Answer(means, events=ANY_EVENT, headers=headers)
