"""UnifiedWebSearch: the web, the news, or a feed."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from flows.blocking import in_own_thread
from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.errors import OutboundFailed
from flows.outbound.client import Outbound, OutboundCall
from flows.reading.crawling import AT_ONCE, with_scheme
from flows.reading.feeds import Entry
from flows.reading.pages import MAX_PAGE_BYTES, Form, PageUnreadable, read_page
from flows.reading.searching import AGENT, MAX_QUERY, MAX_RESULTS, Search
from flows.text import MAX_TEXT
from flows.values import Table

CUT, SHORT_CUT = "... [truncated]", "…"
"""What stands at the end of a text that was cut."""
MAX_CONTENT = MAX_TEXT // MAX_RESULTS
"""Characters of one page or summary at most, whatever is asked for (I10)."""
_FIRST_ERROR = 400


class WebSearchFields(Inputs):
    query: Text = ""
    search_mode: Literal["Web", "News", "RSS"] = "Web"
    hl: Text = ""
    gl: Text = ""
    ceid: Text = ""
    topic: Text = ""
    location: Text = ""
    timeout: int = Field(5, ge=1)
    max_results: int = Field(5, ge=0)
    max_content_length: int = Field(2_000, ge=0)


class WebSearch(Component[WebSearchFields]):
    """Searches the web and reads what it finds, or lists news or the entries of a feed."""

    types = ("UnifiedWebSearch",)
    inputs = WebSearchFields
    outputs: ClassVar = {"results": Port(("Table",))}
    actions: ClassVar = {"perform_search": "results"}
    effect = Effect.IDEMPOTENT

    async def build(self, inputs: WebSearchFields, context: VertexContext) -> Outputs:
        return {"results": await search(inputs, context)}


async def search(inputs: WebSearchFields, context: VertexContext) -> Table:
    """What the fields ask for: pages with their content, or news or entries with their summary."""
    asked, tools = _search(inputs), context.tools.search
    if inputs.search_mode == "Web":
        found = await tools.web(asked)
        return await _with_contents(found, inputs, context.tools.outbound)
    if inputs.search_mode == "News":
        return _announced(await tools.news(asked), inputs)
    return _announced(await tools.feed(with_scheme(asked.query), asked), inputs)


def _search(inputs: WebSearchFields) -> Search:
    query, is_news = inputs.query.strip(), inputs.search_mode == "News"
    topic, location = (inputs.topic.strip(), inputs.location.strip()) if is_news else ("", "")
    if not (query or topic or location):
        raise ValueError("nothing is asked for. Fill in the field Search Query, or connect something to it.")
    if len(query) > MAX_QUERY:
        raise ValueError(f"the query has more than {MAX_QUERY} characters.")
    language, country = inputs.hl.strip() or "en-US", inputs.gl.strip() or "US"
    is_named = inputs.hl.strip() or inputs.gl.strip() or not inputs.ceid.strip()
    return Search(
        query=query,
        language=language,
        country=country,
        edition=f"{country}:{language.partition('-')[0]}" if is_named else inputs.ceid.strip(),
        topic=topic,
        location=location,
        count=min(inputs.max_results or MAX_RESULTS, MAX_RESULTS),
        seconds=inputs.timeout,
    )


def _announced(entries: Sequence[Entry], inputs: WebSearchFields) -> Table:
    limit = _limit(inputs)
    rows = [(cut(one.title, limit), one.link, one.published, cut(one.summary, limit)) for one in entries]
    return Table(("title", "link", "published", "summary"), tuple(rows))


async def _with_contents(entries: Sequence[Entry], inputs: WebSearchFields, outbound: Outbound) -> Table:
    slots = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as tasks:
        reading = [tasks.create_task(_content(one.link, inputs.timeout, outbound, slots)) for one in entries]
    contents = [cut(task.result(), _limit(inputs)) for task in reading]
    rows = [(one.title, one.link, one.summary, content) for one, content in zip(entries, contents, strict=True)]
    return Table(("title", "link", "snippet", "content"), tuple(rows))


async def _content(url: str, seconds: float, outbound: Outbound, slots: asyncio.Semaphore) -> str:
    """The readable text of a page; why there is none where it cannot be had: the other results are still of use."""
    async with slots:
        try:
            answer = await outbound.call(OutboundCall(url, headers=AGENT, seconds=seconds, max_bytes=MAX_PAGE_BYTES))
            if answer.status >= _FIRST_ERROR:
                return f"(It could not be read: its status is {answer.status}.)"
            return (await in_own_thread(read_page, answer, Form.TEXT)).text
        except (OutboundFailed, PageUnreadable) as failure:
            return f"(It could not be read: {failure})"


def _limit(inputs: WebSearchFields) -> int:
    return min(inputs.max_content_length or MAX_CONTENT, MAX_CONTENT)


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters, with a mark where something is missing."""
    if len(text) <= limit:
        return text
    mark = CUT if limit >= len(CUT) else SHORT_CUT
    return text[: limit - len(mark)] + mark
