"""Somebody who waits finds a thread, however many background runs there are."""

import pytest

from actors.lanes import bounds
from storage.lanes import Lane, lane_of
from storage.states import Mode


@pytest.mark.parametrize("threads", range(1, 257))
def test_background_runs_leave_threads_free(threads: int) -> None:
    """They never take the last thread but one there is alone, and always at least half; interactive ones take all."""
    bound = bounds(threads)
    assert bound.keys() == set(Lane)
    assert bound[Lane.INTERACTIVE] == threads
    assert bound[Lane.BACKGROUND] >= 1
    assert bound[Lane.BACKGROUND] < threads or threads == 1
    assert bound[Lane.BACKGROUND] >= threads / 2


def test_a_quarter_is_kept() -> None:
    """What the settings say about the threads."""
    assert {threads: threads - bounds(threads)[Lane.BACKGROUND] for threads in (2, 4, 8, 16)} == {
        2: 1,
        4: 1,
        8: 2,
        16: 4,
    }


@pytest.mark.parametrize(
    ("mode", "lane"),
    [
        (Mode.SYNC, Lane.INTERACTIVE),
        (Mode.STREAM, Lane.INTERACTIVE),
        (Mode.BACKGROUND, Lane.BACKGROUND),
    ],
)
def test_every_mode_has_its_lane(mode: Mode, lane: Lane) -> None:
    """Who waits for the result goes one way, who comes back for it the other."""
    assert lane_of(mode) is lane
