"""The stored files that one run may read, and those that it stores."""

from io import BytesIO
from uuid import NAMESPACE_OID, uuid5

from actors.journal import interrupting
from flows.blocking import in_own_thread
from flows.files import FileContent, FileRefused, FileUnavailable
from storage.auditing import Actor
from storage.claiming import Claimed
from storage.errors import FileTooLarge, FileTypeRefused, TooMany
from storage.files import Files
from storage.levels import Trust


class RunFiles:
    """The `Files` of a run: those of its user, or of the person for whom they call, and of its flow. Rights are checked
    at each reading (I9). What it stores is its user's, or that person's, alone."""

    def __init__(self, files: Files, claimed: Claimed) -> None:
        self._files = files
        self._flow_id = claimed.flow_id
        self._end_user = claimed.end_user
        # A run of the public stands in the name of the flow's owner, whose own files it must not see.
        self._user_id = None if claimed.trust is Trust.PUBLIC else claimed.user_id

    async def read(self, path: str) -> FileContent:
        return await in_own_thread(self._read, path)

    async def save(self, name: str, content: bytes, key: str) -> str:
        return await in_own_thread(self._save, name, content, key)

    def _save(self, name: str, content: bytes, key: str) -> str:
        if self._user_id is None:
            raise FileRefused(name, "A run of the public stores no files.")
        file_id, by = str(uuid5(NAMESPACE_OID, key)), Actor(self._user_id, end_user=self._end_user)
        try:
            with interrupting():
                stored = self._files.add_once(file_id, self._user_id, name, BytesIO(content), self._end_user, by=by)
        except (FileTypeRefused, FileTooLarge, TooMany) as refused:
            raise FileRefused(name, str(refused)) from refused
        return stored.path

    def _read(self, path: str) -> FileContent:
        with interrupting():
            found = self._files.usable(path, self._user_id, self._flow_id, self._end_user)
        if found is None:
            raise FileUnavailable(path)
        try:
            return FileContent(found.name, found.media_type, self._files.read(found))
        except FileNotFoundError:
            raise FileUnavailable(path) from None
