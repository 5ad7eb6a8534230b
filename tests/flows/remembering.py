"""A session that a test's run may recall."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from flows.memory import EVERYBODY, SessionUnavailable, Speaker
from flows.messages import MessageRecord
from flows.run import RunTools
from flows.values import Message
from tests.flows.running import FLOW_ID, NOW, tools

SESSION = "s2"


class Session:
    """What was said in the session of the run, a minute between its messages; keeps what is asked of it."""

    def __init__(self, *said: Message) -> None:
        self._records = [_record(number, message) for number, message in enumerate(said, 1)]
        self.asked: list[tuple[int, Speaker]] = []

    async def recall(self, session_id: str, count: int, speaker: Speaker = EVERYBODY) -> Sequence[MessageRecord]:
        if session_id != SESSION:
            raise SessionUnavailable(session_id)
        self.asked.append((count, speaker))
        return self._records[-count:]


def says(text: str, sender: str = "User", name: str = "Ann", files: Sequence[str] = ()) -> Message:
    return Message(text, sender, name, SESSION, files=tuple(files))


def remembering(session: Session) -> RunTools:
    """A process in which the session of the run is this one."""
    return replace(tools(), memory=session)


def _record(number: int, message: Message) -> MessageRecord:
    return MessageRecord(f"m{number}", "an-earlier-job", FLOW_ID, NOW + timedelta(minutes=number), message)
