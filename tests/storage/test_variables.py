from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from storage.auditing import Actor, DeedFilter, deeds
from storage.database import Database
from storage.errors import NameTaken, SecretUnreadable, TooMany
from storage.first_user import ensure_local_user
from storage.log import EventLog
from storage.requests import Overrides
from storage.secrets import Secrets, new_key
from storage.states import TERMINAL, Status
from storage.tables import Variable
from storage.variables import (
    create_variable,
    delete_variable,
    delete_variable_by_id,
    get_variable,
    get_variables,
    list_variables,
    rotate_variable,
    set_variable,
)
from tests.storage.situations import JobMaker, another_user, at_once, brought_to, contents, submitted, value_of

CANARY = "canary-7f3a9c"


def test_a_variable_is_read_by_its_name(database: Database, secrets: Secrets, user_id: str) -> None:
    set_variable(database, secrets, user_id, "TOKEN", "hunter2")
    assert get_variable(database, secrets, user_id, "TOKEN") == "hunter2"
    assert get_variable(database, secrets, user_id, "ANOTHER") is None


def test_a_variable_is_its_users_own(database: Database, secrets: Secrets, user_id: str) -> None:
    """I9."""
    other = another_user(database)
    set_variable(database, secrets, user_id, "TOKEN", "mine")
    assert get_variable(database, secrets, other, "TOKEN") is None
    set_variable(database, secrets, other, "TOKEN", "theirs")
    assert get_variable(database, secrets, user_id, "TOKEN") == "mine"
    assert delete_variable(database, other, "TOKEN")
    assert get_variable(database, secrets, user_id, "TOKEN") == "mine"


def test_a_variable_set_again_takes_the_place_of_the_old_one(
    database: Database, secrets: Secrets, user_id: str
) -> None:
    for value in ("old", "new"):
        set_variable(database, secrets, user_id, "TOKEN", value)
    assert get_variable(database, secrets, user_id, "TOKEN") == "new"
    assert len(contents(database)["variables"]) == 1


def test_a_variable_set_by_sixteen_at_once_has_one_of_their_values(
    database: Database, secrets: Secrets, user_id: str
) -> None:
    values = [str(number) for number in range(16)]
    for race in at_once([partial(set_variable, database, secrets, user_id, "TOKEN", value) for value in values]):
        race.result()
    assert get_variable(database, secrets, user_id, "TOKEN") in values
    assert len(contents(database)["variables"]) == 1


def test_a_deleted_variable_is_forgotten(database: Database, secrets: Secrets, user_id: str) -> None:
    set_variable(database, secrets, user_id, "TOKEN", "hunter2")
    assert delete_variable(database, user_id, "TOKEN")
    assert get_variable(database, secrets, user_id, "TOKEN") is None
    assert not delete_variable(database, user_id, "TOKEN")


def test_a_variable_moved_to_another_name_cannot_be_read(database: Database, secrets: Secrets, user_id: str) -> None:
    """Rule 12."""
    set_variable(database, secrets, user_id, "TOKEN", "hunter2")
    with database.durable() as connection:
        connection.execute(update(Variable).where(col(Variable.name) == "TOKEN").values(name="PUBLIC"))
    with pytest.raises(SecretUnreadable):
        get_variable(database, secrets, user_id, "PUBLIC")


def test_a_variable_is_read_after_a_new_key_was_put_in_front(database: Database, user_id: str) -> None:
    old, new = new_key(), new_key()
    set_variable(database, Secrets([old]), user_id, "TOKEN", "hunter2")
    assert get_variable(database, Secrets([new, old]), user_id, "TOKEN") == "hunter2"
    with pytest.raises(SecretUnreadable):
        get_variable(database, Secrets([new]), user_id, "TOKEN")


def test_a_name_is_given_once(database: Database, secrets: Secrets, user_id: str) -> None:
    """Whoever creates it again is refused, and the value stays."""
    create_variable(database, secrets, user_id, "TOKEN", "first")
    with pytest.raises(NameTaken, match="TOKEN"):
        create_variable(database, secrets, user_id, "TOKEN", "second")
    assert get_variable(database, secrets, user_id, "TOKEN") == "first"


def test_of_eight_that_create_a_name_at_once_one_does(database: Database, secrets: Secrets, user_id: str) -> None:
    races = at_once([partial(create_variable, database, secrets, user_id, "TOKEN", str(number)) for number in range(8)])
    assert sum(race.exception() is None for race in races) == 1
    assert {type(race.exception()) for race in races if race.exception()} == {NameTaken}


def test_a_variable_gets_another_value_by_its_id(database: Database, secrets: Secrets, user_id: str) -> None:
    """By its own user only (I9)."""
    created = create_variable(database, secrets, user_id, "TOKEN", "old")
    assert rotate_variable(database, secrets, another_user(database), created.id, "theirs") is None
    assert get_variable(database, secrets, user_id, "TOKEN") == "old"
    rotated = rotate_variable(database, secrets, user_id, created.id, "new")
    assert rotated is not None
    assert (rotated.id, rotated.name, rotated.created_at) == (created.id, "TOKEN", created.created_at)
    assert get_variable(database, secrets, user_id, "TOKEN") == "new"


def test_a_variable_is_forgotten_by_its_id(database: Database, secrets: Secrets, user_id: str) -> None:
    """By its own user only (I9)."""
    created = create_variable(database, secrets, user_id, "TOKEN", "old")
    assert not delete_variable_by_id(database, another_user(database), created.id)
    assert [one.id for one in list_variables(database, user_id)] == [created.id]
    assert delete_variable_by_id(database, user_id, created.id)
    assert list_variables(database, user_id) == []


def test_a_list_has_the_users_own_names_and_no_value(database: Database, secrets: Secrets, user_id: str) -> None:
    for name in ("b", "a"):
        set_variable(database, secrets, user_id, name, CANARY)
    set_variable(database, secrets, another_user(database), "c", CANARY)
    found = list_variables(database, user_id)
    assert [one.name for one in found] == ["a", "b"]
    assert CANARY not in repr(found)


def test_many_values_are_read_at_once(database: Database, secrets: Secrets, user_id: str) -> None:
    """Of the names that there are, for their own user."""
    for name in ("a", "b", "c"):
        set_variable(database, secrets, user_id, name, f"{name}'s value")
    found = get_variables(database, secrets, user_id, ["a", "c", "missing"])
    assert found == {"a": "a's value", "c": "c's value"}
    assert get_variables(database, secrets, another_user(database), ["a"]) == {}


def test_a_user_has_so_many_variables_and_no_more(
    database: Database, secrets: Secrets, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new name is refused (I10); those that are there can be set again, and other users have room of their own."""
    monkeypatch.setattr("storage.variables.MOST", 2)
    for name in ("a", "b", "a"):
        set_variable(database, secrets, user_id, name, "value")
    for add in (create_variable, set_variable):
        with pytest.raises(TooMany):
            add(database, secrets, user_id, "c", "value")
    set_variable(database, secrets, another_user(database), "c", "value")
    assert [one.name for one in list_variables(database, user_id)] == ["a", "b"]


def test_no_table_holds_a_secret_in_clear(log: EventLog, secrets: Secrets, new_job: JobMaker) -> None:
    """I8: the canary stands in a variable, a tweak, a global and an API key."""
    job = new_job()
    overrides = Overrides(tweaks={"a": {"api_key": CANARY}}, globals={"TOKEN": CANARY})
    ensure_local_user(log.database, secrets, CANARY)
    set_variable(log.database, secrets, job.user_id, "TOKEN", CANARY)
    submitted(log, new_job(id=job.id, overrides=overrides.seal(secrets, job.id)))
    assert len(contents(log.database)["jobs"]) == len(contents(log.database)["variables"]) == 1
    assert CANARY not in repr(contents(log.database))
    assert not any(CANARY.encode() in written for written in _files(log.database))
    sealed = value_of(log.database, job.id, "overrides")
    assert Overrides.open(sealed, secrets, job.id) == overrides


def _files(database: Database) -> list[bytes]:
    """What SQLite has written, its log included."""
    path = Path(database.url.database or "")
    return [file.read_bytes() for file in path.parent.glob(f"{path.name}*")] if database.is_sqlite else []


@pytest.mark.parametrize("status", TERMINAL)
def test_a_job_that_ended_keeps_no_secret(log: EventLog, secrets: Secrets, new_job: JobMaker, status: Status) -> None:
    """Rule 12."""
    job = new_job()
    sealed = Overrides(globals={"TOKEN": CANARY}).seal(secrets, job.id)
    assert sealed is not None
    brought_to(log, new_job(id=job.id, overrides=sealed), status)
    assert value_of(log.database, job.id, "overrides") is None


def test_overrides_are_readable_for_their_own_job_only(secrets: Secrets) -> None:
    """Rule 12."""
    sealed = Overrides(globals={"TOKEN": CANARY}).seal(secrets, "one")
    with pytest.raises(SecretUnreadable):
        Overrides.open(sealed, secrets, "another")


def test_overrides_show_nothing_and_nothing_is_kept_of_none(secrets: Secrets) -> None:
    assert CANARY not in repr(Overrides(globals={"TOKEN": CANARY}))
    assert Overrides().seal(secrets, "one") is None
    assert Overrides.open(None, secrets, "one") == Overrides()


def test_what_is_done_to_variables_is_recorded(database: Database, secrets: Secrets, user_id: str) -> None:
    """Who did it to which name, never the value; nothing of what was refused or changed nothing (I8)."""
    ann = Actor("ann-1", "ann", "10.0.0.7")
    created = create_variable(database, secrets, user_id, "A", CANARY, ann)
    with pytest.raises(NameTaken):
        create_variable(database, secrets, user_id, "A", CANARY, ann)
    rotate_variable(database, secrets, user_id, created.id, CANARY, ann)
    rotate_variable(database, secrets, another_user(database), created.id, CANARY, ann)
    for _ in range(2):
        set_variable(database, secrets, user_id, "B", CANARY, ann)
    for _ in range(2):
        delete_variable(database, user_id, "B", ann)
        delete_variable_by_id(database, user_id, created.id, ann)
    found = deeds(database, DeedFilter())
    assert [(deed.action, deed.subject) for deed in reversed(found)] == [
        ("variable_changed", "A"),
        ("variable_changed", "A"),
        ("variable_changed", "B"),
        ("variable_changed", "B"),
        ("variable_deleted", "B"),
        ("variable_deleted", "A"),
    ]
    assert {(deed.user_name, deed.address) for deed in found} == {("ann", "10.0.0.7")}
    assert CANARY not in repr(found)
