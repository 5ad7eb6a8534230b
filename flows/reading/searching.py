"""Searching the web and the news: by an endpoint of the operator's, else by public ones that need no key."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import orjson

from flows.blocking import in_own_thread
from flows.errors import FlowError
from flows.outbound.client import Outbound, OutboundAnswer, OutboundCall, host_of
from flows.reading.feeds import MAX_FEED_BYTES, Entry, plain_text, read_feed
from flows.reading.pages import decoded, parse_html

MAX_RESULTS = 50
"""Results of one search at most (I10)."""
MAX_QUERY = 2_000
"""Characters of a query at most."""
MAX_ANSWER_BYTES = 5_000_000
DUCKDUCKGO = "https://html.duckduckgo.com/html/"
GOOGLE_NEWS = "https://news.google.com/rss"
AGENT = {"User-Agent": "Mozilla/5.0 (compatible; penstock)"}
_OK = 200
_RESULT = "//div[contains(concat(' ', @class, ' '), ' result ') and not(contains(@class, 'result--ad'))]"
_LINK = ".//a[contains(concat(' ', @class, ' '), ' result__a ')]"
_SNIPPET = ".//*[contains(concat(' ', @class, ' '), ' result__snippet ')]"
REMEDY = "Set PENSTOCK_SEARCH_URL to a search of your own"


class SearchFailed(FlowError):
    """A search came to nothing; the message says why."""


class Field(StrEnum):
    """What is searched."""

    WEB = "general"
    NEWS = "news"


@dataclass(frozen=True)
class Search:
    """What is looked for. News may be of a topic or of a place instead; `edition` is country and language, as US:en."""

    query: str
    language: str = "en-US"
    country: str = "US"
    edition: str = "US:en"
    topic: str = ""
    location: str = ""
    count: int = MAX_RESULTS
    seconds: float = 5.0


@dataclass(frozen=True)
class SearchTools:
    """The way to searches. `endpoint` speaks the JSON of SearXNG; without it DuckDuckGo and Google News are asked."""

    outbound: Outbound
    endpoint: str | None = None

    async def web(self, search: Search) -> list[Entry]:
        """Pages, the best first. Raises `SearchFailed`, and `OutboundFailed`."""
        if self.endpoint is not None:
            return await self._endpoint(self.endpoint, Field.WEB, search)
        language = search.language.partition("-")[0]
        params = {"q": search.query, "kl": f"{search.country}-{language}".lower()}
        answer = await self._get(f"{DUCKDUCKGO}?{urlencode(params)}", search.seconds, MAX_ANSWER_BYTES)
        return (await in_own_thread(_found_by_duckduckgo, answer))[: search.count]

    async def news(self, search: Search) -> list[Entry]:
        """What was reported, the best first. Raises as `web`."""
        if self.endpoint is not None:
            return await self._endpoint(self.endpoint, Field.NEWS, search)
        return await self.feed(_google_news(search), search)

    async def feed(self, url: str, search: Search) -> list[Entry]:
        """What a feed announces. Raises `FeedUnreadable`, and as `web`."""
        answer = await self._get(url, search.seconds, MAX_FEED_BYTES)
        return (await in_own_thread(read_feed, answer))[: search.count]

    async def _endpoint(self, endpoint: str, field: Field, search: Search) -> list[Entry]:
        words = " ".join(filter(None, (search.query, search.topic, search.location)))
        params = {"q": words, "format": "json", "categories": str(field), "language": search.language}
        joint = "&" if urlsplit(endpoint).query else "?"
        answer = await self._get(f"{endpoint}{joint}{urlencode(params)}", search.seconds, MAX_ANSWER_BYTES)
        return _found_by_endpoint(answer)[: search.count]

    async def _get(self, url: str, seconds: float, max_bytes: int) -> OutboundAnswer:
        call = OutboundCall(url, headers=AGENT, seconds=seconds, max_bytes=max_bytes)
        answer = await self.outbound.call(call)
        if answer.status != _OK:
            raise SearchFailed(f"{host_of(url)} does not answer the search: its status is {answer.status}. {REMEDY}.")
        return answer


def _found_by_endpoint(answer: OutboundAnswer) -> list[Entry]:
    try:
        results = orjson.loads(answer.content)["results"]
        return [_entry(result) for result in results]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise SearchFailed(
            f"What {host_of(answer.url)} sent are no results of SearXNG. Let PENSTOCK_SEARCH_URL name its /search, and "
            "let it answer with the format json."
        ) from None


def _entry(result: Mapping[str, Any]) -> Entry:
    texts = {name: result.get(name) or "" for name in ("title", "url", "publishedDate", "content")}
    title, link, published, summary = (str(text) for text in texts.values())
    return Entry(plain_text(title), link, published, plain_text(summary))


def _found_by_duckduckgo(answer: OutboundAnswer) -> list[Entry]:
    tree = parse_html(decoded(answer), answer.url)
    results = [] if tree is None else tree.xpath(_RESULT)
    return [
        Entry(_text(link), _target(str(link.get("href", ""))), "", _text(next(iter(result.xpath(_SNIPPET)), None)))
        for result in results
        for link in result.xpath(_LINK)[:1]
    ]


def _text(element: Any) -> str:
    return "" if element is None else " ".join(str(element.text_content()).split())


def _target(link: str) -> str:
    """Where a result leads, which DuckDuckGo wraps into a link of its own."""
    return next(iter(parse_qs(urlsplit(link).query).get("uddg", ())), link)


def _google_news(search: Search) -> str:
    params = {"hl": search.language, "gl": search.country, "ceid": search.edition}
    if search.topic:
        return f"{GOOGLE_NEWS}/headlines/section/topic/{quote(search.topic.upper(), safe='')}?{urlencode(params)}"
    if search.location:
        return f"{GOOGLE_NEWS}/headlines/section/geo/{quote(search.location, safe='')}?{urlencode(params)}"
    return f"{GOOGLE_NEWS}/search?{urlencode({'q': search.query, **params})}"
