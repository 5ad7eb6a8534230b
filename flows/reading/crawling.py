"""Fetching pages and what they link to, within bounds."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flows.blocking import in_own_thread
from flows.errors import FlowError, OutboundFailed
from flows.outbound.client import CROSSING, Outbound, OutboundAnswer, OutboundCall, host_of
from flows.reading.pages import MAX_PAGE_BYTES, Form, Page, media_type, read_page
from flows.text import MAX_TEXT

MAX_PAGES = 100
"""Pages that one crawl fetches at most (I10)."""
MAX_SECONDS = 300.0
"""How long a crawl goes on to begin fetching pages."""
AT_ONCE = 8
"""Pages of one crawl that are fetched at the same time."""
_FIRST_ERROR = 400
_STYLES = "text/css"


@dataclass(frozen=True)
class Crawl:
    """What is to be fetched, and how. A `depth` of 1 is the pages themselves, 2 also what they link to, and so on."""

    urls: Sequence[str]
    depth: int = 1
    stays: bool = True
    """Whether links to other hosts are left alone."""
    form: Form = Form.TEXT
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 30.0
    """For one page."""
    at_once: int = AT_ONCE
    follows_redirects: bool = True
    checks_status: bool = False
    """Whether a page that comes with an error's status counts as failed."""
    goes_on: bool = True
    """Whether pages that fail are left out, as long as there is another."""
    without_styles: bool = True
    looks_inside: bool = True
    """Whether a page may tell its own encoding."""


class Crawler:
    """Makes one crawl. `note` is told what was left out and why."""

    def __init__(self, crawl: Crawl, outbound: Outbound, note: Callable[[str], None]) -> None:
        self._crawl = crawl
        self._outbound = outbound
        self._note = note
        self._slots = asyncio.Semaphore(crawl.at_once)
        self._seen: set[str] = set()
        self._hosts: set[str] = set()
        """Where the crawl stays, when it does: the hosts asked for, and those that they redirect to."""
        self._origins = {_origin(url) for url in crawl.urls}
        self._pages: list[Page] = []
        self._failures: list[FlowError] = []
        self._size = 0

    async def pages(self) -> list[Page]:
        """The pages, level by level, in the order of their links. Raises the first failure when a page failed and the
        crawl does not go on, or when there is no page at all."""
        self._hosts = {host_of(url) for url in self._crawl.urls}
        self._deadline = asyncio.get_running_loop().time() + MAX_SECONDS
        level = self._fresh(self._crawl.urls)
        for depth in range(self._crawl.depth):
            found = await self._level(level, is_first=depth == 0)
            level = self._fresh([link for page in found for link in page.links if self._is_inside(link)])
            if not level:
                break
        if self._failures and not self._pages:
            raise self._failures[0]
        return self._pages

    def _fresh(self, urls: Sequence[str]) -> list[str]:
        """Those URLs that were not seen before, as many as may still be fetched."""
        fresh = [url for url in dict.fromkeys(urls) if url not in self._seen]
        kept = fresh[: MAX_PAGES - len(self._seen)]
        self._seen.update(kept)
        if len(kept) < len(fresh):
            self._note(f"{len(fresh) - len(kept)} pages are left out: at most {MAX_PAGES} are fetched.")
        return kept

    async def _level(self, urls: Sequence[str], *, is_first: bool) -> list[Page]:
        async with asyncio.TaskGroup() as tasks:
            visits = [tasks.create_task(self._visit(url, is_first=is_first)) for url in urls]
        if self._failures and not self._crawl.goes_on:
            raise self._failures[0]
        found: list[Page] = []
        for visit in visits:
            if (page := visit.result()) is not None:
                self._size += len(page.text)
                found.append(page)
        if self._size > MAX_TEXT:
            raise ValueError(f"the pages have more than {MAX_TEXT} characters together. Ask for fewer")
        self._pages += found
        return found

    async def _visit(self, url: str, *, is_first: bool) -> Page | None:
        """A page; None when it failed or is left out."""
        async with self._slots:
            if self._failures and not self._crawl.goes_on:
                return None
            if asyncio.get_running_loop().time() > self._deadline:
                self._note(f"A page of {host_of(url)} is left out: {MAX_SECONDS:g} s are over.")
                return None
            try:
                return await self._read(url, is_first=is_first)
            except FlowError as failure:
                self._failures.append(failure)
                self._note(f"A page is left out: {failure}")
                return None

    async def _read(self, url: str, *, is_first: bool) -> Page | None:
        answer = await self._fetch(url)
        if is_first:
            self._hosts.add(host_of(answer.url))
        elif not self._is_inside(answer.url):
            return None
        if self._crawl.without_styles and media_type(answer) == _STYLES:
            return None
        return await in_own_thread(read_page, answer, self._crawl.form, looks_inside=self._crawl.looks_inside)

    async def _fetch(self, url: str) -> OutboundAnswer:
        answer = await self._outbound.call(
            OutboundCall(
                url,
                headers=self._headers(url),
                seconds=self._crawl.seconds,
                max_bytes=MAX_PAGE_BYTES,
                follow_redirects=self._crawl.follows_redirects,
            )
        )
        if self._crawl.checks_status and answer.status >= _FIRST_ERROR:
            raise OutboundFailed(host_of(url), f"it answered {answer.status}")
        return answer

    def _headers(self, url: str) -> Mapping[str, str]:
        """The headers for a page; where a link leads elsewhere none that may hold a secret."""
        if _origin(url) in self._origins:
            return self._crawl.headers
        return {name: value for name, value in self._crawl.headers.items() if name.lower() in CROSSING}

    def _is_inside(self, url: str) -> bool:
        return not self._crawl.stays or host_of(url) in self._hosts


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def with_scheme(url: str) -> str:
    """A URL as people write it, with `https` where it names no scheme. Raises `ValueError` without a host."""
    whole = url if "://" in url else f"https://{url}"
    if not urlsplit(whole).hostname:
        raise ValueError("a URL names no host")
    return whole
