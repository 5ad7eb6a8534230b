"""`penstock resume`: what a job of a server asks, answered; or a paused one, let go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.human import Decision
from penstock.assignments import assignments
from penstock.client import Client
from penstock.client.errors import AlreadyAnswered
from penstock.client.models import HumanRequestDetail
from penstock.console import REFUSED, complain, is_asked, remark
from penstock.forms import read_values
from penstock.questions import ask_person, choose, lost_to
from penstock.server import Server


@dataclass(frozen=True)
class Asked:
    """An open request as a person is asked it."""

    id: str
    vertex_id: str
    deadline_at: datetime | None
    payload: Mapping[str, Any]

    @classmethod
    def of(cls, told: HumanRequestDetail) -> "Asked":
        return cls(told.request_id, told.vertex_id, told.deadline_at, told.model_dump())


@dataclass(frozen=True)
class Written:
    """What stands in the command: of the decision, as much as was typed."""

    request_id: str | None
    action_id: str | None
    values: Mapping[str, str]
    text: str


def resume(
    server: Server, job_id: str, request_id: str | None, action_id: str | None, values: Sequence[str], text: str
) -> int:
    """Decides on a request of a job; without one, lets the job go on when it only stands still. The exit code."""
    written = Written(request_id, action_id, assignments(values, "--value"), text)
    with server.client() as client:
        asked = [Asked.of(one) for one in client.pending(job_id)]
        if not asked and request_id is None:
            client.resume(job_id)
            remark(f"Job {job_id} goes on.")
            return 0
        if action_id is None and (written.values or text or not is_asked()):
            _complain_of_missing(asked)
            return REFUSED
        try:
            return _decide(client, job_id, asked, written)
        except EOFError:
            return REFUSED


def _decide(client: Client, job_id: str, asked: Sequence[Asked], written: Written) -> int:
    """What nobody asks (any more) is sent as it was typed: the server says what became of it. Raises `EOFError`."""
    if written.request_id is None:
        chosen: Asked | None = _choose(asked)
    else:
        chosen = next((one for one in asked if one.id == written.request_id), None)
    if written.action_id is None and chosen is None:
        complain(f"Job {job_id} does not ask {written.request_id!r} (any more).")
        return REFUSED
    given = _given(chosen, written)
    request_id = chosen.id if chosen else written.request_id
    try:
        client.resume(
            job_id, request_id, given.action_id, values=given.values, text=given.text, decisions=given.decisions
        )
    except AlreadyAnswered as late:
        complain(lost_to(late.message, late.winner))
        return REFUSED
    remark(f"Answered. Job {job_id} goes on.")
    return 0


def _given(chosen: Asked | None, written: Written) -> Decision:
    if written.action_id is None:
        assert chosen is not None, "nobody is asked about nothing"
        return ask_person(chosen)
    form = None if chosen is None else chosen.payload["json_schema"]
    return Decision(written.action_id, read_values(form, written.values), written.text)


def _choose(asked: Sequence[Asked]) -> Asked:
    """The one that a person picks; without asking, the only one there is. Raises `EOFError`."""
    if len(asked) == 1:
        return asked[0]
    for number, one in enumerate(asked, 1):
        remark(f"{number:>3}  {one.id}  {' '.join(str(one.payload['prompt']).split())}")
    return asked[choose(len(asked))]


def _complain_of_missing(asked: Sequence[Asked]) -> None:
    complain("Give the id of a request and an action; a terminal asks for both. The job asks:")
    for one in asked:
        remark(f"{one.id} {'|'.join(one.payload['allowed_decisions'])}")
