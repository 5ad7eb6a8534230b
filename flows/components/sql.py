"""SQLComponent: asks a database, and changes nothing in it."""

from typing import ClassVar

from pydantic import Field

from flows.component import Component, Effect, Inputs, Outputs, Port, Text
from flows.context import VertexContext
from flows.databases import MAX_QUERY, QueryFailed
from flows.values import Table


class SqlFields(Inputs):
    database_url: Text = Field("", repr=False)
    query: Text = ""
    include_columns: bool = True
    add_error: bool = False


class Sql(Component[SqlFields]):
    """Puts out the rows of a query. A query that fails fails the vertex, or is told in the table with `add_error`."""

    types = ("SQLComponent",)
    inputs = SqlFields
    outputs: ClassVar = {"run_sql_query": Port(("Table",))}
    actions: ClassVar = {"run_sql_query": "run_sql_query"}
    effect = Effect.IDEMPOTENT

    async def build(self, inputs: SqlFields, context: VertexContext) -> Outputs:
        return {"run_sql_query": await ask(inputs, context)}


async def ask(inputs: SqlFields, context: VertexContext) -> Table:
    """The rows of the query; without `include_columns` the columns are numbered."""
    url, query = inputs.database_url.strip(), inputs.query.strip()
    if not url:
        raise ValueError("no database is named. Fill in the field Database URL, as postgresql://user@host/name.")
    if not query:
        raise ValueError("no query is given. Fill in the field SQL Query, or connect something to it.")
    if len(query) > MAX_QUERY:
        raise ValueError(f"the query has more than {MAX_QUERY} characters.")
    try:
        table = await context.tools.databases.ask(url, query)
    except QueryFailed as failure:
        if not inputs.add_error:
            raise
        return Table(("error", "query"), ((str(failure), query),))
    return table if inputs.include_columns else Table(tuple(map(str, range(len(table.columns)))), table.rows)
