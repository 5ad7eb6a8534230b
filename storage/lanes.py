"""The two lines in which jobs wait: a sync or stream run never waits behind a backlog of background runs."""

from enum import StrEnum

from storage.states import Mode


class Lane(StrEnum):
    """A line of queued jobs, and the queue of hints for them."""

    INTERACTIVE = "interactive"
    """Runs that somebody waits for."""
    BACKGROUND = "background"

    @property
    def modes(self) -> list[Mode]:
        """The modes whose jobs wait here."""
        return [mode for mode in Mode if lane_of(mode) is self]


def lane_of(mode: Mode) -> Lane:
    """Where jobs of a mode wait."""
    return Lane.BACKGROUND if mode is Mode.BACKGROUND else Lane.INTERACTIVE
