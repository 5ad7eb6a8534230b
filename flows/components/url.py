"""URLComponent: web pages, and what they link to."""

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from flows.component import Component, Effect, Inputs, Outputs, Port
from flows.context import VertexContext
from flows.reading.crawling import AT_ONCE, MAX_PAGES, Crawl, Crawler, with_scheme
from flows.reading.pages import Form, Page
from flows.reading.pairs import header_pairs
from flows.text import to_text
from flows.values import Message, Table

COLUMNS = ("text", "url", "title", "description", "content_type", "language")
MAX_DEPTH = 5


def _urls(given: Any) -> list[str]:
    """Every URL in texts, lists and messages; white space stands between two."""
    texts = [to_text(item) for item in (given if isinstance(given, list | tuple) else [given])]
    urls = [with_scheme(url) for text in texts for url in text.split()]
    if len(urls) > MAX_PAGES:
        raise ValueError(f"there are more than {MAX_PAGES} URLs")
    return urls


class UrlFields(Inputs):
    urls: Annotated[tuple[str, ...], BeforeValidator(_urls)] = ()
    max_depth: int = Field(1, ge=1, le=MAX_DEPTH)
    prevent_outside: bool = True
    use_async: bool = True
    format: Form = Form.TEXT
    timeout: int = Field(30, ge=1)
    headers: Annotated[dict[str, str], BeforeValidator(header_pairs)] = Field({}, repr=False)
    filter_text_html: bool = True
    continue_on_failure: bool = True
    check_response_status: bool = False
    autoset_encoding: bool = True
    follow_redirects: bool = True


class Url(Component[UrlFields]):
    """Fetches pages, and those they link to as deep as `max_depth` says, and reads what they are about."""

    types = ("URLComponent",)
    inputs = UrlFields
    outputs: ClassVar = {"page_results": Port(("Table",)), "raw_results": Port(("Message",))}
    actions: ClassVar = {"fetch_content": "page_results", "fetch_content_as_message": "raw_results"}
    effect = Effect.IDEMPOTENT

    async def build(self, inputs: UrlFields, context: VertexContext) -> Outputs:
        pages = await fetch(inputs, context)
        return {
            "page_results": Table(COLUMNS, tuple(_row(page) for page in pages)),
            "raw_results": Message("\n\n".join(page.text for page in pages), session_id=context.run.session_id),
        }


async def fetch(inputs: UrlFields, context: VertexContext) -> list[Page]:
    """The pages that the fields ask for."""
    if not inputs.urls:
        raise ValueError("no URL is given. Fill in the field URLs, or connect something to it.")
    return await Crawler(_crawl(inputs), context.tools.outbound, context.log).pages()


def _crawl(inputs: UrlFields) -> Crawl:
    return Crawl(
        inputs.urls,
        inputs.max_depth,
        stays=inputs.prevent_outside,
        form=inputs.format,
        headers=inputs.headers,
        seconds=inputs.timeout,
        at_once=AT_ONCE if inputs.use_async else 1,
        follows_redirects=inputs.follow_redirects,
        checks_status=inputs.check_response_status,
        goes_on=inputs.continue_on_failure,
        without_styles=inputs.filter_text_html,
        looks_inside=inputs.autoset_encoding,
    )


def _row(page: Page) -> tuple[str, ...]:
    return (page.text, page.url, page.title, page.description, page.media_type, page.language)
