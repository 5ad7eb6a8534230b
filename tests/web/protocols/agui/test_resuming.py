"""Whoever loses the connection and comes back ends up with what an uninterrupted client got (I4)."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.events import DELTAS, end
from storage.stream import Entry
from tests.web.protocols.agui.logs import Log, Writer, logs
from tests.web.protocols.agui.reader import Framed, Reader, framed
from web.protocols import PROTOCOLS
from web.protocols.place import BEGINNING, Place
from web.protocols.projection import Projection, View

AGUI = ("agui", "agui-interrupt")
EXPOSED = st.booleans()
"""Whether the client sees the state of the graph."""


def attached(protocol: str, exposed: bool, id: str | None = None) -> Projection:
    """A client that comes, or comes back with the last id that it has read."""
    place = BEGINNING if id is None else Place.parse(id)
    assert place is not None
    return PROTOCOLS[protocol](View(exposed, "j", "thread", "run"), place)


def served(projection: Projection, entries: Sequence[Entry]) -> list[Framed]:
    """What a client is sent of a log, as the hub gives it: behind the place where its reading starts."""
    return framed_any(projection.wire([entry for entry in entries if entry.cursor > projection.starts_at]))


def framed_any(wire: bytes) -> list[Framed]:
    if b'"event":' in wire[:20]:
        blocks = wire.decode().split("\n\n")[:-1]
        pairs = [block.split("\n") for block in blocks]
        return [Framed(id.removeprefix("id: "), orjson.loads(data.removeprefix("data: "))) for data, id in pairs]
    return framed(wire)


def interrupted(protocol: str, exposed: bool, entries: Sequence[Entry], cuts: Sequence[int]) -> list[Framed]:
    """What a client has in the end that lost its connection each time behind so many frames."""
    got = served(attached(protocol, exposed), entries)
    for cut in cuts:
        kept = got[: cut % (len(got) + 1)]
        rest = served(attached(protocol, exposed, kept[-1].id if kept else None), entries)
        got = [*kept, *rest]
    return got


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@given(exposed=EXPOSED, log=logs(), cuts=st.lists(st.integers(0, 500), min_size=1, max_size=3))
@settings(deadline=None, max_examples=80)
def test_a_cut_anywhere_costs_nothing(protocol: str, exposed: bool, log: Log, cuts: list[int]) -> None:
    """While the stream holds the tokens, the frames are the same, one for one."""
    whole = served(attached(protocol, exposed), log.entries)
    assert interrupted(protocol, exposed, log.entries, cuts) == whole


@pytest.mark.parametrize("protocol", AGUI)
@given(
    exposed=EXPOSED,
    log=logs(),
    losses=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 2**16 - 1)), min_size=1, max_size=3),
)
@settings(deadline=None, max_examples=80)
def test_lost_tokens_cost_no_text(protocol: str, exposed: bool, log: Log, losses: list[tuple[int, int]]) -> None:
    """When the stream has lost any tokens meanwhile, all that the log stores is still told, once and in order."""
    got, held = served(attached(protocol, exposed), log.entries), log.entries
    for cut, lost in losses:
        kept = got[: cut % (len(got) + 1)]
        held = [one for place, one in enumerate(held) if one.type not in DELTAS or not lost >> place % 16 & 1]
        got = [*kept, *served(attached(protocol, exposed, kept[-1].id if kept else None), held)]
    found, stored = Reader().read(got), Reader().read(served(attached(protocol, exposed), _milestones(log.entries)))
    assert not found.is_running
    assert (found.calls, found.results) == (stored.calls, stored.results)
    assert _durable(found.others) == _durable(stored.others)
    assert _by_message(stored.texts).keys() <= _by_message(found.texts).keys()
    for message_id, texts in _by_message(stored.texts).items():
        assert texts <= _by_message(found.texts)[message_id]


@pytest.mark.parametrize("protocol", AGUI)
def test_what_a_message_said_in_vain_moves_no_other_text(protocol: str) -> None:
    """Of a message that ends otherwise than it was told another text is begun, which is not missed by whoever comes
    back when the tokens are lost, and reads the text of the next message."""
    log = Log()
    first, next = Writer("m0", ()), Writer("m1", ())
    first.step(log, "open", "")
    first.step(log, "token", "in vain")
    first.step(log, "otherwise", "no")
    next.step(log, "open", "")
    next.step(log, "token", "a")
    reading = served(attached(protocol, True), log.entries)
    next.step(log, "token", "b")
    next.step(log, "done", "")
    log.milestone(end("completed", 1.0))
    held = [entry for entry in log.entries if entry.type not in DELTAS or entry.cursor.seq > 1]
    found = Reader().read([*reading, *served(attached(protocol, True, reading[-1].id), held)])
    assert found.texts == {"m0": "in vain", "m0:2": "no!", "m1": "ab"}


@pytest.mark.parametrize("protocol", AGUI)
@given(exposed=EXPOSED, log=logs())
@settings(deadline=None, max_examples=80)
def test_every_stream_is_valid(protocol: str, exposed: bool, log: Log) -> None:
    """One run, one text at a time, nothing twice, and nothing behind its end."""
    read = Reader().read(served(attached(protocol, exposed), log.entries))
    assert read.runs == 1
    assert not read.is_running


def _milestones(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.type not in DELTAS]


def _by_message(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """What each chat message says, in one stretch or several."""
    found: dict[str, set[str]] = {}
    for id, text in texts.items():
        found.setdefault(id.partition(":")[0], set()).add(text)
    return found


def _durable(others: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What does not tell of a delta."""
    return [one for one in others if not (one["type"] == "CUSTOM" and _is_delta(one))]


def _is_delta(custom: Mapping[str, Any]) -> bool:
    return custom["name"] == "langflow.log" or custom["value"].get("event_type") in DELTAS
