"""Files that users uploaded: a row each, and bytes in one folder under names that no user chose.

Bytes come before their row and go after it, so a row never lacks its bytes; bytes without a row, of a process that was
killed between the two, are cleared away by a later upload of the same owner, and those of a deleted flow when another
one is deleted. Processes on several hosts need the folder on a disk that they share.
"""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from storage.auditing import Action, Actor, Deed, Detail, record
from storage.clock import now
from storage.database import Database
from storage.errors import FileTooLarge, FileTypeRefused, TooMany
from storage.flow_store import FlowView
from storage.tables import StoredFile

MEDIA_TYPES: Mapping[str, str] = {
    ".bmp": "image/bmp",
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
"""The files that are taken, by the end of their name. None of them runs in a browser."""
MAX_NAME = 255
"""Characters of a name as it is shown."""
ORPHAN_SECONDS = 3_600.0
"""How old bytes without a row are before they count as left behind; an upload takes less."""
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class FileBounds:
    """How large a file may be, in bytes, and how many a user may have (I10)."""

    max_bytes: int = 20_000_000
    max_files: int = 1_000


@dataclass(frozen=True)
class FileView:
    """A stored file without its bytes. `path` is how a run names it."""

    id: str
    user_id: str
    end_user: str | None
    flow_id: str | None
    path: str
    name: str
    media_type: str
    size: int
    created_at: datetime


_COLUMNS = [col(getattr(StoredFile, name)) for name in FileView.__dataclass_fields__]


@dataclass(frozen=True)
class Files:
    """The files of a store. Every call may block; none belongs to an event loop."""

    database: Database
    folder: Path
    bounds: FileBounds = field(default_factory=FileBounds)

    def add(self, user_id: str, name: str, content: BinaryIO, end_user: str | None = None, *, by: Actor) -> FileView:
        """Stores a file for the runs of its user, or of the person for whom they call. Raises `FileTypeRefused`,
        `FileTooLarge` and `TooMany`; nothing is stored then."""
        return self._add({"user_id": user_id, "end_user": end_user}, user_id, name, content, by)

    def add_once(
        self, file_id: str, user_id: str, name: str, content: BinaryIO, end_user: str | None = None, *, by: Actor
    ) -> FileView:
        """As `add`, under an id of the caller's: a file that has it already stands as it is."""
        try:
            owner = {"id": file_id, "user_id": user_id, "end_user": end_user}
            return self.find(file_id) or self._add(owner, user_id, name, content, by)
        except IntegrityError:
            found = self.find(file_id)
            if found is None:
                raise
            return found

    def add_to_flow(self, flow: FlowView, name: str, content: BinaryIO, *, by: Actor) -> FileView:
        """Stores a file for all runs of a flow; it belongs to whoever owns that. Raises as `add`, and `LookupError` for
        a flow that was deleted meanwhile."""
        try:
            return self._add({"user_id": flow.user_id, "flow_id": flow.id}, flow.id, name, content, by)
        except IntegrityError:
            raise LookupError(flow.id) from None

    def _add(self, owner: Mapping[str, str | None], folder: str, name: str, content: BinaryIO, by: Actor) -> FileView:
        shown = clean_name(name)
        suffix = Path(shown).suffix.lower()
        if suffix not in MEDIA_TYPES:
            raise FileTypeRefused(suffix, MEDIA_TYPES)
        self._clear_orphans(folder)
        path = f"{folder}/{uuid4()}{suffix}"
        row = {"id": str(uuid4()), "path": path, "name": shown, "media_type": MEDIA_TYPES[suffix], **owner}
        size = self._write(path, content)
        try:
            with self.database.durable() as connection:
                added = self._insert(connection, {**row, "size": size})
                record(connection, Deed(Action.FILE_CREATED, added.id, by, _told(added)))
                return added
        except Exception:
            self._remove(path)
            raise

    def of_user(self, user_id: str, end_user: str | None = None) -> Sequence[FileView]:
        """The files of a user and of their flows, or of the person for whom they call, the newest first."""
        return self._list(_is_theirs(user_id, end_user))

    def of_flow(self, flow_id: str) -> Sequence[FileView]:
        """The files of a flow, the newest first."""
        return self._list(col(StoredFile.flow_id) == flow_id)

    def find(self, file_id: str) -> FileView | None:
        """A file by its id, whosever it is."""
        return self._find(col(StoredFile.id) == file_id)

    def usable(self, path: str, user_id: str | None, flow_id: str, end_user: str | None) -> FileView | None:
        """A file by its path, if a run of a flow may read it: its user's own, or of the person for whom they call, of
        whom a run of the public has none, or one of the flow's (contract 6.1)."""
        if "\x00" in path:
            # PostgreSQL cannot even be asked for it.
            return None
        allowed = [col(StoredFile.flow_id) == flow_id]
        if user_id is not None:
            allowed.append(_is_theirs(user_id, end_user))
        return self._find(col(StoredFile.path) == path, or_(*allowed))

    def delete(self, file: FileView, by: Actor) -> bool:
        """Forgets a file; false when somebody else did."""
        with self.database.durable() as connection:
            gone = connection.execute(delete(StoredFile).where(col(StoredFile.id) == file.id)).rowcount > 0
            if gone:
                record(connection, Deed(Action.FILE_DELETED, file.id, by, _told(file)))
        if gone:
            self._remove(file.path)
        return gone

    def clear_deleted(self, files: Sequence[FileView]) -> None:
        """Removes the bytes of files whose rows went with their flow, and those that a process left behind which was
        killed before it did so. The price is a look at the folders of all owners."""
        for file in files:
            self._remove(file.path)
        with suppress(FileNotFoundError):
            with os.scandir(self.folder) as entries:
                left = {entry.name for entry in entries if _is_old(entry)}
            for name in left - self._owners():
                self._clear_orphans(name)
                with suppress(OSError):
                    (self.folder / name).rmdir()

    def read(self, file: FileView) -> bytes:
        """The bytes. Raises `FileNotFoundError` when it was deleted meanwhile."""
        return self.place_of(file).read_bytes()

    def place_of(self, file: FileView) -> Path:
        """Where its bytes lie."""
        return self.folder / file.path

    def _list(self, condition: ColumnElement[bool]) -> Sequence[FileView]:
        newest = (col(StoredFile.created_at).desc(), col(StoredFile.id))
        with self.database.read() as connection:
            return [_view(row) for row in connection.execute(select(*_COLUMNS).where(condition).order_by(*newest))]

    def _find(self, *conditions: ColumnElement[bool]) -> FileView | None:
        with self.database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(*conditions)).one_or_none()
        return None if row is None else _view(row)

    def _insert(self, connection: Connection, row: Mapping[str, Any]) -> FileView:
        """Those who upload at the same moment may each find room for one."""
        held = select(func.count()).where(col(StoredFile.user_id) == row["user_id"])
        if connection.execute(held).scalar_one() >= self.bounds.max_files:
            raise TooMany(f"A user may have {self.bounds.max_files} files. Delete one first.")
        statement = insert(StoredFile).values(created_at=now(), **row).returning(*_COLUMNS)
        return _view(connection.execute(statement).one())

    def _write(self, path: str, content: BinaryIO) -> int:
        """The bytes on disk, whole or not at all, readable by their owner only; how many there are."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = place.with_name(f"{place.name}.part")
        try:
            size = self._copy(content, unfinished)
            unfinished.rename(place)
        except Exception:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(place.parent)
        return size

    def _copy(self, content: BinaryIO, place: Path) -> int:
        size = 0
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while chunk := content.read(_CHUNK):
                size += len(chunk)
                if size > self.bounds.max_bytes:
                    raise FileTooLarge(self.bounds.max_bytes)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        return size

    def _remove(self, path: str) -> None:
        (self.folder / path).unlink(missing_ok=True)

    def _clear_orphans(self, owner: str) -> None:
        """Removes what processes that were killed left behind in an owner's folder."""
        with suppress(FileNotFoundError):
            with os.scandir(self.folder / owner) as entries:
                left = [entry.name for entry in entries if _is_old(entry)]
            if left:
                known = self._known(owner)
                for name in left:
                    if f"{owner}/{name}" not in known:
                        self._remove(f"{owner}/{name}")

    def _owners(self) -> set[str]:
        """Who has files: the names of their folders."""
        owner = func.coalesce(col(StoredFile.flow_id), col(StoredFile.user_id))
        with self.database.read() as connection:
            return set(connection.execute(select(owner).distinct()).scalars())

    def _known(self, owner: str) -> set[str]:
        of_owner = or_(col(StoredFile.user_id) == owner, col(StoredFile.flow_id) == owner)
        with self.database.read() as connection:
            return set(connection.execute(select(col(StoredFile.path)).where(of_owner)).scalars())


def clean_name(name: str) -> str:
    """A name as it may be shown: no folders, no characters that cannot be seen, not too long; its end stays."""
    base = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(character for character in base if character.isprintable()).strip()
    stem, suffix = os.path.splitext(seen)
    return f"{stem[: MAX_NAME - len(suffix)]}{suffix}"[:MAX_NAME]


def _is_theirs(user_id: str, end_user: str | None) -> ColumnElement[bool]:
    return and_(col(StoredFile.user_id) == user_id, col(StoredFile.end_user).is_not_distinct_from(end_user))


def _told(file: FileView) -> Mapping[str, Detail]:
    """What the audit log says of a file."""
    return {"name": file.name, **({} if file.flow_id is None else {"flow_id": file.flow_id})}


def _is_old(entry: "os.DirEntry[str]") -> bool:
    return entry.stat().st_mtime < time.time() - ORPHAN_SECONDS


def _sync(folder: Path) -> None:
    """Brings a rename in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _view(row: Row[Any]) -> FileView:
    return FileView(**row._mapping)
