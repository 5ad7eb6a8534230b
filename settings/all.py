"""All settings together, and what the parts of the program are given of them."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Self

from pydantic import ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from actors.workforce import WorkforceConfig
from flows.limits import Limits
from flows.models.defaults import ModelDefaults
from flows.models.patience import Patience
from flows.outbound.policy import OutboundPolicy
from settings.callers import Callers
from settings.deployment import Deployment
from settings.values import listed, revealed
from settings.work import Work
from storage.components import ComponentSources
from storage.files import FileBounds
from storage.secrets import kept_keys
from storage.store import StoreConfig
from storage.submitting import QueueBounds

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SettingsError(Exception):
    """A setting has a wrong value; the message names it, its fault and the remedy."""


class Settings(Callers, Work, Deployment):
    """Everything that can be set, each by one environment variable (or a line in `.env`)."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", populate_by_name=True, env_ignore_empty=True, allow_inf_nan=False
    )

    @field_validator("components", "sql_folder")
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
            files=self.data_dir / "files",
            file_bounds=FileBounds(self.max_file_bytes, self.max_files),
            components=self.component_sources,
            kill_point=self.kill_point,
        )

    @property
    def component_sources(self) -> ComponentSources:
        """Where components come from."""
        return ComponentSources(self.components, listed(self.lfx))

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
            model_defaults=self.model_defaults,
            outbound=OutboundPolicy.allowing(self.allowed_hosts or "", *self._own_endpoints),
            search_endpoint=self.search_url,
            arxiv_endpoint=self.arxiv_url,
            sql_folder=self.sql_folder,
            embedding_model=self.embedding_model,
        )

    @property
    def _own_endpoints(self) -> tuple[str | None, ...]:
        """What flows may call though it is internal, because the settings name it."""
        return (self.model_base_url, self.search_url, self.arxiv_url)

    @property
    def model_defaults(self) -> ModelDefaults:
        """What is used where a flow names no model, endpoint or key, and how long models are waited for."""
        keys = {"openai": self.openai_api_key, "anthropic": self.anthropic_api_key, "google": self.google_api_key}
        return ModelDefaults(
            self.model_name,
            self.model_base_url,
            revealed(self.model_api_key),
            {name: key.get_secret_value() for name, key in keys.items() if key is not None},
            Patience(self.model_timeout_seconds, retries=self.model_retries),
        )

    @property
    def queue_bounds(self) -> QueueBounds:
        """How many jobs may wait."""
        return QueueBounds(self.max_queued, self.max_queued_per_user)

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where the trusted proxies are."""
        return tuple(ip_network(entry) for entry in listed(self.trusted_proxies))

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of pages that may call from a browser; `*` alone for all."""
        return listed(self.cors_origins)

    @property
    def alive_seconds(self) -> float:
        """How lately a worker process must have reported itself to count as alive: three beats, and time to write."""
        return 3 * self.heartbeat_seconds + 5

    @property
    def opens_locally(self) -> bool:
        """Whether a caller from this machine may be the local user: nothing says that others call through it."""
        called_for_others = self.trusted_proxies is not None or self.end_user_header is not None
        return self.host in LOOPBACK and self.first_key is None and not called_for_others

    @property
    def first_key(self) -> str | None:
        """The API key of the first superuser."""
        return revealed(self.bootstrap_key)

    def secret_keys(self) -> list[str]:
        """The secret keys; embedded, one is made in the data folder, readable by its owner only."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().split(",")
        return kept_keys(self.data_dir / "secret.key")


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
