"""Where a deployment keeps what, where it listens, and the keys that it cannot do without."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from settings.values import COUNT, DatabaseUrl, RedisUrl, SecretKeys, setting


class Deployment(BaseSettings):
    """Where a deployment keeps what, where it listens, and the keys that it cannot do without."""

    data_dir: Path = setting(
        "PENSTOCK_DATA_DIR", Path(".penstock"), "Folder of the embedded database, secret key and uploaded files."
        " Processes on several hosts must share its `files`.",
        "Give a folder that may be written.",
    )  # fmt: skip
    database_url: DatabaseUrl | None = setting(
        "DATABASE_URL", None, "Where jobs are stored. Without it: SQLite in the data folder.",
        "Give postgresql://user:password@host/name or sqlite:///path.",
    )  # fmt: skip
    redis_url: RedisUrl | None = setting(
        "REDIS_URL", None, "Where hints and live events travel. Without it: memory, and one process.",
        "Give redis://host:6379/0.",
    )  # fmt: skip
    port: int = setting(
        "PORT", 7860, "Port of the web server.", "Give a port between 1 and 65535.", ge=1, le=65535
    )  # fmt: skip
    host: str = setting(
        "PENSTOCK_HOST", "127.0.0.1", "Address the web server binds to. Beyond loopback it needs a first API key.",
        "Give an address of this machine, 0.0.0.0 for all.", min_length=1,
    )  # fmt: skip
    web_concurrency: int = setting(
        "WEB_CONCURRENCY", 1, "Web processes. More than one needs REDIS_URL.", COUNT, ge=1, le=256
    )
    secret_key: SecretKeys | None = setting(
        "PENSTOCK_SECRET_KEY", None, "Fernet keys, comma-separated; the first encrypts, all decrypt. Embedded, one is"
        " made in the data folder; with REDIS_URL or DATABASE_URL it is required.",
        "Make one: `penstock secret-key`.",
    )  # fmt: skip
    bootstrap_key: SecretStr | None = setting(
        "PENSTOCK_BOOTSTRAP_KEY", None, "API key of the first superuser, ensured by the release step. Without it a"
        " loopback bind signs the local user in, until there is an API key or a password.",
        "Give at least 16 characters.", min_length=16,
    )  # fmt: skip
