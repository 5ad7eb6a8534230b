"""Reads a stream of server-sent events by the letter of the standard: only CR, LF or both end a line."""

import re
from collections.abc import Iterator, Mapping

_LINE_END = re.compile(rb"\r\n|\r|\n")


def blocks(stream: bytes) -> Iterator[list[tuple[str, str]]]:
    """The fields of each block in their order; a comment is a field without a name."""
    assert stream.endswith(b"\n\n"), "the last block is not closed"
    fields: list[tuple[str, str]] = []
    for line in _LINE_END.split(stream):
        if not line:
            if fields:
                yield fields
            fields = []
            continue
        name, _, value = line.decode().partition(":")
        fields.append((name, value.removeprefix(" ")))


def events(stream: bytes) -> Iterator[Mapping[str, str]]:
    """The blocks that have data."""
    for fields in blocks(stream):
        if any(name == "data" for name, _ in fields):
            assert len(dict(fields)) == len(fields), "a field stands twice in one block"
            yield dict(fields)
