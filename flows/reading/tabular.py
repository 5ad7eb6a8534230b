"""Rows in texts: those that CSV, TSV, JSON and JSON lines hold, and rows as CSV."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

import orjson

from flows.text import to_text
from flows.values import Data, Json, Message, Table, Value

MAX_CELLS = 1_000_000
"""Cells of a table (I10); empty ones count."""
MAX_COLUMNS = 5_000
"""Columns of a table (I10)."""
_DELIMITERS: Mapping[str, str] = {"text/csv": ",", "text/tab-separated-values": "\t"}
JSON_LINES = "application/jsonl"
JSON = "application/json"


def table_in(text: str, media_type: str) -> Table | None:
    """The table that a file of a kind holds; None for one that holds none. Raises `ValueError`."""
    if media_type in _DELIMITERS:
        return _delimited(text, _DELIMITERS[media_type])
    if media_type in (JSON, JSON_LINES):
        records = json_in(text, media_type)
        if isinstance(records, list) and records and all(isinstance(record, dict) for record in records):
            return table_of([record for record in records if isinstance(record, dict)])
    return None


def json_in(text: str, media_type: str) -> Json:
    """What a JSON file holds; of JSON lines a list. Raises `ValueError`, for any other kind too."""
    if media_type == JSON_LINES:
        return [_parsed(line, f"line {number}") for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if media_type != JSON:
        raise ValueError(f"it is {media_type} and no JSON")
    return _parsed(text, "it")


def table_of(records: Sequence[Mapping[str, Json]]) -> Table:
    """The records as rows; the columns are all of their entries, in the order in which they come up."""
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    _check_size(len(records), len(columns))
    return Table(columns, tuple(tuple(record.get(name) for name in columns) for record in records))


def rows_of(value: Value) -> Table:
    """A value as rows: a table as it is, a row for each record, and a single cell for a text that holds no records.

    Raises `ValueError` for a list of anything but records."""
    match value:
        case Table():
            return value
        case Data():
            return table_of([value.data])
        case dict():
            return table_of([value])
        case list() if all(isinstance(item, dict) for item in value):
            return table_of([item for item in value if isinstance(item, dict)])
        case Message() | str():
            return _rows_in(to_text(value))
    raise ValueError("rows are made of a table, of records or of a text")


def csv_of(table: Table) -> str:
    """The table as a CSV file, its names in the first line; a cell that is no text stands as JSON, none as nothing."""
    written = StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(table.columns)
    lines.writerows([to_text(cell) for cell in row] for row in table.rows)
    return written.getvalue()


def _rows_in(text: str) -> Table:
    """The rows of a text: of JSON records, as models write them, or the text in one cell."""
    try:
        held = orjson.loads(text)
    except orjson.JSONDecodeError:
        held = None
    records = [held] if isinstance(held, dict) else held
    if isinstance(records, list) and records and all(isinstance(record, dict) for record in records):
        return table_of(records)
    return Table(("text",), ((text,),))


def _delimited(text: str, delimiter: str) -> Table:
    """Every cell as its text, for `007` is no number to whoever wrote it; an empty line is no row."""
    lines = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = next((line for line in lines if line), [])
        _check_size(0, len(header))
        columns = _named(header)
        rows = []
        for row in lines:
            if row:
                rows.append(_filled(row, len(columns), lines.line_num))
                _check_size(len(rows), len(columns))
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num}: {error}") from None
    return Table(columns, tuple(rows))


def _filled(row: list[str], width: int, line: int) -> tuple[str | None, ...]:
    if len(row) > width:
        raise ValueError(f"line {line} has {len(row)} cells, the first line only {width}")
    return (*row, *([None] * (width - len(row))))


def _named(names: Sequence[str]) -> tuple[str, ...]:
    """The names of columns, each once: one that is empty or was there before is numbered."""
    named: dict[str, None] = {}
    for name in names:
        named[next(candidate for candidate in _candidates(name.strip()) if candidate not in named)] = None
    return tuple(named)


def _candidates(name: str) -> Iterator[str]:
    if name:
        yield name
    number = 1
    while True:
        yield f"{name or 'column'}.{number}"
        number += 1


def _check_size(rows: int, columns: int) -> None:
    if columns > MAX_COLUMNS or rows * columns > MAX_CELLS:
        raise ValueError(f"it has more than {MAX_COLUMNS} columns or {MAX_CELLS} cells")


def _parsed(text: str, what: str) -> Json:
    try:
        parsed: Json = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{what} is no JSON: {error}") from None
    return parsed
