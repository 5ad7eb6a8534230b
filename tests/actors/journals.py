"""Journals of passes, what can be written through them, and the log that they leave."""

from collections.abc import Callable, Mapping

from actors.journal import PassJournal
from flows.checkpoints import Checkpoint
from flows.events import warning
from flows.journal import Step
from flows.messages import MessageRecord
from flows.values import Message
from storage.cursor import START
from storage.log import EventLog
from storage.states import Order
from storage.stream import Entry
from storage.submitting import NewJob
from tests.actors.passes import NOW, a_pass
from tests.storage.situations import END, EXPIRY, FAILURE, FINISHED, claimed, result

_SAID = (MessageRecord("a-message", "a-job", "a-flow", NOW, Message("said", session_id="a-session")),)
REPEATED: Mapping[Order, Callable[[PassJournal], None]] = {
    Order.ANNOUNCE: lambda journal: journal.announce([warning("one"), warning("two")]),
    Order.KEEP: lambda journal: journal.keep(
        Step(Checkpoint("a", 1, "turn", {"said": "yes"}), [warning("kept")], _SAID, spent=3)
    ),
    Order.FINISH_VERTEX: lambda journal: journal.finish(result(), FINISHED, _SAID),
    Order.COMPLETE: lambda journal: journal.complete(END),
    Order.FAIL: lambda journal: journal.fail("{}", FAILURE),
    Order.EXPIRE: lambda journal: journal.expire("{}", EXPIRY),
}
"""The writes that are tried again when the database fails them."""
WRITES: Mapping[Order, Callable[[PassJournal], None]] = {
    **REPEATED,
    Order.INTEND: lambda journal: journal.intend("a", 1),
}


def journal_of(log: EventLog, job: NewJob) -> PassJournal:
    """The journal of a pass that has just begun."""
    return PassJournal(log, a_pass(claimed(log, job)))


def read(log: EventLog, job_id: str) -> list[Entry]:
    """The whole log of a job, what the stream has lost filled from the database."""
    page = log.read(job_id, START)
    entries = page.entries
    while not page.is_last:
        page = log.read(job_id, entries[-1].cursor)
        entries = [*entries, *page.entries]
    return entries


def cursors(log: EventLog, job_id: str) -> list[str]:
    return [str(entry.cursor) for entry in read(log, job_id)]
