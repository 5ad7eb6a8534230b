"""Suspended jobs as this version stores them: `python -m tests.checkpoints.recording NAME` adds a recording.

A recording is never changed afterwards. Every later version must be able to go on from it.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Table, insert, select
from sqlmodel import SQLModel

from flows.human import Decision
from storage.clock import Instant
from storage.database import Database
from storage.human_requests import requests_of
from storage.schema import head, migrate
from storage.secrets import new_key
from storage.store import StoreConfig, open_store
from tests.actors.workplace import working
from tests.making import approval_flow, approvals_flow
from tests.shapes import Exported

FOLDER = Path(__file__).parent
SKIPPED = ("workers", "sweeps")
"""Tables about processes, which are not there any more."""
Rows: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Scenario:
    """A flow, the answers before the recording, those that take the job to its end, and the outputs it then has."""

    flow: Exported
    before: Mapping[str, Decision]
    after: Mapping[str, Decision]
    outputs: Sequence[str]


FORM = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
APPROVE = Decision("approve")
SCENARIOS: Mapping[str, Scenario] = {
    "approval": Scenario(approval_flow(), {}, {"HumanInput-h1": APPROVE}, ["ChatOutput-yes"]),
    "form": Scenario(
        approval_flow(form=FORM), {}, {"HumanInput-h1": Decision("reject", {"amount": 5})}, ["ChatOutput-no"]
    ),
    "two_of_three": Scenario(
        approvals_flow(3),
        {"HumanInput-1": APPROVE, "HumanInput-3": APPROVE},
        {"HumanInput-2": APPROVE},
        ["ChatOutput-1", "ChatOutput-3", "ChatOutput-2"],
    ),
}


def record(scenario: Scenario) -> bytes:
    """Runs a flow until it waits for the last answers; everything that is stored then."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/penstock.db"
        with closing(open_store(StoreConfig(url, None, [new_key()]))) as store:
            migrate(store.database)
            with working(store) as workplace:
                job_id = workplace.submit(scenario.flow)
                workplace.to_suspension(job_id)
                for vertex_id, decision in scenario.before.items():
                    workplace.answer(job_id, _asked(store.database, job_id, vertex_id), decision)
                    workplace.to_suspension(job_id)
            after = {_asked(store.database, job_id, vertex_id): one.dump() for vertex_id, one in scenario.after.items()}
            told = {"revision": head(), "job_id": job_id, "answers": after, "outputs": scenario.outputs}
            return orjson.dumps({**told, "tables": _dump(store.database)}, option=orjson.OPT_INDENT_2)


def restore(database: Database, tables: Mapping[str, Rows]) -> None:
    """Stores the rows of a recording, as a migration would have left them."""
    with database.durable() as connection:
        for table in SQLModel.metadata.sorted_tables:
            if rows := tables.get(table.name):
                connection.execute(insert(table), [_loaded(table, row) for row in rows])


def _asked(database: Database, job_id: str, vertex_id: str) -> str:
    return next(found.id for found in requests_of(database, job_id) if found.vertex_id == vertex_id)


def _dump(database: Database) -> dict[str, Rows]:
    with database.read() as connection:
        return {
            str(table.name): [
                {str(name): value for name, value in row._mapping.items()} for row in connection.execute(select(table))
            ]
            for table in SQLModel.metadata.sorted_tables
            if table.name not in SKIPPED
        }


def _loaded(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    moments = {column.name for column in table.c if isinstance(column.type, Instant)}
    return {name: datetime.fromisoformat(value) if name in moments and value else value for name, value in row.items()}


if __name__ == "__main__":
    for name, scenario in SCENARIOS.items():
        (FOLDER / f"{sys.argv[1]}_{name}.json").write_bytes(record(scenario))
