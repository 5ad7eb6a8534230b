"""What a refusal looks like: its status, code and keys, and that it changed nothing that is stored."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2

from storage.database import Database
from tests.storage.situations import contents

OF_WORKERS = {"workers", "sweeps", "hash_keys"}
"""What a server writes for itself, whatever is asked of it."""


@contextmanager
def changes_nothing(database: Database, but: Collection[str] = ()) -> Iterator[None]:
    """Fails when any row of any table is another one, gone or new behind the block; `but` some tables."""
    before = contents(database)
    yield
    after = contents(database)
    changed = {
        name: set(map(repr, after[name])) ^ set(map(repr, before[name]))
        for name in after.keys() - OF_WORKERS - set(but)
    }
    assert not any(changed.values()), {name: rows for name, rows in changed.items() if rows}


def assert_refused(answer: httpx.Response | httpx2.Response, status: int, code: str, **more: Any) -> None:
    """The contract's error object, with exactly the keys `more` beside the three that each has."""
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"detail"}
    detail = answer.json()["detail"]
    assert detail["code"] == code
    assert detail.keys() == {"error", "code", "message", *more}
    assert {name: detail[name] for name in more} == more
    assert detail["error"]
    assert detail["message"]


def assert_invalid(answer: httpx.Response, kind: str, *place: str | int) -> None:
    """The contract's list of faults, of which the first is of a kind, at a place."""
    assert answer.status_code == 422, answer.text
    faults = answer.json()["detail"]
    assert all({"type", "loc", "msg"} <= fault.keys() <= {"type", "loc", "msg", "ctx"} for fault in faults)
    assert (faults[0]["type"], faults[0]["loc"]) == (kind, list(place))


def assert_not_json(answer: httpx.Response) -> None:
    """The one fault of a body that is not JSON, at the place where reading it ended."""
    assert answer.status_code == 422, answer.text
    [fault] = answer.json()["detail"]
    assert fault["type"] == "json_invalid"
    assert fault["loc"][0] == "body"
    assert isinstance(fault["loc"][1], int)
    assert fault["ctx"]["error"]
