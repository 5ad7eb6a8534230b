"""Files as users upload them: PDF and Word documents of a test's own, and a run that may read them."""

from collections.abc import Mapping, Sequence
from io import BytesIO

from docx import Document

from flows.files import FileContent, FileUnavailable
from flows.reading.documents import DOCX, PDF


class Uploaded:
    """The files of a run, by path, and what it stored, by key."""

    def __init__(self, files: Mapping[str, FileContent] | None = None) -> None:
        self._files = files or {}
        self.saved: dict[str, tuple[str, bytes]] = {}

    async def read(self, path: str) -> FileContent:
        if path not in self._files:
            raise FileUnavailable(path)
        return self._files[path]

    async def save(self, name: str, content: bytes, key: str) -> str:
        self.saved.setdefault(key, (name, content))
        return f"u/{name}"


def text_file(text: str, name: str = "a.txt", media_type: str = "text/plain") -> FileContent:
    return FileContent(name, media_type, text.encode())


def pdf_file(*pages: str) -> FileContent:
    """A PDF with a line of text on each page."""
    return FileContent("a.pdf", PDF, pdf(*(f"BT /F 12 Tf 72 720 Td ({page}) Tj ET".encode() for page in pages)))


def pdf(*contents: bytes, extra: bytes = b"") -> bytes:
    """A PDF, each page with a stream of its own; `extra` stands in the dictionary of each stream."""
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    objects = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [%s] /Count %d>>" % (kids, len(contents)),
        b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
    ]
    for number, content in enumerate(contents):
        resources = b"/Resources <</Font <</F 3 0 R>>>>"
        objects.append(
            b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R %s>>"
            % (first + 2 * number + 1, resources)
        )
        objects.append(b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(content), extra, content))
    return _numbered(objects)


def _numbered(objects: Sequence[bytes]) -> bytes:
    """The objects with the table that says where each of them lies."""
    written, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + trailer


def docx_file(paragraphs: Sequence[str], rows: Sequence[Sequence[str]] = ()) -> FileContent:
    """A Word document: paragraphs, and then a table."""
    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    if rows:
        table = document.add_table(len(rows), len(rows[0]))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                table.cell(row, column).text = text
    written = BytesIO()
    document.save(written)
    return FileContent("a.docx", DOCX, written.getvalue())
