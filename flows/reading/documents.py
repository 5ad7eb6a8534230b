"""The text of a file: of a text file as it is, of a PDF and a Word document as it reads, within bounds.

Everything here blocks for as long as reading takes: it is called beside the loop.
"""

import codecs
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any, TypeAlias

from flows.errors import FlowError
from flows.extras import extra
from flows.files import FileContent
from flows.text import MAX_TEXT

EXTRA = "documents"
MAX_PAGES = 5_000
"""Pages of a PDF (I10)."""
MAX_SECONDS = 120.0
"""How long a PDF may be read; a page that has begun is finished."""
MAX_UNPACKED = 50_000_000
"""Bytes that a Word document may unpack to (I10)."""
MAX_PARTS = 5_000
"""Files that a Word document may be packed from (I10)."""
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF = "application/pdf"

_TEXTS = ("application/json", "application/jsonl", "application/xml", "application/yaml")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_GUESSES = ("utf-8", "cp1252", "latin-1")
"""Tried in this order where nothing tells the encoding; the last one fits everything."""
_NO_ENCODINGS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
"""Codecs of Python that no file is written in; some take time that grows with the square of what they read."""

Seconds: TypeAlias = Callable[[], float]


class FileUnreadable(FlowError):
    """The text of the file `name` cannot be had."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"The file {name!r} cannot be read: {reason}.")


class FileKindUnknown(FileUnreadable):
    """Nothing here reads files of the kind of the file `name`."""

    def __init__(self, name: str, media_type: str) -> None:
        super().__init__(name, f"it is {media_type}, and only text, CSV, JSON, PDF and DOCX files are read")


def text_of(file: FileContent, encoding: str, monotonic: Seconds) -> str:
    """The whole text of a file; an `encoding` counts for text files, and is found out when it is empty.

    Raises `FileKindUnknown`, `FileUnreadable` and `ExtraMissing`.
    """
    if file.media_type.startswith("text/") or file.media_type in _TEXTS:
        return _plain(file, encoding)
    reader = _READERS.get(file.media_type)
    if reader is None:
        raise FileKindUnknown(file.name, file.media_type)
    text = _joined(file, reader(file, monotonic))
    if not text.strip():
        raise FileUnreadable(file.name, "there is no text in it; what was scanned is a picture")
    return text


def _plain(file: FileContent, encoding: str) -> str:
    text = _in_encoding(file, encoding) if encoding.strip() else _guessed(file.content)
    if "\0" in text:
        raise FileUnreadable(file.name, "it is no text")
    return _joined(file, [text])


def _in_encoding(file: FileContent, encoding: str) -> str:
    try:
        found = codecs.lookup(encoding.strip())
    except (LookupError, ValueError):
        found = None
    if found is None or found.name in _NO_ENCODINGS or not found._is_text_encoding:
        raise FileUnreadable(file.name, f"{encoding!r} is no encoding; leave `text_encoding` empty, or try utf-8")
    try:
        return file.content.decode(found.name)
    except UnicodeError:
        raise FileUnreadable(file.name, f"it is not written in {encoding}") from None


def _guessed(content: bytes) -> str:
    marked = [encoding for mark, encoding in _MARKS if content.startswith(mark)]
    for encoding in (*marked[:1], *_GUESSES):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 fits every content")


def _joined(file: FileContent, pieces: Iterable[str]) -> str:
    kept: list[str] = []
    length = 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece) + 1
        if length > MAX_TEXT + 1:
            raise FileUnreadable(file.name, f"it has more than {MAX_TEXT} characters")
    return "\n".join(kept)


def _pdf(file: FileContent, monotonic: Seconds) -> Iterator[str]:
    """The text of each page. The library bounds by itself what a page may unpack to and how long it may be."""
    with extra(EXTRA):
        from pypdf import PdfReader

    until = monotonic() + MAX_SECONDS
    with _reading(file, "PDF"):
        reader = PdfReader(BytesIO(file.content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileUnreadable(file.name, "it is locked with a password")
        if len(reader.pages) > MAX_PAGES:
            raise FileUnreadable(file.name, f"it has more than {MAX_PAGES} pages")
        for page in reader.pages:
            if monotonic() > until:
                raise FileUnreadable(file.name, f"it takes longer than {MAX_SECONDS:g} s")
            yield page.extract_text()


def _docx(file: FileContent, monotonic: Seconds) -> Iterator[str]:
    """The text of each paragraph, and of each row of a table with ` | ` between its cells."""
    with extra(EXTRA):
        from docx import Document

    with _reading(file, "Word document"):
        _check_packing(file)
        yield from _blocks(Document(BytesIO(file.content)).element.body)


@contextmanager
def _reading(file: FileContent, kind: str) -> Iterator[None]:
    """Around a library: whatever it makes of a broken file becomes one error."""
    try:
        yield
    except FlowError:
        raise
    except Exception as error:
        raise FileUnreadable(file.name, f"it is no {kind}, or a broken one ({error})") from error


def _check_packing(file: FileContent) -> None:
    """Refuses a packing that would unpack to too much: no more than it declares comes out of it."""
    parts = zipfile.ZipFile(BytesIO(file.content)).infolist()
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise FileUnreadable(file.name, f"it unpacks to more than {MAX_PARTS} files or {MAX_UNPACKED} bytes")


def _blocks(body: Any) -> Iterator[str]:
    """Reads the document's tree itself: the library repeats a cell as often as its width claims, however wide."""
    from docx.oxml.ns import qn

    paragraph, table, row, cell = (qn(name) for name in ("w:p", "w:tbl", "w:tr", "w:tc"))
    for block in body.iterchildren():
        if block.tag != table:
            yield from (part.text for part in block.iter(paragraph))
            continue
        for line in block.iterchildren(row):
            cells = (" ".join(part.text for part in one.iter(paragraph)) for one in line.iterchildren(cell))
            yield " | ".join(cells)


_READERS: Mapping[str, Callable[[FileContent, Seconds], Iterator[str]]] = {PDF: _pdf, DOCX: _docx}
