"""extras.py: a library that is not installed is named with the extra that brings it."""

import sys

import pytest

from flows.extras import ExtraMissing
from flows.outbound.client import OutboundAnswer
from flows.reading.feeds import read_feed
from flows.reading.pages import Form, read_page

ANSWER = OutboundAnswer(200, "https://site.example/", {"content-type": "text/html"}, b"<p>Hi")
REMEDY = r"needs the library {}, which is not installed\. Run: pip install 'penstock\[web\]'"


@pytest.mark.parametrize("library", ["lxml", "trafilatura"])
def test_a_page_without_its_libraries_tells_what_to_install(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ExtraMissing, match=REMEDY.format(library)):
        read_page(ANSWER, Form.TEXT)


def test_a_feed_without_its_library_tells_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "feedparser", None)
    with pytest.raises(ExtraMissing, match=REMEDY.format("feedparser")):
        read_feed(ANSWER)


def test_html_as_it_came_needs_no_extraction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    assert read_page(ANSWER, Form.HTML).text == "<p>Hi"
