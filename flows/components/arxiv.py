"""ArXivComponent: papers on arXiv."""

from typing import ClassVar, Literal

from pydantic import Field

from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.reading.arxiv import MAX_PAPERS
from flows.reading.searching import MAX_QUERY
from flows.reading.tabular import table_of

_PREFIXES = {"all": "", "title": "ti:", "abstract": "abs:", "author": "au:", "cat": "cat:"}
"""How arXiv is told where to look; without a prefix the query may name that itself."""


class ArxivFields(Inputs):
    search_query: Text = ""
    search_type: Literal["all", "title", "abstract", "author", "cat"] = "all"
    max_results: int = Field(10, ge=1)


class Arxiv(Component[ArxivFields]):
    """Finds papers: a row for each, with its title, summary, authors, categories, dates and links."""

    types = ("ArXivComponent",)
    inputs = ArxivFields
    outputs: ClassVar = {"dataframe": Port(("Table",))}
    actions: ClassVar = {"search_papers_dataframe": "dataframe"}
    effect = Effect.IDEMPOTENT

    async def build(self, inputs: ArxivFields, context: VertexContext) -> Outputs:
        query = inputs.search_query.strip()
        if not query:
            raise ValueError("nothing is asked for. Fill in the field Search Query, or connect something to it.")
        if len(query) > MAX_QUERY:
            raise ValueError(f"the query has more than {MAX_QUERY} characters.")
        count = min(inputs.max_results, MAX_PAPERS)
        return {"dataframe": table_of(await context.tools.arxiv.papers(_PREFIXES[inputs.search_type] + query, count))}
