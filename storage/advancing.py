"""How a pass writes: one statement under its fence, which everything else of the write hangs on."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Boolean,
    Integer,
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
_ADD_RESULT = insert(table_of(VertexRow))


class Advance:
    """One kind of write of a pass, built once: building a statement costs more than executing it.

    It counts the events, renews the lease, makes the `changes` of its own, and adds the events; one that is
    `with_result` adds the result of a vertex too. PostgreSQL gets all of it as one statement, for a round trip costs
    more than a row; to SQLite there is none, and it has no such statements.
    """

    def __init__(self, *, with_result: bool = False, **changes: Any) -> None:
        advancing = _advancing(changes)
        self._step_by_step = advancing.returning(_jobs.seq)
        self._at_once = _at_once(advancing, with_result)
        self._with_result = with_result

    def __call__(
        self,
        transition: Transition,
        claimed: Claimed,
        events: Sequence[Event],
        counted: Cursor | None = None,
        **values: Any,
    ) -> Cursor:
        """Writes under the fence of a pass; the cursor of the last event. Raises `PassLost`.

        A pass that says how many events it has `counted` so far cannot count the same ones twice.
        """
        told = tell(events)
        bound = {
            "of_job": claimed.job_id,
            "under_fence": claimed.fence,
            "count": len(told),
            "counted": None if counted is None else counted.seq,
            **claimed.terms.bound,
            **values,
        }
        write = self._write_step_by_step if transition.is_sqlite else self._write_at_once
        cursor = write(transition, bound, told)
        transition.publish(claimed.job_id, cursor.seq, told)
        return cursor

    def _write_at_once(self, transition: Transition, bound: Mapping[str, Any], told: Sequence[Told]) -> Cursor:
        # As JSON: the driver takes far longer to write a text array.
        rows = orjson.dumps([(event.type, event.terminal, event.payload.decode()) for event in told]).decode()
        return _owned(transition.connection.execute(self._at_once, {**bound, "told": rows}).scalar_one_or_none(), bound)

    def _write_step_by_step(self, transition: Transition, bound: Mapping[str, Any], told: Sequence[Told]) -> Cursor:
        cursor = _owned(transition.connection.execute(self._step_by_step, bound).scalar_one_or_none(), bound)
        transition.add(bound["of_job"], cursor.seq, told)
        if self._with_result:
            result = {name: bound[name] for name in ("vertex_id", "visit", "outputs")}
            row = {"job_id": bound["of_job"], "position": cursor.seq, **result}
            transition.connection.execute(_ADD_RESULT, row)
        return cursor


def _advancing(changes: Mapping[str, Any]) -> Update:
    return (
        update(table_of(Job))
        .where(_jobs.id == bindparam("of_job"), _jobs.fence == bindparam("under_fence"))
        .where(_jobs.status == Status.IN_PROGRESS)
        .where(_jobs.seq == func.coalesce(bindparam("counted"), _jobs.seq))
        .values({"seq": _jobs.seq + bindparam("count"), **RENEWED, **changes})
    )


def _at_once(advancing: Update, with_result: bool) -> Select[int]:
    advanced = advancing.returning(_jobs.id, _jobs.seq).cte("advanced")
    added = [_adding_events(advanced), *([_adding_result(advanced)] if with_result else [])]
    return select(advanced.c.seq).add_cte(*added)


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


def _owned(seq: int | None, bound: Mapping[str, Any]) -> Cursor:
    if seq is None:
        raise PassLost(f"Job {bound['of_job']} is no longer owned under fence {bound['under_fence']}.")
    return Cursor(seq)
