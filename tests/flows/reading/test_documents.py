"""flows/reading/documents.py: the text of a file, within bounds."""

import sys
import time
import zipfile
import zlib
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.extras import ExtraMissing
from flows.files import FileContent
from flows.reading import documents
from flows.reading.documents import DOCX, MAX_PAGES, MAX_SECONDS, PDF, FileKindUnknown, FileUnreadable, text_of
from flows.text import MAX_TEXT
from tests.flows.papers import docx_file, pdf, pdf_file, text_file
from tests.flows.searching import search


def read(file: FileContent, encoding: str = "") -> str:
    return text_of(file, encoding, time.monotonic)


@pytest.mark.parametrize(
    "content",
    ["grün".encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252")],
)
def test_the_encoding_of_a_text_is_found_out(content: bytes) -> None:
    assert read(FileContent("a.txt", "text/plain", content)) == "grün"


def test_an_encoding_that_is_named_counts() -> None:
    assert read(FileContent("a.txt", "text/plain", b"gr\x9fn"), "mac-roman") == "grün"


@pytest.mark.parametrize("encoding", ["klingon", "hex", "idna", "utf-7", "unicode_escape", "a\0b"])
def test_what_is_no_encoding_of_files_is_refused(encoding: str) -> None:
    with pytest.raises(FileUnreadable, match="is no encoding; leave `text_encoding` empty"):
        read(text_file("x"), encoding)


def test_a_text_that_is_not_written_in_the_named_encoding_is_refused() -> None:
    with pytest.raises(FileUnreadable, match=r"'a\.txt' cannot be read: it is not written in ascii"):
        read(text_file("grün"), "ascii")


@pytest.mark.parametrize("media_type", ["text/csv", "text/markdown", "application/json", "application/yaml"])
def test_other_texts_are_read_as_they_are(media_type: str) -> None:
    assert read(text_file('{"a": 1}\n', media_type=media_type)) == '{"a": 1}\n'


def test_a_file_of_another_kind_is_refused_by_its_name() -> None:
    with pytest.raises(FileKindUnknown, match=r"'cat\.png' cannot be read: it is image/png, and only text, CSV, JSON"):
        read(FileContent("cat.png", "image/png", b"meow"))


def test_a_binary_that_calls_itself_a_text_is_refused() -> None:
    with pytest.raises(FileUnreadable, match="it is no text"):
        read(FileContent("a.txt", "text/plain", b"\x7fELF\x00\x01"))


def test_a_text_has_a_greatest_length() -> None:
    assert len(read(text_file("x" * MAX_TEXT))) == MAX_TEXT
    with pytest.raises(FileUnreadable, match=f"more than {MAX_TEXT} characters"):
        read(text_file("x" * (MAX_TEXT + 1)))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_text_or_refused(content: bytes) -> None:
    try:
        assert "\0" not in read(FileContent("a.txt", "text/plain", content))
    except FileUnreadable:
        assert b"\0" in content


def test_a_pdf_reads_page_by_page() -> None:
    assert read(pdf_file("Hello", "world")) == "Hello\nworld"


def test_a_word_document_reads_by_paragraphs_and_rows() -> None:
    assert read(docx_file(["Hello", "world"], [["a", "b"], ["c", "d"]])) == "Hello\nworld\na | b\nc | d"


@pytest.mark.parametrize("file", [pdf_file(""), docx_file([])], ids=["pdf", "docx"])
def test_a_document_without_text_is_refused(file: FileContent) -> None:
    """Whoever scanned it wants to know, rather than have a model asked about nothing."""
    with pytest.raises(FileUnreadable, match="there is no text in it"):
        read(file)


@search
@given(st.sampled_from([pdf_file("Hello"), docx_file(["Hello"])]), st.data())
def test_a_broken_document_is_refused_or_read(file: FileContent, data: st.DataObject) -> None:
    """Nothing else comes out of it, whichever byte is wrong and wherever it ends."""
    place = data.draw(st.integers(0, len(file.content) - 1))
    wrong = data.draw(st.binary(max_size=3))
    end = data.draw(st.integers(place, len(file.content)))
    with suppress(FileUnreadable):
        read(replace(file, content=file.content[:place] + wrong + file.content[place:end]))


def test_a_locked_pdf_is_refused() -> None:
    from pypdf import PdfReader, PdfWriter

    writer, locked = PdfWriter(PdfReader(BytesIO(pdf_file("Hello").content))), BytesIO()
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(locked)
    with pytest.raises(FileUnreadable, match="it is locked with a password"):
        read(FileContent("a.pdf", PDF, locked.getvalue()))


def test_a_pdf_has_a_greatest_number_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_PAGES", 2)
    assert MAX_PAGES > 2
    with pytest.raises(FileUnreadable, match="more than 2 pages"):
        read(pdf_file("a", "b", "c"))


def test_a_pdf_that_takes_long_is_given_up() -> None:
    ticks = count(step=MAX_SECONDS / 2)
    with pytest.raises(FileUnreadable, match="takes longer than 120 s"):
        text_of(pdf_file("a", "b", "c"), "", lambda: next(ticks))


def test_a_pdf_that_unpacks_to_too_much_is_refused() -> None:
    bomb = zlib.compress(b" " * 100_000_000)
    with pytest.raises(FileUnreadable, match="no PDF, or a broken one"):
        read(FileContent("a.pdf", PDF, pdf(bomb, extra=b"/Filter /FlateDecode")))


def packed(part: str, size: int) -> FileContent:
    """A Word document with one more part, which packs well."""
    written = BytesIO(docx_file(["Hello"]).content)
    with zipfile.ZipFile(written, "a", zipfile.ZIP_DEFLATED) as archive, archive.open(part, "w") as file:
        for _ in range(size // 1_000_000):
            file.write(bytes(1_000_000))
    return FileContent("a.docx", DOCX, written.getvalue())


def test_a_word_document_that_unpacks_to_too_much_is_refused() -> None:
    bomb = packed("word/media/big.bin", documents.MAX_UNPACKED)
    assert len(bomb.content) < 200_000
    with pytest.raises(FileUnreadable, match="it unpacks to more than"):
        read(bomb)


def rewritten(document: bytes) -> FileContent:
    """A Word document whose text part is another one."""
    source, written = zipfile.ZipFile(BytesIO(docx_file(["Hello"]).content)), BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for part in source.infolist():
            is_text = part.filename == "word/document.xml"
            archive.writestr(part.filename, document if is_text else source.read(part))
    return FileContent("a.docx", DOCX, written.getvalue())


W = b'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def test_entities_of_a_word_document_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    text = b"<w:document %s><w:body><w:p><w:r><w:t>hi &a;&b;</w:t></w:r></w:p></w:body></w:document>" % W
    assert read(rewritten(bomb + text)) == "hi "


def test_a_cell_that_claims_to_be_very_wide_is_one_cell() -> None:
    cell = b'<w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr><w:p><w:r><w:t>hi</w:t></w:r></w:p></w:tc>'
    text = b"<w:document %s><w:body><w:tbl><w:tr>%s</w:tr></w:tbl></w:body></w:document>" % (W, cell)
    assert read(rewritten(text)) == "hi"


@pytest.mark.parametrize(("file", "library"), [(pdf_file("a"), "pypdf"), (docx_file(["a"]), "docx")])
def test_without_its_library_a_document_names_the_extra(
    file: FileContent, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ExtraMissing, match=rf"needs the library {library}.*penstock\[documents\]"):
        read(file)
