"""What is taken of an answer, and no more."""

from collections.abc import Sequence

import orjson

from flows.databases import MAX_BYTES, MAX_ROWS, QueryFailed
from flows.values import Json, Table


class Answer:
    """Rows as they come, until there are too many."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Raises `QueryFailed` when two columns have one name: a record could hold one of them only."""
        twice = next((name for name in columns if columns.count(name) > 1), None)
        if twice is not None:
            raise QueryFailed(f"Two columns of the answer are called {twice!r}. Tell them apart with AS.")
        self._columns = tuple(columns)
        self._rows: list[tuple[Json, ...]] = []
        self._size = 0

    def add(self, row: tuple[Json, ...]) -> None:
        """Raises `QueryFailed` for a row beyond the bounds (I10)."""
        self._rows.append(row)
        self._size += len(orjson.dumps(row))
        if len(self._rows) > MAX_ROWS:
            raise QueryFailed(f"The answer has more than {MAX_ROWS} rows. Ask for fewer with LIMIT.")
        if self._size > MAX_BYTES:
            raise QueryFailed(f"The answer has more than {MAX_BYTES} bytes. Ask for fewer rows or columns.")

    @property
    def table(self) -> Table:
        return Table(self._columns, tuple(self._rows))
