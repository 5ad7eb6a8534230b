"""`penstock flows`: what is stored, and storing more."""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.errors import FlowRefused
from penstock.console import REFUSED, answer, complain, shown
from penstock.exports import Export, put, read_export, read_file
from penstock.release import prepare
from settings import load_settings
from storage.flow_store import FlowView, list_flows
from storage.graphs import Graphs
from storage.store import open_store


def push(files: Sequence[Path]) -> int:
    """Stores all files, or none of them when one is refused; the exit code."""
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        account = prepare(store, settings)
        exports, faults = _read(files, store.graphs, settings.max_body_bytes)
        for fault in faults:
            complain(fault)
        if faults:
            return REFUSED
        for export in exports:
            flow, is_new = put(store.database, account.user_id, export)
            answer(f"{'created' if is_new else 'updated'} {flow.id} {flow.name}")
    return 0


def show() -> None:
    """The local user's flows by name: a table for a person, tab-separated lines for a program."""
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        account = prepare(store, settings)
        found = list_flows(store.database, account.user_id)
    if sys.stdout.isatty():
        Console().print(_table(found))
        return
    for flow in found:
        answer("\t".join((flow.id, flow.name, flow.endpoint_name or "")))


def _read(files: Sequence[Path], graphs: Graphs, max_bytes: int) -> tuple[list[Export], list[str]]:
    exports: list[Export] = []
    faults: list[str] = []
    for file in files:
        try:
            exports.append(read_export(str(file), read_file(file, max_bytes), graphs))
        except FlowRefused as refused:
            faults.append(str(refused))
    return exports, faults


def _table(found: Sequence[FlowView]) -> Table:
    table = Table("Name", "Id", "Endpoint", "Changed")
    for flow in found:
        changed = f"{flow.updated_at.astimezone():%Y-%m-%d %H:%M}"
        cells = (flow.name, flow.id, flow.endpoint_name or "", changed)
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table
