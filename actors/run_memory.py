"""What one run may know of what was said before."""

from collections.abc import Sequence

from actors.journal import interrupting
from flows.blocking import in_own_thread
from flows.memory import EVERYBODY, MAX_MESSAGES, SessionUnavailable, Speaker
from flows.messages import MessageRecord
from storage.chat_memory import recall
from storage.claiming import Claimed
from storage.database import Database


class RunMemory:
    """The `Memory` of a run: that of its session with whoever runs it. Rights are checked at each reading (I9)."""

    def __init__(self, database: Database, claimed: Claimed) -> None:
        self._database = database
        self._claimed = claimed

    async def recall(self, session_id: str, count: int, speaker: Speaker = EVERYBODY) -> Sequence[MessageRecord]:
        if session_id != self._claimed.session_id:
            raise SessionUnavailable(session_id)
        return await in_own_thread(self._recall, count, speaker)

    def _recall(self, count: int, speaker: Speaker) -> Sequence[MessageRecord]:
        with interrupting():
            return recall(self._database, self._claimed, min(count, MAX_MESSAGES), speaker)
