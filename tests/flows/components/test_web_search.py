"""UnifiedWebSearch: pages, news and feeds, by an endpoint of the operator's or by public ones."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from flows.components.web_search import cut
from flows.errors import VertexFailed
from flows.graph import Graph
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.reading import searching
from flows.values import Message, Table
from tests.flows.components.articles import article, duckduckgo, html
from tests.flows.components.producing import produce
from tests.flows.outbound.site import Page, Site
from tests.flows.reading.test_feeds import RSS
from tests.flows.running import run, tools
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import PLAIN, TEXT, Exported, Shape

COUNT: Exported = {"type": "int", "value": 5}
SHAPE = Shape(
    "Web Search",
    {
        "search_mode": {"type": "tab", "value": "Web"},
        "query": TEXT,
        **dict.fromkeys(("hl", "gl", "topic", "location"), PLAIN),
        "ceid": PLAIN | {"value": "US:en"},
        "timeout": COUNT,
        "max_results": COUNT,
        "max_content_length": COUNT | {"value": 2000},
    },
    {"results": ["Table"]},
)
FEED = {"Content-Type": "application/rss+xml"}


def json_page(value: Any, status: int = 200) -> Page:
    return Page(status, {"Content-Type": "application/json"}, [orjson.dumps(value)])


@pytest.fixture
def site() -> Iterator[Site]:
    """A search that finds `/a` and `/b`, in all the forms that are understood."""
    with Site() as started:
        found: list[dict[str, str | None]] = [
            {"title": "A <b>1</b>", "url": started.url("/a"), "content": "About a", "publishedDate": "2026-01-05"},
            {"title": "B", "url": started.url("/b"), "content": None},
        ]
        started.pages |= {
            "/search": json_page({"query": "gates", "results": found}),
            "/html/": duckduckgo(started.url("/a"), started.url("/b")),
            "/news/search": Page(200, FEED, [RSS]),
            "/feed": Page(200, FEED, [RSS]),
            "/a": article("A"),
            "/b": html("<p>Page b"),
        }
        yield started


@pytest.fixture
def public(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same site in the place of the public searches."""
    monkeypatch.setattr(searching, "DUCKDUCKGO", site.url("/html/"))
    monkeypatch.setattr(searching, "GOOGLE_NEWS", site.url("/news"))
    return site


def web_search(**fields: Any) -> Exported:
    return node("UnifiedWebSearch", "s", shape=SHAPE, **{"query": "gates", **fields})


def found(exported: Exported, site: Site | None = None, **brought: Any) -> Table:
    """What a node finds, by the endpoint of a site or by public ones."""
    borrowed = tools(search_endpoint=site.url("/search") if site else None)
    table = produce(exported, borrowed=borrowed, **brought).outputs("s")["results"]
    assert isinstance(table, Table)
    return table


def asked(site: Site, path: str) -> dict[str, list[str]]:
    """The parameters of the one request under a path."""
    [request] = [one for one in site.asked if one.path.partition("?")[0] == path]
    return parse_qs(urlsplit(request.path).query)


def test_the_operators_endpoint_finds_pages_and_they_are_read(site: Site) -> None:
    table = found(web_search(), site)
    [first, second] = table.records()
    assert table.columns == ("title", "link", "snippet", "content")
    assert (first["title"], first["link"], first["snippet"]) == ("A 1", site.url("/a"), "About a")
    assert str(first["content"]).startswith("A\nParagraph 0 of an article")
    assert second == {"title": "B", "link": site.url("/b"), "snippet": "", "content": "Page b"}


def test_the_operators_endpoint_is_asked_in_the_words_of_searxng(site: Site) -> None:
    found(web_search(query="gates & dams", hl="de-AT"), site)
    assert asked(site, "/search") == {
        "q": ["gates & dams"],
        "format": ["json"],
        "categories": ["general"],
        "language": ["de-AT"],
    }


def test_an_endpoint_may_have_parameters_of_its_own(site: Site) -> None:
    produce(web_search(), borrowed=tools(search_endpoint=site.url("/search?token=t")))
    assert asked(site, "/search")["token"] == ["t"]


def test_the_operators_endpoint_finds_news(site: Site) -> None:
    table = found(web_search(search_mode="News", topic="science", location="Graz"), site)
    assert table == Table(
        ("title", "link", "published", "summary"),
        (("A 1", site.url("/a"), "2026-01-05", "About a"), ("B", site.url("/b"), "", "")),
    )
    assert asked(site, "/search")["q"] == ["gates science Graz"]
    assert asked(site, "/search")["categories"] == ["news"]


def test_without_an_endpoint_duckduckgo_is_asked(public: Site) -> None:
    """Its advertisements are no results, and its own links are unwrapped."""
    [first, second] = found(web_search(hl="de", gl="AT")).records()
    assert (first["title"], first["link"], first["snippet"]) == ("A 1", public.url("/a"), "About a")
    assert second["content"] == "Page b"
    assert asked(public, "/html/") == {"q": ["gates"], "kl": ["at-de"]}


def test_without_an_endpoint_google_news_is_asked(public: Site) -> None:
    table = found(web_search(search_mode="News"))
    assert [row["title"] for row in table.records()] == ["One & all", "Two"]
    assert asked(public, "/news/search") == {"q": ["gates"], "hl": ["en-US"], "gl": ["US"], "ceid": ["US:en"]}


SECTIONS: dict[str, tuple[dict[str, str], str]] = {
    "a topic": ({"topic": "science"}, "/news/headlines/section/topic/SCIENCE"),
    "a place": ({"location": "São Paulo"}, "/news/headlines/section/geo/S%C3%A3o%20Paulo"),
    "a topic before a place": ({"topic": "a/b", "location": "Graz"}, "/news/headlines/section/topic/A%2FB"),
}


@pytest.mark.parametrize("case", SECTIONS)
def test_news_may_be_of_a_section(case: str, public: Site) -> None:
    """Then a query is not needed."""
    fields, path = SECTIONS[case]
    public.pages[path] = Page(200, FEED, [RSS])
    found(web_search(search_mode="News", query="", **fields))
    assert asked(public, path)["hl"] == ["en-US"]


EDITIONS: dict[str, tuple[dict[str, str], str]] = {
    "none": ({"ceid": ""}, "US:en"),
    "named": ({"ceid": "FR:fr"}, "FR:fr"),
    "of language and country": ({"hl": "de-AT", "gl": "AT", "ceid": "US:en"}, "AT:de"),
}


@pytest.mark.parametrize("case", EDITIONS)
def test_the_edition_of_the_news_is_that_of_language_and_country(case: str, public: Site) -> None:
    fields, edition = EDITIONS[case]
    found(web_search(search_mode="News", **fields))
    assert asked(public, "/news/search")["ceid"] == [edition]


@pytest.mark.parametrize("has_endpoint", [True, False])
def test_a_feed_is_read_from_its_url(has_endpoint: bool, site: Site) -> None:
    table = found(web_search(search_mode="RSS", query=site.url("/feed")), site if has_endpoint else None)
    assert table.records()[0] == {
        "title": "One & all",
        "link": "https://a.example/1",
        "published": "Mon, 05 Jan 2026 10:00:00 GMT",
        "summary": "A gate opens",
    }


def test_an_edge_brings_the_query(site: Site) -> None:
    found(web_search(query=""), site, query=Message("dams"))
    assert asked(site, "/search")["q"] == ["dams"]


@pytest.mark.parametrize(("most", "count"), [(1, 1), (2, 2), (0, 60)])
def test_so_many_results_are_given_at_most(most: int, count: int, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 is all, within a bound (I10)."""
    results = [{"title": str(number), "url": site.url("/b")} for number in range(60)]
    site.pages["/search"] = json_page({"results": results})
    table = found(web_search(max_results=most, search_mode="News"), site)
    assert len(table.rows) == min(count, searching.MAX_RESULTS)


def test_contents_have_so_many_characters_at_most(site: Site) -> None:
    short, long = (found(web_search(max_content_length=length), site).records()[0] for length in (40, 0))
    assert len(str(short["content"])) == 40
    assert str(short["content"]).endswith("... [truncated]")
    assert len(str(long["content"])) > 400


@pytest.mark.parametrize(
    ("limit", "text"), [(20, "x" * 20), (18, "xxx... [truncated]"), (15, "... [truncated]"), (3, "xx…"), (1, "…")]
)
def test_a_text_that_is_cut_says_so_within_its_limit(limit: int, text: str) -> None:
    assert cut("x" * 20, limit) == text


UNREADABLE = {
    "gone": (Page(404), "(It could not be read: its status is 404.)"),
    "no text": (
        Page(200, {"Content-Type": "image/png"}),
        "(It could not be read: What 127.0.0.1 sent is no text but image/png.)",
    ),
    "internal": (
        Page(302, {"Location": "http://10.0.0.1/"}),
        "(It could not be read: 10.0.0.1:80 may not be called: its address 10.0.0.1 is private. "
        "Add it to PENSTOCK_ALLOWED_HOSTS if flows should call it.)",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_page_that_cannot_be_read_is_a_result_with_the_reason(case: str, site: Site) -> None:
    """The others are of use."""
    site.pages["/a"], reason = UNREADABLE[case]
    assert [row["content"] for row in found(web_search(), site).records()] == [reason, "Page b"]


def test_nothing_found_is_an_empty_table(public: Site) -> None:
    public.pages |= {"/search": json_page({"results": []}), "/html/": duckduckgo()}
    empty = Table(("title", "link", "snippet", "content"))
    assert found(web_search(), public) == found(web_search()) == empty


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no query": ({"query": " "}, "nothing is asked for. Fill in the field Search Query"),
    "no URL of a feed": ({"search_mode": "RSS", "query": ""}, "nothing is asked for"),
    "a topic outside of news": ({"query": "", "topic": "SCIENCE"}, "nothing is asked for"),
    "a long query": ({"query": "x" * 2_001}, "the query has more than 2000 characters."),
    "a mode": ({"search_mode": "Images"}, "field 'search_mode'"),
    "a count": ({"max_results": -1}, "field 'max_results'"),
    "a length": ({"max_content_length": -1}, "field 'max_content_length'"),
    "a time": ({"timeout": 0}, "field 'timeout'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_search_is_refused_with_the_remedy(case: str, site: Site) -> None:
    fields, reason = WRONG[case]
    with pytest.raises(VertexFailed) as caught:
        found(web_search(**fields), site)
    assert reason in caught.value.reason
    assert site.asked == []


FAILING: dict[str, tuple[Page, str]] = {
    "an error": (Page(500), "its status is 500. Set PENSTOCK_SEARCH_URL to a search of your own."),
    "a question for a person": (Page(202), "its status is 202."),
    "no JSON": (html("<p>results"), "are no results of SearXNG. Let PENSTOCK_SEARCH_URL name its /search"),
    "other JSON": (json_page({"hits": []}), "are no results of SearXNG."),
    "JSON of another form": (json_page({"results": ["a"]}), "are no results of SearXNG."),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_search_that_fails_fails_the_vertex_with_the_remedy(case: str, site: Site) -> None:
    site.pages["/search"], reason = FAILING[case]
    with pytest.raises(VertexFailed) as caught:
        found(web_search(), site)
    assert reason in caught.value.reason


def test_what_is_no_feed_fails_the_vertex(site: Site) -> None:
    with pytest.raises(VertexFailed, match=r"is no feed\. Give the URL of an RSS or Atom feed"):
        found(web_search(search_mode="RSS", query=site.url("/a")))


def test_searches_go_by_the_checked_way_out(site: Site) -> None:
    """Fault F7."""
    borrowed = tools(outbound=Outbound(OutboundPolicy()), search_endpoint=site.url("/search"))
    with pytest.raises(VertexFailed, match=r"its address 127\.0\.0\.1 is loopback"):
        produce(web_search(), borrowed=borrowed)
    assert site.connections == 0


def test_a_flow_shows_what_was_found(load: Callable[[Exported], Graph], site: Site) -> None:
    """From the editor's own template: ChatInput → Web Search → ChatOutput."""
    ask, find, end = node("ChatInput", "in"), from_palette("UnifiedWebSearch.json"), node("ChatOutput", "out")
    edges = [edge(ask, "message", find, "query"), edge(find, "results", end, "input_value")]
    journal = run(load(flow([ask, find, end], edges)), borrowed=tools(search_endpoint=site.url("/search")))
    assert asked(site, "/search")["q"] == ["hello"]
    assert "| B | " in journal.messages[-1].message.text
