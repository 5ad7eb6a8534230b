"""`penstock inbox`: what the local user is asked, and their answers."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from uuid import UUID

from actors.hints import Hints, wake
from actors.workforce import hints_only
from flows.deciding import check_decision
from flows.human import Decision
from penstock import console
from penstock.assignments import assignments
from penstock.console import REFUSED, complain, is_asked, remark
from penstock.forms import read_values
from penstock.questions import ask_person, choose, lost_to
from penstock.release import prepare
from settings import Settings, load_settings
from storage.accounts import Account
from storage.answering import Answer, answer
from storage.auditing import Actor
from storage.errors import NotResumable
from storage.human_requests import RequestFilter, RequestView, find_request, open_requests
from storage.liveness import standing
from storage.store import Store, open_store

PAGE = 200
"""Requests that are read at a time."""


@dataclass(frozen=True)
class Desk:
    """Where the local user answers."""

    settings: Settings
    store: Store
    account: Account


def show() -> None:
    """The open requests that the local user may answer, the oldest first: a paragraph each for a person, a line of
    tab-separated cells for a program."""
    with _desk() as desk:
        found = list(_open(desk))
    described = _paragraph if sys.stdout.isatty() else _cells
    for asked in found:
        console.answer(described(asked))


def answer_request(request_id: str | None, action_id: str | None, values: Sequence[str], text: str) -> int:
    """Decides on a request. Without an action, the person at the terminal is asked for it and for what belongs to it;
    without a request, for that too. The exit code."""
    written = assignments(values, "--value")
    if action_id is None and (written or text or not is_asked()):
        complain("Give the id of a request and an action; `penstock inbox` lists them. A terminal asks for both.")
        return REFUSED
    with _desk() as desk:
        asked = _choose(desk) if request_id is None else _find(desk, request_id)
        if asked is None:
            remark("Nothing is asked.")
            return 0
        try:
            decision = _given(asked, action_id, written, text) if action_id else ask_person(asked)
            _store(desk, asked, decision)
        except EOFError:
            return REFUSED
        except NotResumable as late:
            complain(lost_to(str(late), late.winner))
            return REFUSED
    return 0


@contextmanager
def _desk() -> Iterator[Desk]:
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        yield Desk(settings, store, prepare(store, settings))


def _open(desk: Desk) -> Iterator[RequestView]:
    behind = None
    while True:
        wanted = RequestFilter(desk.account.user_id, desk.account.name, behind=behind, limit=PAGE)
        found = open_requests(desk.store.database, wanted)
        yield from found
        if len(found) < PAGE:
            return
        behind = found[-1].id


def _find(desk: Desk, request_id: str) -> RequestView:
    """A request by its id, open or not. The local user is a superuser, who may answer what others are asked.

    Raises `NotResumable` when there is none.
    """
    found = (find_request(desk.store.database, job_id, request_id) for job_id in _job_ids(request_id))
    asked = next((one for one in found if one is not None), None)
    if asked is None:
        raise NotResumable(f"There is no human request {request_id}.")
    return asked


def _job_ids(request_id: str) -> Iterator[str]:
    """The parts of a request's id that may be the id of its job (contract 4.2)."""
    for part in request_id.split(":"):
        try:
            yield str(UUID(part))
        except ValueError:
            continue


def _choose(desk: Desk) -> RequestView | None:
    """The request that a person picks; without asking, the only one there is. None when there is none."""
    found = list(_open(desk))
    if len(found) < 2:
        return found[0] if found else None
    for number, asked in enumerate(found, 1):
        remark(f"{number:>3}  {asked.id}  {_line(asked.payload['prompt'])}")
    return found[choose(len(found))]


def _given(asked: RequestView, action_id: str, written: Mapping[str, str], text: str) -> Decision:
    """The decision that was typed as arguments. Raises `DecisionRefused`."""
    decision = Decision(action_id, read_values(asked.payload.get("json_schema"), written), text)
    check_decision(asked.payload, decision)
    return decision


def _store(desk: Desk, asked: RequestView, decision: Decision) -> None:
    """Stores a decision and tells the workers. Raises `NotResumable` when somebody else was first."""
    store = desk.store
    actor = Actor(desk.account.user_id, desk.account.name)
    woken = answer(store.log, Answer(asked.job_id, asked.id, decision, desk.account.name, actor=actor))
    wake(woken, Hints(hints_only(store)), store.control)
    remark(f"Answered. Job {asked.job_id} goes on.")
    if not standing(store.database, desk.settings.alive_seconds).workers:
        remark("No worker runs: it goes on when one does. Start `penstock up`.")


def _paragraph(asked: RequestView) -> str:
    """The id stands alone, so that it can be copied whole from a narrow terminal."""
    until = "" if asked.deadline_at is None else f", until {asked.deadline_at.astimezone():%Y-%m-%d %H:%M}"
    actions = ", ".join(asked.payload["allowed_decisions"])
    return f"{asked.id}\n  {_line(asked.payload['prompt'])}\n  {actions}{until}"


def _cells(asked: RequestView) -> str:
    until = "" if asked.deadline_at is None else asked.deadline_at.isoformat()
    actions = ",".join(asked.payload["allowed_decisions"])
    cells = (asked.id, asked.kind, asked.asked_at.isoformat(), until, actions, _line(asked.payload["prompt"]))
    return "\t".join(cells)


def _line(text: str) -> str:
    return " ".join(text.split())
