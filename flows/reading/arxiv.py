"""Papers on arXiv: its API is asked, and the Atom that it answers with is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode, urlsplit

from flows.blocking import in_own_thread
from flows.errors import FlowError
from flows.extras import extra
from flows.outbound.client import Outbound, OutboundAnswer, OutboundCall, host_of
from flows.reading.pages import EXTRA
from flows.values import Json

ARXIV = "https://export.arxiv.org/api/query"
MAX_PAPERS = 200
"""Papers of one search at most (I10)."""
MAX_ANSWER_BYTES = 5_000_000
REMEDY = "Set PENSTOCK_ARXIV_URL to a mirror of your own, or try later: arXiv wants three seconds between two searches"
_OK = 200
_FAULT = "/api/errors"
"""The path in the id of an entry that is no paper: it says what is wrong with the search."""


class ArxivFailed(FlowError):
    """A search for papers came to nothing; the message says why."""


@dataclass(frozen=True)
class ArxivTools:
    """The way to arXiv, or to the `endpoint` that stands in its place."""

    outbound: Outbound
    endpoint: str | None = None

    async def papers(self, query: str, count: int) -> list[dict[str, Json]]:
        """The papers that a query in arXiv's own words finds, the best first. Raises `ArxivFailed`, `OutboundFailed`
        and `ExtraMissing`."""
        endpoint = self.endpoint or ARXIV
        joint = "&" if urlsplit(endpoint).query else "?"
        url = f"{endpoint}{joint}{urlencode({'search_query': query, 'max_results': count})}"
        answer = await self.outbound.call(OutboundCall(url, max_bytes=MAX_ANSWER_BYTES))
        return (await in_own_thread(read_papers, answer))[:count]


def read_papers(answer: OutboundAnswer) -> list[dict[str, Json]]:
    """The papers in an answer of arXiv. Blocks for as long as reading takes: to be called beside the loop.

    Raises `ArxivFailed`, and `ExtraMissing`.
    """
    with extra(EXTRA):
        from feedparser import parse

    # As a file: a text or bytes would be taken for a URL or a path, and opened.
    feed = parse(BytesIO(answer.content), response_headers={"content-type": answer.headers.get("content-type", "")})
    for entry in feed.entries:
        if _FAULT in entry.get("id", ""):
            raise ArxivFailed(f"arXiv refuses the search: {_line(entry, 'summary')}.")
    if answer.status != _OK:
        raise ArxivFailed(f"{host_of(answer.url)} does not answer the search: its status is {answer.status}. {REMEDY}.")
    if not feed.get("version"):
        raise ArxivFailed(f"What {host_of(answer.url)} sent is no answer of arXiv. {REMEDY}.")
    return [_paper(entry) for entry in feed.entries]


def _paper(entry: Mapping[str, Any]) -> dict[str, Json]:
    """A paper under the names that Langflow gives to what is told of it."""
    return {
        "id": _line(entry, "id"),
        "title": _line(entry, "title"),
        "summary": _line(entry, "summary"),
        "published": _line(entry, "published"),
        "updated": _line(entry, "updated"),
        "authors": [_line(author, "name") for author in entry.get("authors", ())],
        "arxiv_url": _link(entry, "rel", "alternate"),
        "pdf_url": _link(entry, "title", "pdf"),
        "comment": _line(entry, "arxiv_comment"),
        "journal_ref": _line(entry, "arxiv_journal_ref"),
        "primary_category": _line(entry.get("arxiv_primary_category", {}), "term"),
        "categories": [_line(tag, "term") for tag in entry.get("tags", ())],
    }


def _line(entry: Mapping[str, Any], name: str) -> str:
    """A text on one line: arXiv breaks titles and summaries where it likes."""
    return " ".join(str(entry.get(name) or "").split())


def _link(entry: Mapping[str, Any], name: str, value: str) -> str:
    return next((str(link.get("href", "")) for link in entry.get("links", ()) if link.get(name) == value), "")
