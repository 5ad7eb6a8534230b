"""How a value reads where text is wanted."""

import re
from collections.abc import Callable

import orjson

from flows.values import Data, LanguageModel, Message, Table, Tool, Value


def to_text(value: Value) -> str:
    """The text of a value: a message's text, a record's text entry or JSON, a table as a Markdown table."""
    match value:
        case str():
            return value
        case None:
            return ""
        case Message():
            return value.text
        case Data():
            return _data_text(value)
        case Table():
            return _table_text(value)
        case LanguageModel():
            return value.name
        case Tool():
            return value.vertex_id
        case _:
            return orjson.dumps(value).decode()


def storable(text: str) -> str:
    """The text with a replacement character for each half of a pair that stands alone, which no store takes."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


MAX_TEXT = 10_000_000
"""Characters that a component may put together at most (I10): templates multiply what they are filled with."""


def fill(template: str, variable: re.Pattern[str], value: Callable[[re.Match[str]], str], limit: int = MAX_TEXT) -> str:
    """The template with every match of `variable` replaced. Raises `ValueError` before it grows beyond `limit`."""
    pieces: list[str] = []
    length = end = 0
    for found in variable.finditer(template):
        pieces += (template[end : found.start()], value(found))
        length += len(pieces[-2]) + len(pieces[-1])
        end = found.end()
        if length > limit:
            raise ValueError(f"the text would grow beyond {MAX_TEXT} characters")
    return "".join((*pieces, template[end:]))


def _data_text(value: Data) -> str:
    text = value.data.get(value.text_key)
    return text if isinstance(text, str) else orjson.dumps(dict(value.data), option=orjson.OPT_INDENT_2).decode()


def _table_text(table: Table) -> str:
    if not table.columns:
        return ""
    lines = [_row(table.columns), _row(tuple("---" for _ in table.columns))]
    lines += [_row(tuple(to_text(cell) for cell in row)) for row in table.rows]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
