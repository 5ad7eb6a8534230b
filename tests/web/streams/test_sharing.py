"""A process tells many clients of their jobs, each in its turn."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from itertools import pairwise

from flows.events import EventType
from storage.cursor import START, Cursor
from storage.stream import Entry
from web.streams.following import Rest
from web.streams.sse import PART_BYTES, event_stream

LARGE = b" " * PART_BYTES


class Witness:
    """A projection that has nothing to say, and takes note of who had a turn while it looked for it."""

    starts_at = START

    def __init__(self) -> None:
        self.turns_of_others = 0
        self.seen: list[tuple[int, int]] = []

    def tells_pauses(self) -> bool:
        return False

    def wire(self, entries: Sequence[Entry]) -> bytes:
        self.seen += [(entry.cursor.seq, self.turns_of_others) for entry in entries]
        return b""

    def at_rest(self, is_paused: bool) -> bytes:
        return b""


async def catch_up(witness: Witness, entries: Sequence[Entry]) -> None:
    async def batches() -> AsyncGenerator[Sequence[Entry] | Rest]:
        yield entries

    async def other() -> None:
        while True:
            witness.turns_of_others += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(other())
    async for _ in event_stream(batches(), witness, {}, ExitStack()).body_iterator:
        pass
    waiting.cancel()


def test_others_have_their_turn_while_a_client_catches_up() -> None:
    """However much of a log it has to be told, and however little comes of it, all of it in order."""
    witness = Witness()
    entries = [Entry(Cursor(seq), EventType.WARNING, LARGE, False) for seq in range(1, 6)]
    asyncio.run(catch_up(witness, [*entries, Entry(Cursor(6), EventType.END, b"{}", True)]))
    seqs, turns = zip(*witness.seen, strict=True)
    assert seqs == (1, 2, 3, 4, 5, 6)
    assert all(later > earlier for earlier, later in pairwise(turns[:5]))
