"""How human requests end: their vertex goes on from a decision, or their job ends before there is one; and with that
the steps of vertices that will not be finished any more."""

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, bindparam, delete, true, update

from flows.cards import card_block, card_id
from storage.chat_memory import stamp
from storage.states import RequestState
from storage.tables import CheckpointRow, HumanRequestRow, Job, table_of

_jobs, _requests = table_of(Job).c, table_of(HumanRequestRow).c

_APPLY = (
    update(table_of(HumanRequestRow))
    .where(_requests.id.in_(bindparam("request_ids", expanding=True)))
    .values(is_applied=true())
)
_WITHDRAW = (
    update(table_of(HumanRequestRow))
    .where(_requests.job_id == bindparam("of_job"), _requests.state == RequestState.OPEN)
    .values(state=RequestState.WITHDRAWN)
    .returning(_requests.id, _requests.payload)
)
_FORGET_STEPS = delete(table_of(CheckpointRow)).where(table_of(CheckpointRow).c.job_id == bindparam("of_job"))
_ASKS_NO_MORE = update(table_of(Job)).where(_jobs.id == bindparam("of_job")).values(asking=0)


def apply(connection: Connection, request_ids: Sequence[str]) -> None:
    """Records that their vertex has gone on from some decisions, in a transaction of the caller's (rule 8)."""
    if request_ids:
        connection.execute(_APPLY, {"request_ids": list(request_ids)})


def withdraw(connection: Connection, job_id: str, asking: int) -> None:
    """Takes back the requests of a job that has ended while it was `asking` some, in a transaction of the caller's:
    nobody can answer them any more, and their cards say so. What its vertices have kept of their steps goes."""
    connection.execute(_FORGET_STEPS, {"of_job": job_id})
    if not asking:
        return
    for row in connection.execute(_WITHDRAW, {"of_job": job_id}).all():
        stamp(connection, card_id(job_id, row.id), [card_block(job_id, orjson.loads(row.payload), superseded=True)])
    connection.execute(_ASKS_NO_MORE, {"of_job": job_id})
