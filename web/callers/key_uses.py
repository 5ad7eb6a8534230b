"""When keys were last used, written beside the requests that use them."""

import asyncio

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database
from storage.keys import FoundKey, note_use

logger = structlog.get_logger(__name__)


class KeyUses:
    """Writes a key's use at most once a minute, one key at a time. No request waits for it or fails with it: while the
    database takes no writes, a key's last use is told too early. Belongs to the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing: dict[str, asyncio.Task[None]] = {}
        self._one = CapacityLimiter(1)

    def note(self, found: FoundKey) -> None:
        """Begins to write that a key is used now, when it is time to."""
        if found.is_due and found.id not in self._writing:
            task = self._writing[found.id] = asyncio.create_task(self._write(found.id))
            task.add_done_callback(lambda _: self._writing.pop(found.id))

    async def _write(self, key_id: str) -> None:
        try:
            await to_thread.run_sync(note_use, self._database, key_id, limiter=self._one)
        except SQLAlchemyError as error:
            logger.warning("key_use_not_written", key_id=key_id, error=str(error))
