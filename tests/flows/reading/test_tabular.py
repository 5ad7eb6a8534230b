"""flows/reading/tabular.py: rows in texts."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.reading.tabular import JSON, JSON_LINES, MAX_CELLS, MAX_COLUMNS, csv_of, json_in, rows_of, table_in
from flows.values import Data, Json, Message, Table, Value

CSV, TSV = "text/csv", "text/tab-separated-values"

TABLES: Mapping[str, tuple[str, str, Table | None]] = {
    "lines of cells": (CSV, "a,b\n1,x\n", Table(("a", "b"), (("1", "x"),))),
    "quoted cells": (CSV, 'a,b\r\n"1,\n2","x ""y"""\r\n', Table(("a", "b"), (("1,\n2", 'x "y"'),))),
    "digits as they are": (CSV, "a\n007\n", Table(("a",), (("007",),))),
    "a short line": (CSV, "a,b\n1\n", Table(("a", "b"), (("1", None),))),
    "empty lines": (CSV, "\na\n\n1\n\n", Table(("a",), (("1",),))),
    "no line": (CSV, "", Table()),
    "names that are empty or come twice": (
        CSV,
        "a,,a,a.1\n1,2,3,4\n",
        Table(("a", "column.1", "a.1", "a.1.1"), (("1", "2", "3", "4"),)),
    ),
    "tabs": (TSV, "a\tb\n1\t2,3\n", Table(("a", "b"), (("1", "2,3"),))),
    "records": (JSON, '[{"a": 1}, {"b": [2]}]', Table(("a", "b"), ((1, None), (None, [2])))),
    "records in lines": (JSON_LINES, '{"a": 1}\n\n{"a": "\u2028"}\n', Table(("a",), ((1,), ("\u2028",)))),
    "a record": (JSON, '{"a": 1}', None),
    "a list of other things": (JSON, "[1, 2]", None),
    "no records": (JSON, "[]", None),
    "a text": ("text/plain", "a,b\n1,2", None),
}

REFUSED: Mapping[str, tuple[str, str, str]] = {
    "a long line": (CSV, "a\n1,2\n", "line 2 has 2 cells, the first line only 1"),
    "a quote that never ends": (CSV, 'a\n"1\n', "line 2: unexpected end of data"),
    "many cells": (CSV, "," * 999 + "\n" + "1\n" * 1_001, f"more than {MAX_COLUMNS} columns or {MAX_CELLS} cells"),
    "many columns": (CSV, "," * MAX_COLUMNS, f"more than {MAX_COLUMNS} columns or {MAX_CELLS} cells"),
    "many keys": (JSON, str([{f"k{n}": n} for n in range(2_000)]).replace("'", '"'), f"{MAX_CELLS} cells"),
    "no JSON": (JSON, "{", "it is no JSON: "),
    "no JSON in a line": (JSON_LINES, '{"a": 1}\nx', "line 2 is no JSON: "),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_text_holds_a_table_or_none(case: str) -> None:
    media_type, text, table = TABLES[case]
    assert table_in(text, media_type) == table


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_or_too_large_is_refused_with_its_place(case: str) -> None:
    media_type, text, reason = REFUSED[case]
    with pytest.raises(ValueError, match=reason):
        table_in(text, media_type)


@pytest.mark.parametrize(
    ("media_type", "text", "value"),
    [(JSON, '{"a": [1.5, null]}', {"a": [1.5, None]}), (JSON, '"x"', "x"), (JSON_LINES, "1\n2\n", [1, 2])],
)
def test_a_text_holds_json(media_type: str, text: str, value: Json) -> None:
    assert json_in(text, media_type) == value


def test_a_text_of_another_kind_holds_no_json() -> None:
    with pytest.raises(ValueError, match="it is text/csv and no JSON"):
        json_in("1", CSV)


@pytest.mark.parametrize(
    ("value", "table"),
    [
        (Table(("a",), ((1,),)), Table(("a",), ((1,),))),
        (Data({"a": 1, "b": 2}), Table(("a", "b"), ((1, 2),))),
        ({"a": 1}, Table(("a",), ((1,),))),
        ([{"a": 1}, {"b": 2}], Table(("a", "b"), ((1, None), (None, 2)))),
        (Message('[{"a": 1}]'), Table(("a",), ((1,),))),
        ('{"a": 1}', Table(("a",), ((1,),))),
        ("[1, 2]", Table(("text",), (("[1, 2]",),))),
        (Message("hello"), Table(("text",), (("hello",),))),
        ([], Table()),
    ],
)
def test_a_value_is_rows(value: Value, table: Table) -> None:
    assert rows_of(value) == table


@pytest.mark.parametrize("value", [5, None, [1], [{"a": 1}, "b"]])
def test_a_value_without_records_is_no_rows(value: Value) -> None:
    with pytest.raises(ValueError, match="rows are made of a table, of records or of a text"):
        rows_of(value)


def test_rows_are_written_as_csv() -> None:
    table = Table(("a", "b,c"), (("1\n2", 'x "y"'), (None, {"n": [1]})))
    assert csv_of(table) == 'a,"b,c"\r\n"1\n2","x ""y"""\r\n,"{""n"":[1]}"\r\n'


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2), max_size=4))
def test_texts_come_back_from_csv_as_they_were(rows: list[list[str]]) -> None:
    table = Table(("a", "b"), tuple(tuple(row) for row in rows))
    assert table_in(csv_of(table), CSV) == table
