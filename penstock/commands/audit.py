"""`penstock audit`: who did what to what."""

import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from penstock.console import REFUSED, answer, complain, shown
from penstock.release import prepare
from settings import load_settings
from storage.auditing import Action, DeedFilter, Recorded, deeds
from storage.store import open_store


def show(user: str | None, action: str | None, subject: str | None, since: datetime | None, limit: int) -> int:
    """The newest entries of everybody: a table for a person, tab-separated lines for a program; the exit code."""
    if action is not None and action not in list(Action):
        complain(f"There is no action {action!r}. There are: {', '.join(Action)}.")
        return REFUSED
    wanted = DeedFilter(
        user=user,
        action=Action(action) if action else None,
        subject=subject,
        since=since.astimezone() if since else None,
        limit=limit,
    )
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        prepare(store, settings)
        found = deeds(store.database, wanted)
    if sys.stdout.isatty():
        Console().print(_table(found))
        return 0
    for entry in found:
        answer("\t".join((entry.at.isoformat(), *_cells(entry))))
    return 0


def _cells(entry: Recorded) -> tuple[str, ...]:
    details = " ".join(f"{name}={value}" for name, value in entry.detail.items())
    return (entry.user_name or entry.user_id or "", entry.action, entry.subject, details, entry.address or "")


def _table(found: Sequence[Recorded]) -> Table:
    table = Table("At", "Who", "Did", "To", "More", "From")
    for entry in found:
        cells = (f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}", *_cells(entry))
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table
