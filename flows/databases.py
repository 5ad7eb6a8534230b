"""The databases that a flow may ask, as its components see them."""

from typing import Protocol

from flows.errors import FlowError
from flows.values import Table

MAX_ROWS = 10_000
"""Rows of one answer at most (I10)."""
MAX_BYTES = 10_000_000
"""Bytes of one answer at most, its rows as JSON."""
MAX_CELL_BYTES = 1_000_000
"""Bytes of one row at most."""
MAX_QUERY = 100_000
"""Characters of one query at most."""
SECONDS = 30.0
"""How long one query may take, connecting included."""


class DatabaseRefused(FlowError):
    """A database may not be asked, or not in this way."""


class QueryFailed(FlowError):
    """A query came to nothing; the message says why, in the database's words."""


class Databases(Protocol):
    """Where a run asks databases."""

    async def ask(self, url: str, query: str) -> Table:
        """The answer to one query that only reads, without holding up the loop. Raises `DatabaseRefused`,
        `QueryFailed`, and `OutboundFailed` for a server that may not be, or cannot be, called."""


class NoDatabases:
    """The databases of a run that has none."""

    async def ask(self, url: str, query: str) -> Table:
        raise DatabaseRefused("No databases can be asked here.")
