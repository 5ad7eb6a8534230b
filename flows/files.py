"""The files that a run may read, as its components see them."""

from dataclasses import dataclass, field
from typing import Protocol

from flows.errors import FlowError


def is_elsewhere(file: str) -> bool:
    """Whether a file of a message was not uploaded: a URL names it, or holds it."""
    return file.startswith(("http://", "https://", "data:"))


class FileUnavailable(FlowError):
    """The file `path` is not there, or not for this run; which of the two is not told (I9)."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"The file {path!r} is not here. Upload it, and name it by the path that the upload answers.")


class FileRefused(FlowError):
    """The file `name` was not stored."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"The file {name!r} was not stored. {reason}")


@dataclass(frozen=True)
class FileContent:
    """A whole file. `name` is what its user called it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


class Files(Protocol):
    """Where a run reads and stores its files."""

    async def read(self, path: str) -> FileContent:
        """A file by the path that its upload answered, without holding up the loop. Raises `FileUnavailable`."""

    async def save(self, name: str, content: bytes, key: str) -> str:
        """Stores a file for whoever runs the flow, as if they had uploaded it, and returns its path, without holding up
        the loop. What was stored under the same key before stands as it is. Raises `FileRefused`."""


class NoFiles:
    """The files of a run that has none."""

    async def read(self, path: str) -> FileContent:
        raise FileUnavailable(path)

    async def save(self, name: str, content: bytes, key: str) -> str:
        raise FileRefused(name, "This run has no place for files.")
