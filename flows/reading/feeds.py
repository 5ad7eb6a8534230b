"""What a feed announces: RSS and Atom."""

from dataclasses import dataclass
from io import BytesIO

from flows.errors import FlowError
from flows.extras import extra
from flows.outbound.client import OutboundAnswer, host_of
from flows.reading.pages import EXTRA, parse_html, text_of

MAX_FEED_BYTES = 2_000_000
"""Bytes of one feed at most (I10)."""


class FeedUnreadable(FlowError):
    """What came back from `host` is no feed."""

    def __init__(self, host: str) -> None:
        super().__init__(f"What {host} sent is no feed. Give the URL of an RSS or Atom feed.")


@dataclass(frozen=True)
class Entry:
    """One thing that a feed announces, without markup; `published` is as the feed has it."""

    title: str
    link: str
    published: str
    summary: str


def read_feed(answer: OutboundAnswer) -> list[Entry]:
    """The entries of a feed in its order. Blocks for as long as reading takes: to be called beside the loop.

    Raises `FeedUnreadable`, and `ExtraMissing`.
    """
    with extra(EXTRA):
        from feedparser import parse

    # As a file: a text or bytes would be taken for a URL or a path, and opened.
    feed = parse(BytesIO(answer.content), response_headers={"content-type": answer.headers.get("content-type", "")})
    if not feed.get("version"):
        raise FeedUnreadable(host_of(answer.url))
    return [
        Entry(
            title=plain_text(entry.get("title", "")),
            link=entry.get("link", ""),
            published=entry.get("published", "") or entry.get("updated", ""),
            summary=plain_text(entry.get("summary", "")),
        )
        for entry in feed.entries
    ]


def plain_text(markup: str) -> str:
    """The text of a piece of HTML, on one line."""
    tree = parse_html(markup)
    return "" if tree is None else " ".join(text_of(tree).split())
