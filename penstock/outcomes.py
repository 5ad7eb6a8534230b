"""How a run came out, for a person and for a shell."""

from collections.abc import Iterable

from flows.text import to_text
from flows.values import Value
from penstock.console import answer, remark
from storage.states import Status

FAILED = 1
SUSPENDED = 3
"""The exit code when the run waits for a person, or stands still because somebody paused it: it is not over."""
STOPPED = 130
_EXIT_CODES = {Status.COMPLETED: 0, Status.SUSPENDED: SUSPENDED, Status.CANCELLED: STOPPED}


def exit_code(status: Status) -> int:
    """What the command exits with that watched a run until it stood so."""
    return _EXIT_CODES.get(status, FAILED)


def print_answers(contents: Iterable[Value | None]) -> None:
    """What the outputs of a run hold, each on stdout."""
    texts = [to_text(content) for content in contents if content is not None]
    for text in texts:
        answer(text)
    if not texts:
        remark("The flow has no output component, so there is no answer to print.")
