"""The log as one AG-UI client sees it, from where it stands."""

from collections.abc import Iterator, Sequence

import orjson

from storage.cursor import START, Cursor
from storage.stream import Entry
from web.protocols.agui.events import WireEvent
from web.protocols.agui.interrupts import paused
from web.protocols.agui.translation import Outcome, Translation
from web.protocols.framing import frame
from web.protocols.place import OpenText, Place
from web.protocols.projection import View


class AguiProjection:
    """`agui`: one run from its start to its end, over all its pauses.

    What an event becomes depends on those before it, so the log is read from its start, and what the client has is left
    out. Price: a client that comes back costs a reading of what it has.
    """

    starts_at: Cursor = START
    outcome: Outcome | None = None
    """Of a run that has completed; Langflow tells none."""

    def __init__(self, view: View, place: Place) -> None:
        self._view = view
        self._place = place
        self._translation = Translation(view, self.outcome, restarts=place.interrupted or self.tells_pauses())
        self._cursor = START
        self._follows_text = place.text is not None
        """Whether the text that the client has begun is still to come."""
        self._has_arrived = False
        self._is_interrupted = place.interrupted
        """Whether the client's run has ended, so that another begins with what comes next."""

    def tells_pauses(self) -> bool:
        return False

    def wire(self, entries: Sequence[Entry]) -> bytes:
        return b"".join([framed for entry in entries for framed in self._frames(entry)])

    def at_rest(self, is_paused: bool) -> bytes:
        return b""

    def _frames(self, entry: Entry) -> Sequence[bytes]:
        self._cursor = entry.cursor
        is_had = self._place.has(entry.cursor)
        self._catch_up(entry.cursor, is_had)
        told = list(self._told(entry, starts_run=self._is_interrupted and not is_had))
        if is_had:
            return ()
        has_restarted, self._is_interrupted = self._is_interrupted and bool(told), self._is_interrupted and not told
        is_begun = self._place.part and entry.cursor == self._place.cursor
        frames = [
            frame(orjson.dumps(event), Place(entry.cursor, part % len(told), has_restarted and part < len(told), text))
            for part, (event, text) in enumerate(told, 1)
        ]
        return frames[self._place.part :] if is_begun else frames

    def _catch_up(self, cursor: Cursor, is_had: bool) -> None:
        """Takes over what the client has read, as soon as the text of it is there."""
        text, texts = self._place.text, self._translation.messages.texts
        if self._follows_text and text is not None and cursor > text.since:
            self._follows_text = False
            texts.settle(text)
        if not is_had and not self._has_arrived:
            self._has_arrived, self._follows_text = True, False
            is_just_opened = text is not None and text.since == cursor and not cursor.is_milestone
            texts.settle(None if is_just_opened else text)

    def _told(self, entry: Entry, *, starts_run: bool) -> Iterator[tuple[WireEvent, OpenText | None]]:
        """What an entry becomes, each with the text that the client is reading then. Behind a part of a milestone that
        is the text from before it, out of which it becomes the same again; a delta may be lost, so it is the text by
        now."""
        texts = self._translation.messages.texts
        before = texts.open
        beginning = [(event, before) for event in self._translation.restarted()] if starts_run else []
        events = list(self._with_text(entry))
        if events:
            events = [*beginning, *events]
        for part, (event, after) in enumerate(events, 1):
            is_whole = part == len(events) or not entry.cursor.is_milestone
            yield event, after if is_whole else before

    def _with_text(self, entry: Entry) -> Iterator[tuple[WireEvent, OpenText | None]]:
        for event in self._translation.events(entry):
            yield event, self._translation.messages.texts.open


class AguiInterruptProjection(AguiProjection):
    """`agui-interrupt`: as `agui`, but where the job stands still the run ends with what it waits for, and whoever
    comes back then reads another run (contract 4.6)."""

    outcome: Outcome | None = {"type": "success"}  # noqa: RUF012 - nobody changes it

    def tells_pauses(self) -> bool:
        return True

    def at_rest(self, is_paused: bool) -> bytes:
        self._catch_up(Cursor(self._cursor.seq, self._cursor.delta + 1), is_had=False)
        if self._is_interrupted:
            return b""
        translation = self._translation
        interrupts = list(translation.requests.interrupts(translation.messages.tool_calls))
        if is_paused:
            interrupts.append(paused(self._view.job_id))
        if not interrupts:
            return b""
        self._is_interrupted = True
        ended = [
            frame(orjson.dumps(event), Place(self._cursor)) for event in translation.messages.texts.finish(self._cursor)
        ]
        finished = translation.finished({"type": "interrupt", "interrupts": interrupts})
        return b"".join([*ended, frame(orjson.dumps(finished), Place(self._cursor, interrupted=True))])
