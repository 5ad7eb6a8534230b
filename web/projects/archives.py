"""Projects as zip archives: one JSON file for each flow, as Langflow exports them."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from web.bodies import parse_json
from web.errors import Refusal
from web.projects.schemas import MOST_AT_ONCE

MAX_BYTES = 50_000_000
"""Bytes of all flows of one archive together, before they are packed (I10)."""
MAX_VALUES = 3_000_000
"""JSON values of all of them, each of which takes far more memory than a byte of the archive; exports have one in every
20 bytes at most."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How entries may be packed: the ways that can be unpacked piece by piece."""
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OverflowError, ValueError)
_UNSAFE = re.compile(r"[^\w .()-]+")


def is_archive(content: bytes) -> bool:
    """Whether something begins as a zip archive, an empty one too."""
    return content.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def pack(flows: Iterable[Mapping[str, Any]]) -> bytes:
    """Flows as an archive, each named after itself. Refuses with 422 what is too much for one."""
    packed, names, size = io.BytesIO(), set[str](), 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for flow in flows:
            content = orjson.dumps(flow, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
            size += len(content)
            if size > MAX_BYTES or len(names) == MOST_AT_ONCE:
                raise _too_much(422)
            archive.writestr(_name(flow, names), content)
    return packed.getvalue()


def unpack(content: bytes, limit: int) -> list[Any]:
    """The flows of an archive: of each `.json` in it, of at most `limit` bytes. Nothing is unpacked beyond the bounds,
    whatever the archive says of itself. Refuses with 400 what cannot be read, with 413 what is too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return [parse_json(flow) for flow in _contents(archive, limit)]
    except _UNREADABLE as fault:
        message = f"The archive cannot be read: {fault}."
        raise Refusal(400, "Invalid archive", "INVALID_ARCHIVE", message) from None


def _contents(archive: zipfile.ZipFile, limit: int) -> Iterator[bytes]:
    entries = [entry for entry in archive.infolist() if entry.filename.endswith(".json")]
    if len(entries) > MOST_AT_ONCE:
        raise _too_much(413)
    left, values = MAX_BYTES, 0
    for entry in entries:
        if entry.compress_type not in _METHODS or entry.flag_bits & 1:
            raise ValueError(f"{entry.filename!r} is encrypted, or packed in a way that is not taken; use deflate")
        with archive.open(entry) as file:
            flow = file.read(min(limit, left) + 1)
        left -= len(flow)
        values += sum(map(flow.count, (b",", b"[", b"{")))
        if left < 0 or len(flow) > limit or values > MAX_VALUES:
            raise _too_much(413)
        yield flow


def _name(flow: Mapping[str, Any], taken: set[str]) -> str:
    """A file name that no other flow of the archive has, and that leads out of no folder."""
    stem = _UNSAFE.sub("_", str(flow["name"])).strip(" .")[:100] or "flow"
    name = f"{stem}.json" if f"{stem}.json".lower() not in taken else f"{stem} {flow['id']}.json"
    taken.add(name.lower())
    return name


def _too_much(status: int) -> Refusal:
    message = f"An archive may hold {MOST_AT_ONCE} flows of {MAX_BYTES} bytes and {MAX_VALUES} JSON values together."
    return Refusal(status, "Archive too large", "ARCHIVE_TOO_LARGE", message, limit=MAX_BYTES)
