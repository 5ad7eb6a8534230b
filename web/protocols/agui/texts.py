"""Texts of assistant messages as AG-UI tells them: one open at a time, whole in the end, and no piece twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from storage.cursor import START, Cursor
from web.protocols.agui.events import WireEvent, text_content, text_end, text_start
from web.protocols.place import OpenText


@dataclass
class Text:
    """One stretch of text of a chat message: all that it says, or one turn of an agent between its calls of tools."""

    number: int
    id: str
    """The AG-UI message that it is."""
    told: int = 0
    """Characters that the client has."""
    check: int = 0
    """Their CRC-32."""
    pending: str = ""
    """What is known behind them and waits until the client may have it."""
    has_hole: bool = False
    """Whether tokens were lost, so that no more is told before the stored text."""
    since: Cursor = START

    def learn(self, chunk: str, at: int | None) -> None:
        """One more token, that stands behind `at` characters."""
        known = self.told + len(self.pending)
        if at is None or at > known:
            self.has_hole = True
        if not self.has_hole and at is not None:
            self.pending += chunk[known - at :]

    def fits(self, full: str) -> bool:
        """Whether the stored text goes on from what the client has."""
        return len(full) >= self.told and crc32(full[: self.told].encode()) == self.check

    def stored(self, full: str) -> None:
        """The text as it is stored, which fits."""
        self.pending, self.has_hole = full[self.told :], False


class Texts:
    """All texts of a run. What a method yields is told in this order; `open` is right after each event.

    Which texts there are, and when they end, follows from milestones alone: a client that comes back when the tokens
    are lost finds the same texts, and gets of each what it lacks.
    """

    def __init__(self) -> None:
        self._all: list[Text] = []
        self._of_message: Counter[str] = Counter()
        self._current: dict[str, Text] = {}
        """By the id of their chat messages, those that may go on."""
        self._open: Text | None = None
        self._ended: list[Text] = []
        """Those that are whole, and wait for the open one to end."""
        self._complete: dict[str, int] = {}
        """The chat messages that are complete, with the CRC-32 of what they say."""

    @property
    def open(self) -> OpenText | None:
        """What the client is reading."""
        text = self._open
        return None if text is None else OpenText(text.number, text.since, text.told, text.check)

    def settle(self, open: OpenText | None) -> None:
        """Takes note of what the client has read of which text, whatever tokens are at hand here. It has nothing of
        those that may go on beside it, and all of those that ended before it began."""
        was, self._open = self._open, None
        if open is not None and open.number <= len(self._all):
            self._open = text = self._all[open.number - 1]
            text.told, text.check, text.since = open.length, open.check, open.since
            text.pending, text.has_hole = "", False
        if self._open is None or self._open is not was:
            self._ended = []
        for text in self._current.values():
            if text is not self._open and text.told:
                text.told, text.check, text.pending, text.has_hole = 0, 0, "", True

    def knows(self, message_id: str) -> bool:
        """Whether a chat message has been opened, and may go on."""
        return message_id in self._current

    def id_of(self, message_id: str) -> str:
        """The AG-UI message that a chat message now fills, or will fill next."""
        return self._text(message_id).id

    def begin(self, message_id: str, so_far: str, cursor: Cursor) -> Iterator[WireEvent]:
        """A chat message is open, and says this so far."""
        text = self._text(message_id)
        if so_far and text.fits(so_far):
            text.stored(so_far)
            yield from self._tell(text, cursor)

    def go_on(self, message_id: str, chunk: str, at: int | None, cursor: Cursor) -> Iterator[WireEvent]:
        """A token of a chat message."""
        text = self._current.get(message_id)
        if text is not None:
            text.learn(chunk, at)
            yield from self._tell(text, cursor)

    def turn(self, message_id: str, said: str | None, cursor: Cursor) -> Iterator[WireEvent]:
        """A chat message is empty again, and will go on with another text; what this one `said` may be stored."""
        text = self._text(message_id)
        if said is not None and text.fits(said):
            text.stored(said)
        del self._current[message_id]
        yield from self._end(text, cursor)

    def complete(self, message_id: str, full: str, cursor: Cursor) -> Iterator[WireEvent]:
        """A chat message is complete. It is told once, unless it says something else now."""
        if not self.knows(message_id) and self._complete.get(message_id) == crc32(full.encode()):
            return
        self._complete[message_id] = crc32(full.encode())
        text = self._text(message_id)
        # Taken in any case: whether it is needed may follow from tokens that are lost when the client comes back.
        instead = self._new(message_id)
        if not text.fits(full):
            yield from self._end(text, cursor)
            text = instead
        text.stored(full)
        del self._current[message_id]
        yield from self._end(text, cursor, even_empty=True)

    def drop(self, message_id: str, cursor: Cursor) -> Iterator[WireEvent]:
        """A chat message is taken back."""
        self._complete.pop(message_id, None)
        text = self._current.pop(message_id, None)
        if text is not None:
            text.pending = ""
            yield from self._end(text, cursor)

    def finish(self, cursor: Cursor) -> Iterator[WireEvent]:
        """The run is over: what is open ends as it is, and what never began is not told."""
        if self._open is not None:
            yield from self._end(self._open, cursor)

    def _text(self, message_id: str) -> Text:
        if message_id not in self._current:
            self._current[message_id] = self._new(message_id)
        return self._current[message_id]

    def _new(self, message_id: str) -> Text:
        self._of_message[message_id] += 1
        nth = self._of_message[message_id]
        text = Text(len(self._all) + 1, message_id if nth == 1 else f"{message_id}:{nth}")
        self._all.append(text)
        return text

    def _tell(self, text: Text, cursor: Cursor) -> Iterator[WireEvent]:
        if text.pending and self._open is None:
            yield self._start(text, cursor)
        if text.pending and self._open is text:
            yield self._content(text)

    def _end(self, text: Text, cursor: Cursor, *, even_empty: bool = False) -> Iterator[WireEvent]:
        is_said = bool(text.told or text.pending)
        if self._open is text:
            yield from self._close(text)
            for waiting in self._ended:
                yield from self._whole(waiting, cursor)
            self._ended = []
        elif text.pending or (even_empty and not is_said):
            if self._open is None:
                yield from self._whole(text, cursor)
            else:
                self._ended.append(text)

    def _whole(self, text: Text, cursor: Cursor) -> Iterator[WireEvent]:
        yield self._start(text, cursor)
        yield from self._close(text)

    def _start(self, text: Text, cursor: Cursor) -> WireEvent:
        self._open, text.since = text, cursor
        return text_start(text.id)

    def _content(self, text: Text) -> WireEvent:
        chunk, text.pending = text.pending, ""
        text.told += len(chunk)
        text.check = crc32(chunk.encode(), text.check)
        return text_content(text.id, chunk)

    def _close(self, text: Text) -> Iterator[WireEvent]:
        if text.pending:
            yield self._content(text)
        self._open = None
        yield text_end(text.id)
