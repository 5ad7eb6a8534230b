"""URLComponent: pages, what they link to, and how far a crawl goes."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flows.errors import VertexFailed
from flows.events import EventType
from flows.graph import Graph
from flows.outbound.client import Outbound
from flows.outbound.policy import OutboundPolicy
from flows.reading import crawling
from flows.values import Message, Table
from tests.flows.components.articles import article, html, titles
from tests.flows.components.producing import produce
from tests.flows.outbound.site import Lookups, Page, Site
from tests.flows.running import RecordingJournal, run, tools
from tests.flows.shared import from_palette
from tests.making import edge, flow, node
from tests.shapes import FLAG, PLAIN, TEXT, Exported, Shape

HERE = OutboundPolicy.allowing("127.0.0.0/8")

SHAPE = Shape(
    "URL",
    {
        "urls": TEXT | {"list": True},
        "max_depth": {"type": "slider", "value": 1},
        "prevent_outside": FLAG,
        "use_async": FLAG,
        "format": PLAIN | {"value": "Text"},
        "timeout": {"type": "int", "value": 30},
        "headers": {"type": "table", "value": [{"key": "User-Agent", "value": "langflow"}], "input_types": ["Table"]},
        "filter_text_html": FLAG,
        "continue_on_failure": FLAG,
        "check_response_status": FLAG | {"value": False},
        "autoset_encoding": FLAG,
        "follow_redirects": FLAG,
    },
    {"page_results": ["Table"], "raw_results": ["Message"]},
)


@pytest.fixture
def site() -> Iterator[Site]:
    """`/` leads to `/a` and `/b`, `/a` to `/deep`, and `/deep` to `/deeper`."""
    pages = {
        "/": article("Home", "/a", "/b"),
        "/a": article("A", "/", "/deep"),
        "/b": article("B", "/a"),
        "/deep": article("Deep", "/deeper"),
        "/deeper": article("Deeper"),
    }
    with Site(pages) as started:
        yield started


def url_node(site: Site | None = None, **fields: Any) -> Exported:
    given = {"urls": [site.url()]} if site else {}
    return node("URLComponent", "u", shape=SHAPE, **{**given, **fields})


def read(exported: Exported, **brought: Any) -> list[dict[str, Any]]:
    """The pages that a node reads."""
    table = journal_of(exported, **brought).outputs("u")["page_results"]
    assert isinstance(table, Table)
    return table.records()


def journal_of(exported: Exported, **brought: Any) -> RecordingJournal:
    lookups = Lookups(["127.0.0.1"])
    return produce(exported, borrowed=tools(outbound=Outbound(HERE, lookups)), **brought)


def notes(journal: RecordingJournal) -> list[str]:
    return [event.data["message"] for event in journal.of_type(EventType.LOG)]


def test_a_page_is_a_row_and_a_text(site: Site) -> None:
    outputs = journal_of(url_node(site)).outputs("u")
    table, raw = outputs["page_results"], outputs["raw_results"]
    assert isinstance(table, Table)
    assert isinstance(raw, Message)
    [row] = table.records()
    assert row == {
        "text": raw.text,
        "url": site.url(),
        "title": "Home",
        "description": "About Home",
        "content_type": "text/html",
        "language": "en",
    }
    assert raw.text.startswith("Home\nParagraph 0 of an article")


def test_the_texts_of_several_pages_stand_one_after_the_other(site: Site) -> None:
    exported = url_node(urls=[site.url("/a"), site.url("/b")])
    first, second = (row["text"] for row in read(exported))
    assert journal_of(exported).outputs("u")["raw_results"] == Message(f"{first}\n\n{second}", session_id="s2")


@pytest.mark.parametrize(
    ("depth", "found"), [(1, "Home"), (2, "Home A B"), (3, "Home A B Deep"), (5, "Home A B Deep Deeper")]
)
def test_depth_counts_the_clicks_from_the_first_page(depth: int, found: str, site: Site) -> None:
    assert titles(read(url_node(site, max_depth=depth))) == found.split()


def test_every_page_is_fetched_once(site: Site) -> None:
    read(url_node(site, max_depth=5))
    assert sorted(asked.path for asked in site.asked) == ["/", "/a", "/b", "/deep", "/deeper"]


@pytest.mark.parametrize(("stays", "found"), [(True, ["Home"]), (False, ["Home", "Elsewhere"])])
def test_a_crawl_stays_on_its_host_when_told_to(stays: bool, found: list[str], site: Site) -> None:
    site.pages["/"] = article("Home", site.url("/elsewhere", "other.example"))
    site.pages["/elsewhere"] = article("Elsewhere")
    assert titles(read(url_node(site, max_depth=2, prevent_outside=stays))) == found


def test_a_crawl_follows_its_first_page_to_another_host_and_no_later_one(site: Site) -> None:
    """As from `example.org` to `www.example.org`."""
    site.pages["/"] = Page(301, {"Location": site.url("/home", "www.example")})
    site.pages["/home"] = article("Home", "/a", "/leaves")
    site.pages["/leaves"] = Page(302, {"Location": site.url("/b", "other.example")})
    assert titles(read(url_node(site, max_depth=2))) == ["Home", "A"]


GIVEN: dict[str, Callable[[Site], Any]] = {
    "a list": lambda site: [site.url("/a"), site.url("/b")],
    "one text": lambda site: f"{site.url('/a')}\n {site.url('/b')}",
    "one of them twice": lambda site: [site.url("/a"), site.url("/b"), site.url("/a")],
    "beside empty ones": lambda site: ["", site.url("/a"), " ", site.url("/b")],
}


@pytest.mark.parametrize("case", GIVEN)
def test_several_urls_are_read_in_their_order(case: str, site: Site) -> None:
    assert titles(read(url_node(urls=GIVEN[case](site)))) == ["A", "B"]


def test_an_edge_brings_urls(site: Site) -> None:
    assert titles(read(url_node(), urls=Message(site.url("/a")))) == ["A"]


@pytest.mark.parametrize("urls", ["", [], [""], None])
def test_without_a_url_the_remedy_is_told(urls: Any) -> None:
    with pytest.raises(VertexFailed, match=r"no URL is given\. Fill in the field URLs"):
        journal_of(url_node(urls=urls))


def test_a_url_without_scheme_is_called_by_https() -> None:
    with pytest.raises(VertexFailed, match=r"The call to nowhere\.example failed"):
        journal_of(url_node(urls=["nowhere.example/a"]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_depth", 0),
        ("max_depth", 6),
        ("timeout", 0),
        ("format", "PDF"),
        ("urls", ["https://"]),
        ("urls", ["x"] * 101),
        ("headers", [{"key": "Host", "value": "other"}]),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    with pytest.raises(VertexFailed, match=f"field '{field}'"):
        journal_of(url_node(**{"urls": ["https://a.example"], field: value}))


def test_headers_are_sent(site: Site) -> None:
    read(url_node(site, headers=[{"key": "X-Key", "value": "k"}, {"key": "User-Agent", "value": "mine"}]))
    [asked] = site.asked
    assert (asked.headers["x-key"], asked.headers["user-agent"]) == ("k", "mine")


def test_a_link_to_elsewhere_gets_no_secret_header(site: Site) -> None:
    """I8."""
    site.pages["/"] = article("Home", "/a", site.url("/b", "other.example"))
    headers = [{"key": "X-Key", "value": "k"}, {"key": "User-Agent", "value": "mine"}]
    read(url_node(site, max_depth=2, prevent_outside=False, headers=headers))
    sent = {one.path: (one.headers.get("x-key"), one.headers["user-agent"]) for one in site.asked}
    assert sent == {"/": ("k", "mine"), "/a": ("k", "mine"), "/b": (None, "mine")}


def test_a_redirect_is_read_as_it_is_when_none_is_followed(site: Site) -> None:
    site.pages["/"] = Page(302, {"Location": "/a", "Content-Type": "text/plain"}, [b"moved"])
    [row] = read(url_node(site, follow_redirects=False))
    assert (row["text"], row["url"]) == ("moved", site.url())


def test_an_error_page_is_a_page_unless_the_status_is_checked(site: Site) -> None:
    site.pages["/"] = article("Gone", status=404)
    assert titles(read(url_node(site))) == ["Gone"]
    with pytest.raises(VertexFailed, match=r"The call to 127\.0\.0\.1 failed: it answered 404\."):
        journal_of(url_node(site, check_response_status=True))


def test_a_page_that_fails_is_left_out_with_a_note(site: Site) -> None:
    site.pages["/a"] = Page(200, {"Content-Type": "image/png"})
    journal = journal_of(url_node(urls=[site.url("/a"), site.url("/b")]))
    table = journal.outputs("u")["page_results"]
    assert isinstance(table, Table)
    assert titles(table.records()) == ["B"]
    assert notes(journal) == ["A page is left out: What 127.0.0.1 sent is no text but image/png."]


def test_a_page_that_fails_fails_the_vertex_when_it_is_not_to_go_on(site: Site) -> None:
    site.pages["/a"] = Page(200, {"Content-Type": "image/png"})
    with pytest.raises(VertexFailed, match=r"URL \(u\): What 127\.0\.0\.1 sent is no text but image/png\."):
        journal_of(url_node(urls=[site.url("/a"), site.url("/b")], continue_on_failure=False))


def test_what_flows_may_not_call_is_not_called(site: Site) -> None:
    """The way out is the checked one (fault F7)."""
    with pytest.raises(VertexFailed, match=r"its address 127\.0\.0\.1 is loopback"):
        produce(url_node(site), borrowed=tools(outbound=Outbound(OutboundPolicy())))
    assert site.connections == 0


def test_a_page_may_take_so_long_and_no_longer() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(VertexFailed, match="no whole answer within 1 s"),
    ):
        journal_of(url_node(urls=[f"http://127.0.0.1:{silent.getsockname()[1]}/"], timeout=1))


def test_styles_are_left_out_unless_they_are_wanted(site: Site) -> None:
    site.pages["/style.css"] = Page(200, {"Content-Type": "text/css"}, [b"p {}"])
    urls = [site.url("/style.css"), site.url("/b")]
    assert titles(read(url_node(urls=urls))) == ["B"]
    assert [row["content_type"] for row in read(url_node(urls=urls, filter_text_html=False))] == [
        "text/css",
        "text/html",
    ]


@pytest.mark.parametrize(("looks", "text"), [(True, "é"), (False, "\ufffd")])
def test_a_page_may_tell_its_own_encoding_when_it_is_asked(looks: bool, text: str, site: Site) -> None:
    site.pages["/"] = Page(200, {"Content-Type": "text/html"}, ["<meta charset=latin-1><p>é".encode("latin-1")])
    [row] = read(url_node(site, autoset_encoding=looks))
    assert row["text"] == text


def test_the_format_is_a_field(site: Site) -> None:
    [markdown] = read(url_node(site, format="Markdown"))
    [whole] = read(url_node(site, format="HTML"))
    assert markdown["text"].startswith("# Home")
    assert whole["text"].encode() == site.pages["/"].body[0]


@pytest.mark.parametrize("together", [True, False])
def test_pages_are_fetched_together_or_one_by_one(together: bool, site: Site) -> None:
    assert titles(read(url_node(site, max_depth=3, use_async=together))) == ["Home", "A", "B", "Deep"]


def test_a_crawl_fetches_so_many_pages_and_notes_the_rest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(crawling, "MAX_PAGES", 2)
    journal = journal_of(url_node(site, max_depth=3))
    assert len(site.asked) == 2
    assert "1 pages are left out: at most 2 are fetched." in notes(journal)


def test_a_crawl_ends_in_time_with_what_it_has(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(crawling, "MAX_SECONDS", -1.0)
    journal = journal_of(url_node(site))
    assert journal.outputs("u")["page_results"] == Table(
        ("text", "url", "title", "description", "content_type", "language")
    )
    assert notes(journal) == ["A page of 127.0.0.1 is left out: -1 s are over."]


def test_the_texts_have_so_many_characters_at_most(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """I10."""
    monkeypatch.setattr(crawling, "MAX_TEXT", 10)
    with pytest.raises(VertexFailed, match="more than 10 characters together"):
        journal_of(url_node(site))


def test_a_flow_shows_the_page_that_it_is_asked_for(load: Callable[[Exported], Graph], site: Site) -> None:
    """From the editor's own template: ChatInput → URL → ChatOutput."""
    site.pages["/hello"] = html("<p>Well met")
    fetch = from_palette("URLComponent.json", urls=[site.url("/hello")])
    end = node("ChatOutput", "out")
    journal = run(load(flow([fetch, end], [edge(fetch, "raw_results", end, "input_value")])))
    assert [record.message.text for record in journal.messages] == ["Well met"]
