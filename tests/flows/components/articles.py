"""Web pages as tests serve them."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from tests.flows.outbound.site import Page

SENTENCE = "Paragraph {} of an article that is long enough to be taken for one, with words in <b>bold</b>."
PLAIN = {"Content-Type": "text/html; charset=utf-8"}


def article(title: str, *links: str, status: int = 200) -> Page:
    """A page with a menu of links, an article under its title, and a footer."""
    menu = "".join(f'<a href="{link}">menu</a>' for link in links)
    text = "".join(f"<p>{SENTENCE.format(number)}</p>" for number in range(6))
    head = f'<head><title>{title}</title><meta name="description" content="About {title}"></head>'
    body = f"<body><nav>{menu}</nav><article><h1>{title}</h1>{text}</article><footer>Foot</footer></body>"
    return html(f'<html lang="en">{head}{body}</html>', status=status)


def html(text: str, *, status: int = 200) -> Page:
    """A page of HTML."""
    return Page(status, PLAIN, [text.encode()])


def titles(records: Sequence[Mapping[str, object]]) -> list[object]:
    """The titles of the pages that were read."""
    return [record["title"] for record in records]


def duckduckgo(*links: str) -> Page:
    """What a search of DuckDuckGo shows when it finds some pages, an advert before them."""
    results = "".join(
        f'<div class="result results_links web-result"><h2><a class="result__a" href="{_wrapped(link)}">A <b>1</b></a>'
        f'</h2><a class="result__snippet" href="{_wrapped(link)}">About <b>a</b></a></div>'
        for link in links
    )
    advert = '<div class="result result--ad"><a class="result__a" href="https://advert.example">Buy</a></div>'
    return html(f'<html><body><div class="results">{advert}{results}</div></body></html>')


def _wrapped(link: str) -> str:
    return f"//duckduckgo.com/l/?uddg={quote(link, safe='')}&amp;rut=1"
