"""penstock/commands/doctor.py: what is wrong is named, with what to do about it."""

import socket
import sys
from contextlib import closing
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis

from storage.database import Database
from storage.first_user import ensure_local_user
from storage.flow_store import store_version
from storage.schema import head
from storage.secrets import Secrets, new_key
from storage.states import Mode
from storage.submitting import NewJob, submit
from tests.deployments import embedded
from tests.penstock.conftest import Penstock, Said
from tests.services import RedisServer
from tests.web.following import silent_log

NAMES = ["settings", "data folder", "secret key", "database", "schema", "secrets", "redis", "work", "port", "model"]


@pytest.fixture(autouse=True)
def _free_port(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that nobody has, so that only what a test breaks is wrong."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PORT", str(server.getsockname()[1]))


def findings(said: Said) -> dict[str, tuple[str, str]]:
    """The word and the text of each line, by the name of its check."""
    return {line[7:18].strip(): (line[:5].strip(), line[20:]) for line in said.lines}


def only_fault(said: Said) -> tuple[str, str]:
    """The one line that is wrong: its name and its text."""
    assert said.code == 1
    [fault] = [(name, text) for name, (word, text) in findings(said).items() if word == "wrong"]
    return fault


def test_a_fresh_desk_is_in_order(penstock: Penstock, desk: Path) -> None:
    """One line per check, all of them ok, and nothing was made by looking."""
    said = penstock("doctor")
    assert said.code == 0, said.out
    assert list(findings(said)) == NAMES
    assert {word for word, _ in findings(said).values()} == {"ok"}
    assert list(desk.iterdir()) == []


def test_a_used_desk_is_in_order(penstock: Penstock) -> None:
    penstock("migrate")
    said = penstock("doctor")
    assert said.code == 0, said.out
    assert findings(said)["schema"] == ("ok", f"revision {head()}")


def test_a_wrong_setting_is_all_that_can_be_said(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_MAX_PARALLEL", "many")
    said = penstock("doctor")
    name, text = only_fault(said)
    assert (name, list(findings(said))) == ("settings", ["settings"])
    assert text.startswith("PENSTOCK_MAX_PARALLEL=many: ")
    assert text.endswith("Give a whole number of at least 1.")


def test_a_data_folder_that_is_none(penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_DATA_DIR", str(desk / "file"))
    (desk / "file").write_text("in the way")
    fault = f"{desk / 'file'} is no folder that may be written. Mend its rights, or set PENSTOCK_DATA_DIR."
    said = penstock("doctor")
    assert said.code == 1
    assert findings(said)["data folder"] == ("wrong", fault)


@pytest.mark.parametrize("name", ["secret.key", "penstock.db"])
def test_a_file_that_others_may_read(penstock: Penstock, desk: Path, name: str) -> None:
    penstock("migrate")
    file = desk / ".penstock" / name
    file.chmod(0o640)
    assert only_fault(penstock("doctor")) == ("data folder", f"Others may read it. Run `chmod 600 {file}`.")


def test_a_key_file_without_a_key(penstock: Penstock, desk: Path) -> None:
    penstock("migrate")
    (desk / ".penstock" / "secret.key").write_text("lost")
    name, text = only_fault(penstock("doctor"))
    assert name == "secret key"
    assert "Restore it from a backup" in text


@pytest.fixture
def key_file(penstock: Penstock, desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The key file of a desk on which one secret is stored."""
    monkeypatch.setattr(sys, "stdin", StringIO("hunter2"))
    assert penstock("variables", "set", "TOKEN").code == 0
    return desk / ".penstock" / "secret.key"


def test_secrets_that_can_be_read(penstock: Penstock, key_file: Path) -> None:
    """Those that need an older key are told, with what to do."""
    assert findings(penstock("doctor"))["secrets"] == ("ok", "1 can be read")
    key_file.write_text(f"{new_key()}\n{key_file.read_text()}")
    told = "1 can be read, 1 of them with an older key: run `penstock rotate-secrets`"
    assert findings(penstock("doctor"))["secrets"] == ("ok", told)


@pytest.mark.parametrize("is_kept", [True, False])
def test_secrets_that_cannot_be_read(penstock: Penstock, key_file: Path, is_kept: bool) -> None:
    """The key is another one, or gone; looking makes none."""
    key_file.write_text(new_key())
    if not is_kept:
        key_file.unlink()
    name, text = only_fault(penstock("doctor"))
    assert name == "secrets"
    assert text.startswith("1 of 1 stored secrets cannot be read with the secret key. ")
    assert key_file.exists() == is_kept


def test_a_database_that_does_not_answer(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named without its password."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:canary@127.0.0.1:1/penstock")
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", new_key())
    said = penstock("doctor")
    found = findings(said)
    assert said.code == 1
    assert [name for name, (word, _) in found.items() if word == "wrong"] == ["database", "schema"]
    assert "postgresql+psycopg://someone:***@127.0.0.1:1/penstock cannot be used" in found["database"][1]
    assert found["database"][1].endswith("Start it, or set DATABASE_URL.")
    assert "canary" not in said.out


def test_a_database_that_is_behind(
    penstock: Penstock, desk: Path, database_behind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_behind)
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", new_key())
    name, text = only_fault(penstock("doctor"))
    assert name == "schema"
    assert text.endswith("Run `penstock migrate`.")


@pytest.fixture
def database_behind(desk: Path) -> str:
    """A database that no release has seen."""
    (desk / "empty.db").touch(0o600)
    return f"sqlite:///{desk / 'empty.db'}"


def test_a_port_that_is_taken(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        name, text = only_fault(penstock("doctor"))
    assert name == "port"
    assert text.startswith(f"PORT={port}: cannot be listened on at 127.0.0.1: ")
    assert "set PORT to a free one" in text


def test_a_redis_that_does_not_answer(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    penstock("migrate")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", new_key())
    name, text = only_fault(penstock("doctor"))
    assert name == "redis"
    assert text.endswith("Start it, or set REDIS_URL.")


def test_a_redis_that_evicts(
    penstock: Penstock, redis_server: RedisServer, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queued work would be lost without a word (fault A12)."""
    penstock("migrate")
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("PENSTOCK_SECRET_KEY", new_key())
    assert findings(penstock("doctor"))["redis"][0] == "ok"
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            name, text = only_fault(penstock("doctor"))
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert name == "redis"
    assert "maxmemory-policy allkeys-lru" in text
    assert "noeviction" in text


def test_a_model_is_told_and_never_wrong(penstock: Penstock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(penstock("doctor"))["model"] == ("ok", "not set; flows must name theirs")
    monkeypatch.setenv("PENSTOCK_MODEL_NAME", "small")
    monkeypatch.setenv("PENSTOCK_MODEL_BASE_URL", "http://127.0.0.1:1/v1")
    assert findings(penstock("doctor"))["model"] == ("ok", "small at http://127.0.0.1:1/v1")


def test_work_that_nobody_does(penstock: Penstock, desk: Path) -> None:
    """Jobs wait and no worker process lives: that is said, with how long they have waited."""
    penstock("migrate")
    with closing(Database(f"sqlite:///{desk / '.penstock' / 'penstock.db'}")) as database:
        secrets = Secrets([new_key()])
        job = NewJob(
            id=str(uuid4()),
            user_id=ensure_local_user(database, secrets, None).user_id,
            flow_id="a-flow",
            version_id=store_version(database, {"nodes": []}),
            mode=Mode.BACKGROUND,
            session_id="a-session",
            request="{}",
        )
        submit(silent_log(database), job, ())
    name, text = only_fault(penstock("doctor"))
    assert name == "work"
    assert text.startswith("No worker process has reported itself lately. Start one. (0 worker processes, ")
    assert "1 jobs wait, one since" in text


def test_work_that_is_done(penstock: Penstock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded(tmp_path, {"PENSTOCK_SWEEP_SECONDS": "0.2"}) as deployment:
        monkeypatch.setenv("PENSTOCK_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("PORT", str(urlsplit(deployment.url).port))
        word, text = findings(penstock("doctor"))["work"]
    assert word == "ok", text
    assert text.startswith("1 worker processes, 8 of 8 threads free; 0 jobs wait; 0 run; ")


def test_a_port_that_penstock_answers_at(penstock: Penstock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs is not a fault."""
    with embedded(tmp_path, {}) as deployment:
        monkeypatch.setenv("PORT", str(urlsplit(deployment.url).port))
        said = penstock("doctor")
    assert findings(said)["port"] == ("ok", f"{deployment.url} answers")
