"""What arXiv answers a search with, as tests serve it."""

from collections.abc import Sequence

from tests.flows.outbound.site import Page

ATOM = {"Content-Type": "application/atom+xml; charset=utf-8"}
_FEED = (
    '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
    "<title>arXiv Query</title><id>http://arxiv.org/api/q</id>{}</feed>"
)
_PAPER = """<entry><id>http://arxiv.org/abs/2601.0000{number}v1</id><updated>2026-01-06T00:00:00Z</updated>
<published>2026-01-05T00:00:00Z</published><title>{title}</title><summary>  Where $a &lt; b$,
  gates open.
</summary><author><name>Ada Lock</name></author><author><name>Bo Weir</name></author>
<arxiv:comment xmlns:arxiv="http://arxiv.org/schemas/atom">9 pages</arxiv:comment>
<arxiv:journal_ref xmlns:arxiv="http://arxiv.org/schemas/atom">Gates 7</arxiv:journal_ref>
<link href="http://arxiv.org/abs/2601.0000{number}v1" rel="alternate" type="text/html"/>
<link title="pdf" href="http://arxiv.org/pdf/2601.0000{number}v1" rel="related" type="application/pdf"/>
<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.AI"/>
<category term="cs.AI"/><category term="cs.LG"/></entry>"""
REFUSED = (
    "<entry><id>http://arxiv.org/api/errors#incorrect_id_format</id><title>Error</title>"
    "<summary>incorrect id format for x</summary></entry>"
)


def preprints(titles: Sequence[str]) -> Page:
    """An answer that holds papers of these titles."""
    papers = [_PAPER.format(number=number, title=title) for number, title in enumerate(titles, 1)]
    return atom("".join(papers))


def atom(entries: str, status: int = 200) -> Page:
    return Page(status, ATOM, [_FEED.format(entries).encode()])
