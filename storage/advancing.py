"""How a pass writes: one statement under its fence, which everything else of the write hangs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Integer,
    Result,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import Update
from sqlalchemy.sql.selectable import CTE

from flows.events import Event
from storage.claiming import RENEWED, Claimed
from storage.clock import now
from storage.cursor import Cursor
from storage.errors import PassLost
from storage.log import Told, Transition, tell
from storage.states import Status
from storage.tables import Job, JobEvent, VertexRow, table_of

_jobs = table_of(Job).c
STANDING = (_jobs.seq, _jobs.unapplied, _jobs.is_paused, _jobs.asking)
"""The columns of `Standing`."""
_ADD_RESULT = insert(table_of(VertexRow))


@dataclass(frozen=True)
class Standing:
    """Where a job stands behind a write of its pass. Controls ride on writes: what people want of the job is here."""

    cursor: Cursor
    unapplied: int
    """Decisions that no vertex has gone on from."""
    is_paused: bool
    asking: int
    """Human requests that are open."""

    @classmethod
    def of(cls, row: Any) -> "Standing":
        return cls(Cursor(row.seq), row.unapplied, row.is_paused, row.asking)


class Advance:
    """One kind of write of a pass, built once: building a statement costs more than executing it.

    It counts the events and the writes, renews the lease, makes the `changes` of its own, and adds the events; one that
    is `with_result` adds the result of a vertex too. PostgreSQL gets all of it as one statement, for a round trip costs
    more than a row; to SQLite there is none, and it has no such statements.
    """

    def __init__(self, *, with_result: bool = False, where: ColumnElement[bool] | None = None, **changes: Any) -> None:
        advancing = _advancing(changes)
        if where is not None:
            advancing = advancing.where(where)
        self._step_by_step = advancing.returning(*STANDING)
        self._at_once = _at_once(advancing, with_result)
        self._with_result = with_result

    def __call__(
        self,
        transition: Transition,
        claimed: Claimed,
        events: Sequence[Event],
        written: int | None = None,
        **values: Any,
    ) -> Standing:
        """Writes under the fence of a pass; where the job stands then. Raises `PassLost`.

        A pass that says how often it has `written` so far cannot write the same twice.
        """
        told = tell(events)
        bound = {
            "of_job": claimed.job_id,
            "under_fence": claimed.fence,
            "count": len(told),
            "written": written,
            **claimed.terms.bound,
            **values,
        }
        write = self._write_step_by_step if transition.is_sqlite else self._write_at_once
        standing = write(transition, bound, told)
        transition.publish(claimed.job_id, standing.cursor.seq, told)
        return standing

    def _write_at_once(self, transition: Transition, bound: Mapping[str, Any], told: Sequence[Told]) -> Standing:
        # As JSON: the driver takes far longer to write a text array.
        rows = orjson.dumps([(event.type, event.terminal, event.payload.decode()) for event in told]).decode()
        return _owned(transition.connection.execute(self._at_once, {**bound, "told": rows}), bound)

    def _write_step_by_step(self, transition: Transition, bound: Mapping[str, Any], told: Sequence[Told]) -> Standing:
        standing = _owned(transition.connection.execute(self._step_by_step, bound), bound)
        seq = standing.cursor.seq
        transition.add(bound["of_job"], seq, told)
        if self._with_result:
            result = {name: bound[name] for name in ("vertex_id", "visit", "outputs")}
            row = {"job_id": bound["of_job"], "position": seq, **result}
            transition.connection.execute(_ADD_RESULT, row)
        return standing


def _advancing(changes: Mapping[str, Any]) -> Update:
    return (
        update(table_of(Job))
        .where(_jobs.id == bindparam("of_job"), _jobs.fence == bindparam("under_fence"))
        .where(_jobs.status == Status.IN_PROGRESS)
        .where(_jobs.writes == func.coalesce(bindparam("written"), _jobs.writes))
        .values({"seq": _jobs.seq + bindparam("count"), "writes": _jobs.writes + 1, **RENEWED, **changes})
    )


def _at_once(advancing: Update, with_result: bool) -> Select[Any]:
    advanced = advancing.returning(_jobs.id, *STANDING).cte("advanced")
    added = [_adding_events(advanced), *([_adding_result(advanced)] if with_result else [])]
    return select(*(advanced.c[column.name] for column in STANDING)).add_cte(*added)


def _adding_events(advanced: CTE) -> CTE:
    listed = cast(bindparam("told", type_=Text), JSON)
    told = (
        func.json_array_elements(listed)
        .table_valued(column("event", JSON), with_ordinality="ordinal", name="told")
        .render_derived()
    )
    type, terminal, payload = (told.c.event.op("->>", return_type=Text())(literal_column(str(i))) for i in range(3))
    number = advanced.c.seq - bindparam("count", type_=Integer) + told.c.ordinal
    rows = select(advanced.c.id, number, type, cast(terminal, Boolean), payload, now())
    columns = ["job_id", "seq", "type", "terminal", "payload", "created_at"]
    return insert(table_of(JobEvent)).from_select(columns, rows.join_from(advanced, told, true())).cte("events")


def _adding_result(advanced: CTE) -> CTE:
    row = select(
        advanced.c.id,
        bindparam("vertex_id", type_=Text),
        bindparam("visit", type_=Integer),
        advanced.c.seq,
        bindparam("outputs", type_=Text),
    )
    columns = ["job_id", "vertex_id", "visit", "position", "outputs"]
    return insert(table_of(VertexRow)).from_select(columns, row).cte("result")


def _owned(written: Result[Any], bound: Mapping[str, Any]) -> Standing:
    row = written.one_or_none()
    if row is None:
        raise PassLost(f"Job {bound['of_job']} is no longer owned under fence {bound['under_fence']}.")
    return Standing.of(row)
