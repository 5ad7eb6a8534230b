"""feeds.py: what RSS and Atom feeds announce."""

import pytest

from flows.outbound.client import OutboundAnswer
from flows.reading.feeds import Entry, FeedUnreadable, read_feed

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Gates</title>
<item><title>One &amp;amp; all</title><link>https://a.example/1</link><pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate>
<description>&lt;p&gt;A &lt;b&gt;gate&lt;/b&gt;
opens&lt;/p&gt;</description></item><item><title>Two</title></item></channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Gates</title><entry><title>One</title>
<link href="https://a.example/1"/><updated>2026-01-05T10:00:00Z</updated><summary>A gate</summary></entry></feed>"""
THEIRS = b"""<!DOCTYPE r [<!ENTITY theirs SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel>
<item><title>&theirs;</title></item></channel></rss>"""


def answer(content: bytes) -> OutboundAnswer:
    return OutboundAnswer(200, "https://site.example/feed", {"content-type": "application/xml"}, content)


def test_the_entries_of_rss_are_read_without_markup() -> None:
    assert read_feed(answer(RSS)) == [
        Entry("One & all", "https://a.example/1", "Mon, 05 Jan 2026 10:00:00 GMT", "A gate opens"),
        Entry("Two", "", "", ""),
    ]


def test_the_entries_of_atom_are_read() -> None:
    assert read_feed(answer(ATOM)) == [Entry("One", "https://a.example/1", "2026-01-05T10:00:00Z", "A gate")]


@pytest.mark.parametrize("content", [b"", b"<html><p>no feed", b"/etc/passwd", b"http://127.0.0.1:1/", b"\x00\xff"])
def test_what_is_no_feed_is_refused(content: bytes) -> None:
    """And nothing that it may name is opened."""
    with pytest.raises(FeedUnreadable, match=r"What site\.example sent is no feed"):
        read_feed(answer(content))


def test_a_feed_reads_no_file_of_this_machine() -> None:
    [entry] = read_feed(answer(THEIRS))
    assert "root" not in entry.title
