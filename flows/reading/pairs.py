"""Names and values, as the editor's tables of two columns, records and tables have them."""

import re
from collections.abc import Mapping
from typing import Any

from flows.text import to_text
from flows.values import Data, Json, Table

KEY, VALUE = "key", "value"
"""The columns of such a table."""
MAX_PAIRS = 200
"""Pairs at most (I10)."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
_OF_CONNECTION = ("connection", "content-length", "host", "transfer-encoding", "upgrade")


def pairs(given: Any) -> dict[str, Json]:
    """The values by name; a row without a name is none, of two with the same name the last one counts.

    Raises `ValueError` for what has no names and values, and for more than `MAX_PAIRS`.
    """
    found = {name: value for name, value in _pairs(given).items() if name}
    if len(found) > MAX_PAIRS:
        raise ValueError(f"there are more than {MAX_PAIRS} names")
    return found


def header_pairs(given: Any) -> dict[str, str]:
    """The same for HTTP headers. Raises `ValueError` for one that cannot be sent, without its value: that may be a
    secret."""
    headers = {name: to_text(value).strip() for name, value in pairs(given).items()}
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if name.lower() in _OF_CONNECTION:
            raise ValueError(f"the header {name!r} is set by itself. Leave it out")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the header {name!r} has a value that is no plain text of one line")
    return headers


def _pairs(given: Any) -> dict[str, Json]:
    match given:
        case None | "":
            return {}
        case Data():
            return dict(given.data)
        case Table():
            return _pairs(given.records())
        case Mapping():
            return {str(name): value for name, value in given.items()}
        case list() | tuple():
            return {name: value for item in given for name, value in _row(item).items()}
    raise ValueError("give a table of names and values, or a record")


def _row(item: Any) -> dict[str, Json]:
    """A row of a table, or a record that an edge brought among others."""
    if not isinstance(item, Mapping):
        return _pairs(item)
    if KEY not in item:
        raise ValueError(f"a row of the table has no {KEY!r}")
    return {to_text(item[KEY]).strip(): item.get(VALUE)}
