"""What somebody may have meant who wrote a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3
"""Names that are offered at most."""


def meant(name: str, known: Iterable[str]) -> str:
    """` Did you mean …?`, or nothing when no name is like it."""
    folded = {other.lower(): other for other in known}
    nearest = [folded[near] for near in get_close_matches(name.lower(), folded, MOST)]
    return f" Did you mean {' or '.join(nearest)}?" if nearest else ""
