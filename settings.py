"""The settings, and the only reader of the environment. Imported by the composition roots only."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from actors.workforce import WorkforceConfig
from flows.limits import Limits
from flows.models import ModelDefaults
from storage.kill_points import KillPoint
from storage.secrets import is_key, kept_key
from storage.store import StoreConfig
from storage.submitting import QueueBounds

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SettingsError(Exception):
    """A setting has a wrong value; the message names it, its fault and the remedy."""


def _database_url(url: str) -> str:
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        raise ValueError("is not a database URL") from None
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise ValueError(f"names the database {backend!r}")
    return url


def _redis_url(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("is not a Redis URL")
    return url


def _secret_keys(keys: SecretStr) -> SecretStr:
    if not all(is_key(key) for key in keys.get_secret_value().split(",")):
        raise ValueError("is not a list of Fernet keys")
    return keys


def _kill_point(spec: str) -> str:
    KillPoint(spec)
    return spec


def _setting(name: str, default: Any, meaning: str, remedy: str, **bounds: Any) -> Any:
    """One setting: the environment variable, its default, what it means and how to mend a wrong value."""
    return Field(default, validation_alias=name, description=meaning, json_schema_extra={"remedy": remedy}, **bounds)


YEAR = 31_536_000
_SECONDS = "Give a number of seconds above 0, a year at most."
_COUNT = "Give a whole number of at least 1."


class Settings(BaseSettings):
    """Everything that can be set, each by one environment variable (or a line in `.env`)."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", populate_by_name=True, env_ignore_empty=True, allow_inf_nan=False
    )

    data_dir: Path = _setting(
        "PENSTOCK_DATA_DIR", Path(".penstock"), "Folder of the embedded database, secret key and files.",
        "Give a folder that may be written.",
    )  # fmt: skip
    database_url: Annotated[str, AfterValidator(_database_url)] | None = _setting(
        "DATABASE_URL", None, "Where jobs are stored. Without it: SQLite in the data folder.",
        "Give postgresql://user:password@host/name or sqlite:///path.",
    )  # fmt: skip
    redis_url: Annotated[str, AfterValidator(_redis_url)] | None = _setting(
        "REDIS_URL", None, "Where hints and live events travel. Without it: memory, and one process.",
        "Give redis://host:6379/0.",
    )  # fmt: skip
    port: int = _setting(
        "PORT", 7860, "Port of the web server.", "Give a port between 1 and 65535.", ge=1, le=65535
    )  # fmt: skip
    host: str = _setting(
        "PENSTOCK_HOST", "127.0.0.1", "Address the web server binds to. Beyond loopback it needs a first API key.",
        "Give an address of this machine, 0.0.0.0 for all.", min_length=1,
    )  # fmt: skip
    web_concurrency: int = _setting(
        "WEB_CONCURRENCY", 1, "Web processes. More than one needs REDIS_URL.", _COUNT, ge=1, le=256
    )
    worker_threads: int = _setting(
        "PENSTOCK_WORKER_THREADS", 8, "Runs at the same time per worker process. A quarter of them, at least one when"
        " there are two, is kept for sync and stream runs.", _COUNT, ge=1, le=256,
    )  # fmt: skip
    secret_key: Annotated[SecretStr, AfterValidator(_secret_keys)] | None = _setting(
        "PENSTOCK_SECRET_KEY", None, "Fernet keys, comma-separated; the first encrypts, all decrypt. Embedded, one is"
        " made in the data folder; with REDIS_URL or DATABASE_URL it is required.",
        "Make one: `penstock secret-key`.",
    )  # fmt: skip
    bootstrap_key: SecretStr | None = _setting(
        "PENSTOCK_BOOTSTRAP_KEY", None, "API key of the first superuser, ensured by the release step. Without it a"
        " loopback bind signs the local user in.", "Give at least 16 characters.", min_length=16,
    )  # fmt: skip
    lease_seconds: float = _setting(
        "PENSTOCK_LEASE_SECONDS", 45.0, "How long a worker owns a job without renewing.", _SECONDS, gt=0, le=YEAR
    )
    heartbeat_seconds: float = _setting(
        "PENSTOCK_HEARTBEAT_SECONDS", 15.0, "How often a worker renews what it owns. At most half the lease.",
        "Give a number of seconds above 0 and at most half of PENSTOCK_LEASE_SECONDS.", gt=0, le=YEAR,
    )  # fmt: skip
    sweep_seconds: float = _setting(
        "PENSTOCK_SWEEP_SECONDS", 3.0, "How often the workers look for jobs that should be moving.",
        _SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    max_attempts: int = _setting(
        "PENSTOCK_MAX_ATTEMPTS", 5, "How often a worker may be lost before the run gets a vertex further; then the job"
        " fails. A deploy does not count.", _COUNT, ge=1, le=1_000,
    )  # fmt: skip
    grace_seconds: float = _setting(
        "PENSTOCK_GRACE_SECONDS", 15.0, "How long running vertices may go on when a worker is asked to end; then their"
        " jobs are handed on. Platforms kill after 30.", "Give a number of seconds above 0, 20 at most.", gt=0, le=20,
    )  # fmt: skip
    sync_timeout_seconds: float = _setting(
        "PENSTOCK_SYNC_TIMEOUT_SECONDS", 300.0, "Time limit of a sync or stream run.", _SECONDS, gt=0, le=YEAR
    )
    job_timeout_seconds: float | None = _setting(
        "PENSTOCK_JOB_TIMEOUT_SECONDS", None, "Time limit of a background run. Without it: none.",
        _SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    vertex_timeout_seconds: float | None = _setting(
        "PENSTOCK_VERTEX_TIMEOUT_SECONDS", None, "Time limit of one vertex. Without it: none but that of its run.",
        _SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    input_deadline_seconds: float | None = _setting(
        "PENSTOCK_INPUT_DEADLINE_SECONDS", None, "How long a run may wait for a person; then it fails. Without it: as "
        "long as it takes.", _SECONDS, gt=0, le=YEAR,
    )  # fmt: skip
    max_queued: int = _setting(
        "PENSTOCK_MAX_QUEUED", 10_000, "Queued jobs at most, counted apart for background runs and those that somebody"
        " waits for; beyond them a submit is answered 429.", _COUNT, ge=1,
    )  # fmt: skip
    max_queued_per_user: int = _setting(
        "PENSTOCK_MAX_QUEUED_PER_USER", 5_000, "The same for the jobs of one user.", _COUNT, ge=1
    )
    max_streams: int = _setting(
        "PENSTOCK_MAX_STREAMS", 1_000, "Clients that follow events in one web process; beyond them they are answered"
        " 503.", _COUNT, ge=1,
    )  # fmt: skip
    max_vertices: int = _setting("PENSTOCK_MAX_VERTICES", 1_000, "Vertices of one flow at most.", _COUNT, ge=1)
    max_body_bytes: int = _setting(
        "PENSTOCK_MAX_BODY_BYTES", 5_000_000, "Bytes of one request body, and so of one flow, at most.", _COUNT, ge=1
    )
    max_parallel: int = _setting(
        "PENSTOCK_MAX_PARALLEL", 8, "Vertices of one job that run at the same time.", _COUNT, ge=1, le=256
    )
    components: Path | None = _setting(
        "PENSTOCK_COMPONENTS", None, "Folder of Python files with components of your own.", "Give a folder."
    )
    model_base_url: str | None = _setting(
        "PENSTOCK_MODEL_BASE_URL", None, "OpenAI-compatible endpoint used where a flow names none.",
        "Give an http(s) URL, as https://host/v1.", pattern="^https?://",
    )  # fmt: skip
    model_api_key: SecretStr | None = _setting(
        "PENSTOCK_MODEL_API_KEY", None, "Key for that endpoint; it is sent to no other.", "Give the key."
    )
    model_name: str | None = _setting(
        "PENSTOCK_MODEL_NAME", None, "Model used where a flow names none.", "Give a name that the endpoint knows."
    )

    kill_point: Annotated[str, AfterValidator(_kill_point)] | None = _setting(
        "PENSTOCK_KILL_POINT", None, "For tests: the place at which this process kills itself, `name` or `name:n` for"
        " the n-th time.", "Leave it out, or take a name from storage/kill_points.py.",
    )  # fmt: skip
    clock_skew_seconds: float = _setting(
        "PENSTOCK_CLOCK_SKEW_SECONDS", 0.0, "For tests: by how much the clock of this process is wrong.",
        "Leave it out.", ge=-YEAR, le=YEAR,
    )  # fmt: skip

    @field_validator("components")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("is no folder")
        return value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError:
            raise ValueError("has no such home folder") from None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.heartbeat_seconds * 2 > self.lease_seconds:
            raise SettingsError(
                f"PENSTOCK_HEARTBEAT_SECONDS={self.heartbeat_seconds:g}: is more than half of PENSTOCK_LEASE_SECONDS="
                f"{self.lease_seconds:g}. Lower the one or raise the other."
            )
        if self.web_concurrency > 1 and self.redis_url is None:
            raise SettingsError(
                f"WEB_CONCURRENCY={self.web_concurrency}: several processes need REDIS_URL. Set it, or give 1."
            )
        if self.secret_key is None and not self.is_embedded:
            raise SettingsError(
                "PENSTOCK_SECRET_KEY: is required with DATABASE_URL or REDIS_URL. Make one: `penstock secret-key`."
            )
        if self.bootstrap_key is None and self.host not in LOOPBACK:
            raise SettingsError(
                f"PENSTOCK_HOST={self.host}: is reachable from outside, so a first API key is needed. "
                "Set PENSTOCK_BOOTSTRAP_KEY, or bind to 127.0.0.1."
            )
        return self

    @property
    def is_embedded(self) -> bool:
        """Whether everything this program needs is in this one process and its data folder."""
        return self.database_url is None and self.redis_url is None

    @property
    def database(self) -> str:
        """The database's URL, the embedded one when none is set."""
        return self.database_url or f"sqlite:///{self.data_dir / 'penstock.db'}"

    @property
    def store(self) -> StoreConfig:
        """What the store is opened with."""
        return StoreConfig(
            self.database,
            self.redis_url,
            self.secret_keys(),
            Limits(max_vertices=self.max_vertices),
            components=self.components,
            kill_point=self.kill_point,
        )

    @property
    def workforce(self) -> WorkforceConfig:
        """How workers work."""
        return WorkforceConfig(
            threads=self.worker_threads,
            lease_seconds=self.lease_seconds,
            heartbeat_seconds=self.heartbeat_seconds,
            sweep_seconds=self.sweep_seconds,
            grace_seconds=self.grace_seconds,
            max_attempts=self.max_attempts,
            vertex_seconds=self.vertex_timeout_seconds,
            input_seconds=self.input_deadline_seconds,
            clock_skew_seconds=self.clock_skew_seconds,
            max_parallel=self.max_parallel,
            model_defaults=ModelDefaults(self.model_name, self.model_base_url, _revealed(self.model_api_key)),
        )

    @property
    def queue_bounds(self) -> QueueBounds:
        """How many jobs may wait."""
        return QueueBounds(self.max_queued, self.max_queued_per_user)

    @property
    def alive_seconds(self) -> float:
        """How lately a worker process must have reported itself to count as alive: three beats, and time to write."""
        return 3 * self.heartbeat_seconds + 5

    @property
    def first_key(self) -> str | None:
        """The API key of the first superuser."""
        return _revealed(self.bootstrap_key)

    def secret_keys(self) -> list[str]:
        """The secret keys; embedded, one is made in the data folder, readable by its owner only."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().split(",")
        return [kept_key(self.data_dir / "secret.key")]


def load_settings() -> Settings:
    """The settings of this process. Raises `SettingsError` for the first wrong value."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    name = str(fault["loc"][0])
    field = next(field for field in Settings.model_fields.values() if field.validation_alias == name)
    # A URL may hold a password.
    secret = "SecretStr" in str(field.annotation) or name.endswith("_URL")
    extra = field.json_schema_extra
    remedy = extra["remedy"] if isinstance(extra, dict) else ""
    shown = "" if secret else f"={fault['input']}"
    return f"{name}{shown}: {fault['msg'].removeprefix('Value error, ')}. {remedy}"


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
