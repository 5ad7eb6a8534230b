"""What a web page says: its text for a reader, what it tells about itself, and where its links lead."""

import codecs
import re
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urldefrag, urlsplit

from flows.errors import FlowError
from flows.extras import extra
from flows.outbound.client import OutboundAnswer, host_of

EXTRA = "web"
MAX_PAGE_BYTES = 5_000_000
"""Bytes of one page at most (I10)."""
MAX_READ = 1_000_000
"""Characters of a page from which its text is extracted; what stands behind them is not read."""
MAX_LINKS = 2_000
"""Links of one page at most."""
_HTML = ("text/html", "application/xhtml+xml", "")
_TEXTS = re.compile(r"text/.*|application/(.*\+)?(json|xml|yaml|javascript|x-ndjson)|.*\+(json|xml)")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w:.-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?([\w:.-]+)", re.IGNORECASE)
_SHOWN = (
    ".//text()[not(ancestor::head or ancestor::script or ancestor::style or ancestor::noscript or ancestor::template)]"
)
_DECLARED_WITHIN = 2_048
"""Bytes at the start of a page in which it tells its own encoding."""
_NO_ENCODINGS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
"""Codecs that Python has and the web does not; some take time that grows with the square of what they read,
or give halves of characters."""


class PageUnreadable(FlowError):
    """What came back from `host` is no text."""

    def __init__(self, host: str, media_type: str) -> None:
        super().__init__(f"What {host} sent is no text but {media_type}.")


class Form(StrEnum):
    """What is wanted of a page."""

    TEXT = "Text"
    HTML = "HTML"
    MARKDOWN = "Markdown"


@dataclass(frozen=True)
class Page:
    """One page as it was read. `links` are absolute URLs without fragments, each once."""

    url: str
    text: str
    title: str = ""
    description: str = ""
    media_type: str = ""
    language: str = ""
    links: tuple[str, ...] = ()


def media_type(answer: OutboundAnswer) -> str:
    """What an answer says that it is, in small letters; empty when it says nothing."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def decoded(answer: OutboundAnswer, *, looks_inside: bool = True) -> str:
    """The text of an answer: in the encoding that its header names, else in the one that it names itself when
    somebody `looks_inside`, else in UTF-8. What does not fit is replaced. Raises `PageUnreadable`."""
    kind = media_type(answer)
    if not (kind in _HTML or _TEXTS.fullmatch(kind)):
        raise PageUnreadable(host_of(answer.url), kind)
    named = _CHARSET.search(answer.headers.get("content-type", ""))
    name = named[1] if named else _declared(answer.content) if looks_inside else ""
    return answer.content.decode(_encoding(name), "replace")


def read_page(answer: OutboundAnswer, form: Form, *, looks_inside: bool = True) -> Page:
    """The page that an answer is. Blocks for as long as extracting takes: to be called beside the loop.

    A text that is no HTML is taken as it is. Raises `PageUnreadable`, and `ExtraMissing`.
    """
    text, kind = decoded(answer, looks_inside=looks_inside), media_type(answer)
    if kind not in _HTML:
        return Page(answer.url, text, media_type=kind)
    tree = parse_html(text, answer.url)
    if tree is None:
        return Page(answer.url, "", media_type=kind)
    return Page(
        answer.url,
        text if form is Form.HTML else _readable(tree, form),
        title=_first(tree, "//title//text()"),
        description=_first(tree, "//meta[@name='description' or @property='og:description']/@content"),
        media_type=kind,
        language=_first(tree, "/html/@lang"),
        links=_links(tree),
    )


def parse_html(text: str, url: str | None = None) -> Any:
    """The parsed beginning of a page, its links absolute when its `url` is known; None when there is nothing in it.

    Raises `ExtraMissing`.
    """
    with extra(EXTRA):
        from lxml import etree, html

    # As bytes: lxml refuses a text that names an encoding itself.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        tree = html.document_fromstring(text[:MAX_READ].encode("utf-8", "replace"), parser)
    except etree.ParserError:
        return None
    if url is not None:
        tree.make_links_absolute(url, handle_failures="discard")
    return tree


def text_of(tree: Any) -> str:
    """All text that a part of a page shows, piece by piece on lines of their own."""
    pieces = (" ".join(str(piece).split()) for piece in tree.xpath(_SHOWN))
    return "\n".join(piece for piece in pieces if piece)


def _readable(tree: Any, form: Form) -> str:
    """The text that a page is about, without what surrounds it; where none stands out, all of its text."""
    with extra(EXTRA):
        from trafilatura import extract

    # Without its URL, which may hold secrets: that would be logged when nothing is found.
    output, links = ("markdown", True) if form is Form.MARKDOWN else ("txt", False)
    return extract(deepcopy(tree), output_format=output, include_links=links, include_comments=False) or text_of(tree)


def _first(tree: Any, path: str) -> str:
    return " ".join(str(next(iter(tree.xpath(path)), "")).split())


def _links(tree: Any) -> tuple[str, ...]:
    """Where a page leads by http or https, in its order."""
    found = (urldefrag(str(href)).url for href in tree.xpath("//a/@href")[:MAX_LINKS])
    return tuple(dict.fromkeys(link for link in found if urlsplit(link).scheme in ("http", "https")))


def _declared(content: bytes) -> str:
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    found = _DECLARED.search(content, 0, _DECLARED_WITHIN)
    return found[1].decode("ascii") if found else ""


def _encoding(name: str) -> str:
    """The encoding of that name, UTF-8 when there is none that pages have."""
    try:
        known = codecs.lookup(name).name.replace("_", "-")
        b"x".decode(known, "replace")
    except (LookupError, UnicodeError, ValueError):
        return "utf-8"
    return "utf-8" if known in _NO_ENCODINGS else known
