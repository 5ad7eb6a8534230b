"""How long a model is waited for, and how often it is asked again when it does not answer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

CONNECT_SECONDS = 5.0
LONGEST_WAIT = 60.0
"""Seconds that a provider may ask to wait; when it asks for more, it is not asked again."""
_PASSING = frozenset((408, 409, 425, 429))


@dataclass(frozen=True)
class Patience:
    """Bounds of one request to a model (I10). In total its vertex has a limit as well."""

    wait_seconds: float = 120.0
    """For the first byte of an answer, and between any two pieces of it."""
    answer_seconds: float = 3_600.0
    """For a whole answer, also one that comes in very small pieces."""
    retries: int = 2
    """How often it is asked again."""
    backoff_seconds: float = 0.5
    """Before it is asked again the first time, if it does not say; then twice as long each time, with jitter."""
    longest_backoff: float = 8.0


def may_pass(status: int) -> bool:
    """Whether an answer of this status may be another one soon."""
    return status in _PASSING or status >= 500


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer asks to wait, None when it does not say. A date counts from that of the answer, so that
    no clock of this machine has to be right."""
    if milliseconds := _number(headers.get("retry-after-ms")):
        return milliseconds / 1_000
    asked = headers.get("retry-after")
    seconds = _number(asked)
    if asked is None or seconds is not None:
        return seconds
    try:
        until, said = parsedate_to_datetime(asked), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - said).total_seconds())
    except (ValueError, TypeError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None
