"""pages.py: what a page says, in whatever encoding, and where it leads."""

import pytest

from flows.outbound.client import OutboundAnswer
from flows.reading.pages import MAX_LINKS, MAX_READ, Form, PageUnreadable, decoded, read_page
from tests.flows.components.articles import article

URL = "https://site.example/docs/start?key=1"
GREETING = "<p>Grüße</p>"


def answer(content: bytes, content_type: str = "text/html") -> OutboundAnswer:
    return OutboundAnswer(200, URL, {"content-type": content_type}, content)


ARTICLE = answer(article("Gates", "/a").body[0])


def test_the_text_is_what_the_page_is_about() -> None:
    """Menu, footer and formatting are left out."""
    page = read_page(ARTICLE, Form.TEXT)
    assert page.text.splitlines()[:2] == [
        "Gates",
        "Paragraph 0 of an article that is long enough to be taken for one, with words in bold.",
    ]
    assert "menu" not in page.text
    assert "Foot" not in page.text


def test_markdown_keeps_headings_and_formatting() -> None:
    text = read_page(ARTICLE, Form.MARKDOWN).text
    assert text.startswith("# Gates\n\nParagraph 0 of an article")
    assert "**bold**" in text


def test_html_is_the_page_as_it_came() -> None:
    assert read_page(ARTICLE, Form.HTML).text.encode() == ARTICLE.content


def test_a_page_tells_its_title_description_type_and_language() -> None:
    page = read_page(ARTICLE, Form.TEXT)
    assert (page.title, page.description, page.media_type, page.language) == (
        "Gates", "About Gates", "text/html", "en",
    )  # fmt: skip


@pytest.mark.parametrize("form", [Form.TEXT, Form.MARKDOWN])
def test_a_page_without_an_article_gives_all_of_its_text(form: Form) -> None:
    """But no scripts and styles."""
    page = read_page(answer(b"<style>p {}</style><p>Hi <i>there</i></p><script>run()</script>"), form)
    assert page.text.replace("*", "").split() == ["Hi", "there"]


@pytest.mark.parametrize("content", [b"", b"  \n", b"<!-- nothing -->", b"<html></html>"])
def test_a_page_with_nothing_in_it_is_empty(content: bytes) -> None:
    assert read_page(answer(content), Form.TEXT).text == ""


ENCODED = {
    "named by the header": ("text/html; charset=ISO-8859-1", GREETING.encode("latin-1")),
    "named by the header in quotation marks": ('text/html; charset="iso-8859-1"', GREETING.encode("latin-1")),
    "named by the page": ("text/html", b'<meta charset="latin-1">' + GREETING.encode("latin-1")),
    "named by XML": ("application/xml", b'<?xml version="1.0" encoding="latin-1"?>' + GREETING.encode("latin-1")),
    "told by its first bytes": ("text/html", GREETING.encode("utf-16")),
    "UTF-8 with a mark": ("text/html", GREETING.encode("utf-8-sig")),
    "not named": ("text/html", GREETING.encode()),
    "unknown": ("text/html; charset=klingon", GREETING.encode()),
    "no encoding but a codec": ("text/html; charset=base64", GREETING.encode()),
    "one that is slow": ("text/html; charset=punycode", GREETING.encode()),
}


@pytest.mark.parametrize("case", ENCODED)
def test_a_page_is_read_in_its_encoding(case: str) -> None:
    content_type, content = ENCODED[case]
    assert decoded(answer(content, content_type)).endswith(GREETING)


def test_a_page_is_not_asked_for_its_encoding_when_nobody_looks_inside() -> None:
    content = b'<meta charset="latin-1">' + GREETING.encode()
    assert decoded(answer(content), looks_inside=False).endswith(GREETING)


def test_what_does_not_fit_its_encoding_is_replaced() -> None:
    assert decoded(answer(b"a\xffb")) == "a\ufffdb"


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/atom+xml", "image/svg+xml"])
def test_a_text_that_is_no_html_is_taken_as_it_is(kind: str) -> None:
    page = read_page(answer(b"<p>one</p>", kind), Form.TEXT)
    assert (page.text, page.media_type, page.title, page.links) == ("<p>one</p>", kind, "", ())


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "application/octet-stream"])
def test_what_is_no_text_is_refused_by_its_type(kind: str) -> None:
    with pytest.raises(PageUnreadable, match=f"What site.example sent is no text but {kind}"):
        read_page(answer(b"\x89PNG", kind), Form.TEXT)


LINKS = {
    "relative": ('<a href="next">', ["https://site.example/docs/next"]),
    "from the root": ('<a href=" /a ">', ["https://site.example/a"]),
    "elsewhere": ('<a href="http://other.example/a">', ["http://other.example/a"]),
    "with the scheme of the page": ('<a href="//other.example/a">', ["https://other.example/a"]),
    "twice, fragments aside": ('<a href="/a#x"><a href="/a#y">', ["https://site.example/a"]),
    "against the base": ('<base href="https://base.example/b/"><a href="c">', ["https://base.example/b/c"]),
    "no page": ('<a href="mailto:a@b.example"><a href="javascript:run()"><a href="data:,x"><a name="x">', []),
    "broken": ('<a href="http://[::1">', []),
}


@pytest.mark.parametrize("case", LINKS)
def test_links_are_absolute_and_lead_to_pages(case: str) -> None:
    html, links = LINKS[case]
    assert list(read_page(answer(html.encode()), Form.TEXT).links) == links


def test_a_page_has_so_many_links_at_most() -> None:
    """I10."""
    html = "".join(f'<a href="/{number}">x</a>' for number in range(MAX_LINKS + 10))
    assert len(read_page(answer(html.encode()), Form.TEXT).links) == MAX_LINKS


def test_only_the_beginning_of_a_large_page_is_read() -> None:
    """I10."""
    filler = "<p>" + "x" * MAX_READ + "</p>"
    page = read_page(answer(f"{filler}<p>late</p>".encode()), Form.TEXT)
    assert "late" not in page.title + page.text


def test_a_page_that_nests_without_end_is_read() -> None:
    """The parser gives up below some depth; nothing overflows."""
    assert read_page(answer(b"<div>" * 50_000 + b"deep"), Form.TEXT).media_type == "text/html"
