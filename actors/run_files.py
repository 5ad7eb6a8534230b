"""The stored files that one run may read."""

from actors.journal import interrupting
from flows.blocking import in_own_thread
from flows.files import FileContent, FileUnavailable
from storage.claiming import Claimed
from storage.files import Files
from storage.levels import Trust


class RunFiles:
    """The `Files` of a run: those of its user and of its flow. Rights are checked at each reading (I9)."""

    def __init__(self, files: Files, claimed: Claimed) -> None:
        self._files = files
        self._flow_id = claimed.flow_id
        # A run of the public stands in the name of the flow's owner, whose own files it must not see.
        self._user_id = None if claimed.trust is Trust.PUBLIC else claimed.user_id

    async def read(self, path: str) -> FileContent:
        return await in_own_thread(self._read, path)

    def _read(self, path: str) -> FileContent:
        with interrupting():
            found = self._files.usable(path, self._user_id, self._flow_id)
        if found is None:
            raise FileUnavailable(path)
        try:
            return FileContent(found.name, found.media_type, self._files.read(found))
        except FileNotFoundError:
            raise FileUnavailable(path) from None
