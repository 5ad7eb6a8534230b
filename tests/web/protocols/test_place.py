"""What a client sends as its place may be invented."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.cursor import Cursor
from tests.web.protocols.agui.logs import Log, logs
from web.protocols import PROTOCOLS
from web.protocols.place import OpenText, Place
from web.protocols.projection import View

SMALL = st.integers(0, 40) | st.sampled_from([999_999_999])
CURSORS = st.builds(Cursor, SMALL, SMALL)
TEXTS = st.builds(OpenText, number=SMALL, since=CURSORS, length=SMALL, check=st.integers(0, 2**32 - 1))
PLACES = st.builds(Place, CURSORS, SMALL, st.booleans(), st.none() | TEXTS)


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@given(log=logs(), claimed=PLACES, exposed=st.booleans())
@settings(deadline=None, max_examples=50)
def test_an_invented_place_is_no_defect(protocol: str, log: Log, claimed: Place, exposed: bool) -> None:
    """Whoever claims one harms nobody: it is told something, or nothing is known of the place."""
    place = Place.parse(str(claimed))
    if place is not None:
        projection = PROTOCOLS[protocol](View(exposed, "j", "thread", "run"), place)
        projection.wire(log.entries)
        projection.at_rest(is_paused=True)


def test_texts_are_counted_from_one() -> None:
    """There is no text before the first."""
    assert Place.parse("4~0:2:1:ff") is None
    assert Place.parse("4~1:2:1:ff") == Place(Cursor(4), text=OpenText(1, Cursor(2), 1, 255))
