"""`penstock doctor`: is everything there that the settings name? It looks and changes nothing."""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import httpx
import redis
import typer
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from penstock.address import check_free, url_of
from settings import Settings, SettingsError, load_settings
from storage.database import Database, normalized
from storage.errors import StorageError
from storage.liveness import Standing, standing
from storage.redis_link import RedisLink
from storage.redis_policy import check_policy
from storage.rotation import examine
from storage.schema import check_schema, head
from storage.secrets import Secrets, is_key, new_key

ANSWER_SECONDS = 2.0
OLDEST_REDIS = (6, 2)
"""The first with BLMOVE, in which idle workers wait."""
NOT_YET = "not there yet; `penstock up` makes it"
_FOR_OTHERS = 0o077


class Fault(Exception):
    """Something is wrong; the message says what, and how to mend it."""


def doctor() -> int:
    """One line per check; the exit code is 1 when something is wrong."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return _tell("settings", str(error), is_fault=True)
    _tell("settings", "every value can be read", is_fault=False)
    return max(_examine(name, check, settings) for name, check in CHECKS.items())


def _examine(name: str, check: Callable[[Settings], str], settings: Settings) -> int:
    try:
        found = check(settings)
    except (Fault, SettingsError, StorageError) as fault:
        return _tell(name, str(fault), is_fault=True)
    return _tell(name, found, is_fault=False)


def _tell(name: str, found: str, *, is_fault: bool) -> int:
    word = typer.style("wrong", fg=typer.colors.RED) if is_fault else typer.style("ok   ", fg=typer.colors.GREEN)
    typer.echo(f"{word}  {name:<11}  {' '.join(found.split())}")
    return int(is_fault)


def _data_folder(settings: Settings) -> str:
    folder = settings.data_dir
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        raise Fault(f"{nearest} is no folder that may be written. Mend its rights, or set PENSTOCK_DATA_DIR.")
    open_to_others = [str(path) for path in _private(folder) if path.stat().st_mode & _FOR_OTHERS]
    if open_to_others:
        raise Fault(f"Others may read it. Run `chmod 600 {' '.join(open_to_others)}`.")
    return str(folder) if folder.exists() else f"{folder}: {NOT_YET}"


def _private(folder: Path) -> list[Path]:
    names = ("secret.key", "penstock.db", "penstock.db-wal", "penstock.db-shm")
    return [folder / name for name in names if (folder / name).exists()]


def _secret_key(settings: Settings) -> str:
    if settings.secret_key is not None:
        return "from PENSTOCK_SECRET_KEY"
    path = settings.data_dir / "secret.key"
    try:
        keys = path.read_text().split()
    except FileNotFoundError:
        return f"{path}: {NOT_YET}"
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{path} cannot be read ({error}). Mend its rights.") from None
    if not (keys and all(map(is_key, keys))):
        raise Fault(f"{path} holds no Fernet key. Restore it from a backup: what is encrypted needs it.")
    return str(path)


def _database(settings: Settings) -> str:
    if _is_unmade(settings):
        return f"{_shown(settings)}: {NOT_YET}"
    with closing(Database(settings.database)) as database:
        try:
            with database.read() as connection:
                connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            raise Fault(f"{_shown(settings)} cannot be used ({error.orig}). Start it, or set DATABASE_URL.") from None
    return _shown(settings)


def _schema(settings: Settings) -> str:
    if _is_unmade(settings):
        return NOT_YET
    with closing(Database(settings.database)) as database:
        try:
            check_schema(database)
        except DBAPIError:
            raise Fault("The revision cannot be read. Mend the database first.") from None
    return f"revision {head()}"


def _secrets(settings: Settings) -> str:
    """Whether what is encrypted can be read with the keys of the settings."""
    if _is_unmade(settings):
        return NOT_YET
    with closing(Database(settings.database)) as database:
        try:
            found = examine(database, Secrets(_keys(settings)))
        except DBAPIError:
            return "not known while the database or its schema is wrong"
    if found.unreadable:
        raise Fault(
            f"{found.unreadable} of {found.all} stored secrets cannot be read with the secret key. Put the key that "
            "they were encrypted with behind it."
        )
    older = f", {found.renewed} of them with an older key: run `penstock rotate-secrets`" if found.renewed else ""
    return f"{found.all} can be read{older}"


def _keys(settings: Settings) -> list[str]:
    """The secret keys as they are; one that nothing was encrypted with when there are none, for looking makes none."""
    path = settings.data_dir / "secret.key"
    is_kept = settings.secret_key is not None or path.exists()
    keys = settings.secret_keys() if is_kept else []
    return keys if keys and all(map(is_key, keys)) else [new_key()]


def _redis(settings: Settings) -> str:
    if settings.redis_url is None:
        return "not set; hints and events stay in this process"
    with closing(RedisLink(settings.redis_url)) as link:
        try:
            version = str(link.quick.info("server")["redis_version"])
        except redis.RedisError as error:
            raise Fault(f"It cannot be reached ({error}). Start it, or set REDIS_URL.") from None
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
            raise Fault(f"It is version {version}; 6.2 is the oldest that works. Update it.")
        check_policy(link.quick)
    return f"version {version}, evicts nothing"


def _work(settings: Settings) -> str:
    """Whether jobs move: who works, what waits, and whether somebody looks after what stands still."""
    if _is_unmade(settings):
        return NOT_YET
    with closing(Database(settings.database)) as database:
        try:
            found = standing(database, settings.alive_seconds)
        except DBAPIError:
            return "not known while the database or its schema is wrong"
    faults = found.faults(patience=settings.alive_seconds)
    if faults and (found.workers or found.queued or found.running):
        raise Fault(f"{' '.join(faults)} ({_told(found)})")
    return _told(found)


def _told(found: Standing) -> str:
    waiting = f"{found.queued} jobs wait" + (f", one since {found.oldest_queued:.0f} s" if found.oldest_queued else "")
    lease = "" if found.lease_left is None else f", the oldest lease ends in {found.lease_left:.0f} s"
    workers = f"{found.workers} worker processes, {found.free_threads} of {found.threads} threads free"
    ages = {"last job taken": found.last_claim, "last sweep": found.last_sweep}
    told = [f"{name} {'never' if age is None else f'{age:.0f} s ago'}" for name, age in ages.items()]
    return f"{workers}; {waiting}; {found.running} run{lease}; {'; '.join(told)}"


def _port(settings: Settings) -> str:
    if _answers(settings):
        return f"{url_of(settings)} answers"
    check_free(settings)
    return f"{url_of(settings)} is free"


def _answers(settings: Settings) -> bool:
    """Whether a Penstock runs there already."""
    try:
        answer = httpx.get(f"{url_of(settings)}/health", timeout=ANSWER_SECONDS, trust_env=False)
    except httpx.TransportError:
        return False
    return answer.content == b'{"status":"ok"}'


def _model(settings: Settings) -> str:
    if settings.model_base_url is None and settings.model_name is None:
        return "not set; flows must name theirs"
    name = settings.model_name or "the model that a flow names"
    return f"{name} at {settings.model_base_url or 'the endpoint that a flow names'}"


CHECKS: Mapping[str, Callable[[Settings], str]] = {
    "data folder": _data_folder,
    "secret key": _secret_key,
    "database": _database,
    "schema": _schema,
    "secrets": _secrets,
    "redis": _redis,
    "work": _work,
    "port": _port,
    "model": _model,
}


def _is_unmade(settings: Settings) -> bool:
    """Whether the database is a file that nobody has made yet; opening it would make it."""
    path = normalized(settings.database).database
    return normalized(settings.database).get_backend_name() == "sqlite" and not (path and Path(path).exists())


def _shown(settings: Settings) -> str:
    """The database's URL without its password."""
    return normalized(settings.database).render_as_string()
