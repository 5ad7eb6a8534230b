"""ArXivComponent: papers, by an endpoint of the operator's or by arXiv."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from flows.errors import VertexFailed
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.reading import arxiv
from flows.values import Message, Table
from tests.flows.components.articles import html
from tests.flows.components.producing import produce
from tests.flows.outbound.site import Page, Site
from tests.flows.preprints import REFUSED, atom, preprints
from tests.flows.running import tools
from tests.making import node
from tests.shapes import PLAIN, TEXT, Exported, Shape

SHAPE = Shape(
    "arXiv",
    {
        "search_query": TEXT,
        "search_type": PLAIN | {"value": "all"},
        "max_results": {"type": "int", "value": 10},
    },
    {"dataframe": ["Table"]},
)
PATH = "/api/query"


@pytest.fixture
def site() -> Iterator[Site]:
    """An arXiv that finds two papers."""
    with Site({PATH: preprints(["Gates\n  and dams", "Weirs"])}) as started:
        yield started


def papers(**fields: Any) -> Exported:
    return node("ArXivComponent", "p", shape=SHAPE, **{"search_query": "gates", **fields})


def found(site: Site, exported: Exported | None = None, **brought: Any) -> Table:
    """What a node finds on a site."""
    borrowed = tools(arxiv_endpoint=site.url(PATH))
    table = produce(exported or papers(), borrowed=borrowed, **brought).outputs("p")["dataframe"]
    assert isinstance(table, Table)
    return table


def asked(site: Site) -> dict[str, list[str]]:
    """The parameters of the one request."""
    [request] = site.asked
    return parse_qs(urlsplit(request.path).query)


def test_a_paper_is_a_row_under_langflows_names(site: Site) -> None:
    [first, second] = found(site).records()
    assert first == {
        "id": "http://arxiv.org/abs/2601.00001v1",
        "title": "Gates and dams",
        "summary": "Where $a < b$, gates open.",
        "published": "2026-01-05T00:00:00Z",
        "updated": "2026-01-06T00:00:00Z",
        "authors": ["Ada Lock", "Bo Weir"],
        "arxiv_url": "http://arxiv.org/abs/2601.00001v1",
        "pdf_url": "http://arxiv.org/pdf/2601.00001v1",
        "comment": "9 pages",
        "journal_ref": "Gates 7",
        "primary_category": "cs.AI",
        "categories": ["cs.AI", "cs.LG"],
    }
    assert second["title"] == "Weirs"


@pytest.mark.parametrize(
    ("kind", "query"),
    [("all", "gates"), ("title", "ti:gates"), ("abstract", "abs:gates"), ("author", "au:gates"), ("cat", "cat:gates")],
)
def test_the_query_says_where_arxiv_looks(kind: str, query: str, site: Site) -> None:
    found(site, papers(search_type=kind))
    assert asked(site) == {"search_query": [query], "max_results": ["10"]}


def test_an_edge_brings_the_query(site: Site) -> None:
    found(site, papers(search_query=""), search_query=Message("au:weir & ti:gates"))
    assert asked(site)["search_query"] == ["au:weir & ti:gates"]


@pytest.mark.parametrize(("most", "count"), [(1, 1), (3, 3), (10_000, arxiv.MAX_PAPERS)])
def test_so_many_papers_are_found_at_most(most: int, count: int, site: Site) -> None:
    """Even when more come back (I10)."""
    site.pages[PATH] = preprints(["Gates"] * 205)
    assert len(found(site, papers(max_results=most)).rows) == count
    assert asked(site)["max_results"] == [str(count)]


def test_nothing_found_is_an_empty_table(site: Site) -> None:
    site.pages[PATH] = preprints([])
    assert found(site) == Table()


def test_without_an_endpoint_arxiv_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arxiv, "ARXIV", site.url(f"{PATH}?mirror=1"))
    produce(papers(), borrowed=tools())
    assert asked(site) == {"mirror": ["1"], "search_query": ["gates"], "max_results": ["10"]}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no query": ({"search_query": " "}, "nothing is asked for. Fill in the field Search Query"),
    "a long query": ({"search_query": "x" * 2_001}, "the query has more than 2000 characters."),
    "a place": ({"search_type": "doi"}, "field 'search_type'"),
    "a count": ({"max_results": 0}, "field 'max_results'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_search_is_refused_with_the_remedy(case: str, site: Site) -> None:
    fields, reason = WRONG[case]
    with pytest.raises(VertexFailed) as caught:
        found(site, papers(**fields))
    assert reason in caught.value.reason
    assert site.asked == []


FAILING: dict[str, tuple[Page, str]] = {
    "its own word": (atom(REFUSED, 400), "arXiv refuses the search: incorrect id format for x."),
    "its own word, as it used to say it": (atom(REFUSED), "arXiv refuses the search: incorrect id format for x."),
    "too many searches": (Page(429), "its status is 429. Set PENSTOCK_ARXIV_URL to a mirror of your own, or try later"),
    "no feed": (html("<p>papers"), "sent is no answer of arXiv. Set PENSTOCK_ARXIV_URL"),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_search_that_fails_fails_the_vertex_with_the_reason(case: str, site: Site) -> None:
    site.pages[PATH], reason = FAILING[case]
    with pytest.raises(VertexFailed) as caught:
        found(site)
    assert reason in caught.value.reason


def test_searches_go_by_the_checked_way_out(site: Site) -> None:
    """Fault F7."""
    borrowed = tools(outbound=Outbound(OutboundPolicy()), arxiv_endpoint=site.url(PATH))
    with pytest.raises(VertexFailed, match=r"its address 127\.0\.0\.1 is loopback"):
        produce(papers(), borrowed=borrowed)
    assert site.connections == 0
